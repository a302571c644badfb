"""Pulumi's command line, in a project folder and on a backend of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localcloud.client import LocalCloud
from tests.support import processes
from tests.support.engine import engine_environment, without_plugin_search

RUN_SECONDS = 120
"""The longest that a run may take."""


class HungError(Exception):
    """A run did not end in time; the message has its output."""


@dataclass(frozen=True)
class Ended:
    """A run that has ended."""

    code: int
    text: str


class CommandLine:
    """Runs `pulumi` in ``project`` on ``stack``. Everything that it writes is below ``home``."""

    def __init__(self, project: Path, home: Path, stack: str = "test") -> None:
        self.project = project
        self.stack = stack
        self.backend = home / "state"
        self.environment = without_plugin_search(engine_environment(home))
        self._output_file = home / "output"

    def configure(self, config: Mapping[str, object]) -> None:
        """Give the stack this configuration and no other."""
        # JSON is YAML.
        (self.project / f"Pulumi.{self.stack}.yaml").write_text(json.dumps({"config": config}))

    def run(self, *arguments: str, succeeds: bool = False) -> Ended:
        """Run a command on the stack to its end. With ``succeeds`` the test fails if the command fails."""
        with self.start(*arguments) as process:
            self.wait(process, RUN_SECONDS)
            ended = Ended(process.returncode, self.output())
        assert not (succeeds and ended.code), f"pulumi {' '.join(arguments)} failed:\n{ended.text}"
        return ended

    @contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start a command in a process group of its own, as a terminal does. It ends with the context."""
        with self._output_file.open("wb") as output:
            process = subprocess.Popen(
                ["pulumi", *arguments, "--stack", self.stack],  # noqa: S607  the one that PATH leads to
                cwd=self.project,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                if process.poll() is None:
                    processes.kill(processes.family(process.pid))
                process.wait()

    def wait(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        """Wait until the command ends. Raises :class:`HungError`."""
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise HungError(f"Pulumi had not ended after {seconds:g} s:\n{self.output()}") from None

    def output(self) -> str:
        """The output of the last command so far."""
        return self._output_file.read_text(errors="replace")


def aws_config(cloud: LocalCloud, region: str) -> dict[str, object]:
    """The configuration with which a stack uses the embedded EC2."""
    return {
        "aws:region": region,
        "aws:endpoints": json.dumps([{"ec2": cloud.url, "sts": cloud.url, "cloudwatch": cloud.url}]),
        "aws:accessKey": "local",
        "aws:secretKey": "local",
    }
