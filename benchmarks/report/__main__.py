"""`python -m benchmarks.report`: measure `imds-report` over many stacks, and print the table of docs/scale.md."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bound import REGION
from benchmarks.runs import BenchmarkError, Pulumi, fleet
from localcloud.client import LocalCloud
from tests.support.s3_backend import make_bucket
from tools.sandbox import ROOT, environment

PROGRAM = ROOT / "benchmarks" / "scale" / "program"


@dataclass(frozen=True)
class Measured:
    """One report: its wall time, and the processor time of all its processes, in seconds."""

    seconds: float
    processor_seconds: float


@dataclass(frozen=True)
class Stacks:
    """Stacks in one backend, which have the state of a fleet after a run."""

    pulumi: Pulumi

    @classmethod
    @contextmanager
    def made(cls, number: int, size: int, backend: str) -> Iterator[Stacks]:
        """Run one stack with a fleet of this size, and import its state into the others, which is quicker.

        ``backend`` is ``file`` for a folder, or ``s3`` for a bucket of the embedded S3.

        Raises:
            BenchmarkError: a command of `pulumi` failed.
        """
        seed = fleet(size, compliant_share=1)
        with (
            tempfile.TemporaryDirectory(prefix="pulumi-imds-bench-") as folder,
            LocalCloud.start(seed=seed) as cloud,
        ):
            home = Path(folder)
            variables = make_bucket(cloud, "state") if backend == "s3" else {}
            project = Path(shutil.copytree(PROGRAM, home / "program"))
            pulumi = Pulumi(project, {**environment(home), **variables, "PYTHONPATH": str(ROOT)})
            _run_first(pulumi, cloud)
            state = home / "state.json"
            pulumi.run("stack", "export", "--stack", "bench", "--file", str(state))
            exported = state.read_text()
            for each in range(1, number):
                name = f"stack-{each:03}"
                state.write_text(exported.replace("urn:pulumi:bench::", f"urn:pulumi:{name}::"))
                pulumi.run("stack", "init", name)
                pulumi.run("stack", "import", "--stack", name, "--file", str(state))
            yield cls(pulumi)

    def report(self) -> Measured:
        """Report all stacks as JSON.

        Raises:
            BenchmarkError: it failed.
        """
        command = [sys.executable, "-m", "imds_components.report", "--all-stacks", "--format", "json"]
        with tempfile.TemporaryFile() as output:
            started = time.monotonic()
            process = subprocess.Popen(
                command,
                cwd=self.pulumi.folder,
                env={**self.pulumi.environment, "PYTHONPATH": os.pathsep.join(_roots())},
                stdout=output,
                stderr=output,
            )
            # What it used, with all processes that it waited for.
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.monotonic() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                output.seek(0)
                raise BenchmarkError(f"`{' '.join(command)}` failed:\n{output.read().decode()[-4000:]}")
        return Measured(seconds, used.ru_utime + used.ru_stime)


def _roots() -> list[str]:
    return [str(ROOT / each) for each in ("components", "dynamic_providers")]


def _run_first(pulumi: Pulumi, cloud: LocalCloud) -> None:
    config: Mapping[str, str] = {
        "aws:region": REGION,
        "aws:endpoints": json.dumps([{"ec2": cloud.url, "sts": cloud.url, "cloudwatch": cloud.url}]),
        "aws:accessKey": "local",
        "aws:secretKey": "local",
    }
    (pulumi.folder / "Pulumi.bench.yaml").write_text(json.dumps({"config": config}))
    pulumi.run("stack", "init", "bench")
    pulumi.run("up", "--yes", "--skip-preview", "--stack", "bench")


def row(number: int, size: int, backend: str, measured: Measured, one: Measured) -> str:
    """Format a line of the table. ``one`` is a report of one such stack."""
    per_stack = (measured.processor_seconds - one.processor_seconds) / (number - 1) if number > 1 else 0.0
    cells = (
        str(number),
        str(size),
        backend,
        f"{measured.seconds:.1f} s",
        f"{measured.processor_seconds:.1f} s",
        f"{1000 * per_stack:.0f} ms" if number > 1 else "",
    )
    return f"| {' | '.join(cells)} |"


HEADER = """\
| stacks | instances each | state in | report | processor time | per stack |
| ---: | ---: | --- | ---: | ---: | ---: |"""
LEGEND = """\
report: wall time of `imds-report --all-stacks --format json`
processor time: of the report and of all `pulumi` commands that it runs
per stack: the processor time that each stack after the first adds"""


def main() -> int:
    """Measure every size, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.report", description=__doc__)
    parser.add_argument("--stacks", type=int, default=40, help="how many (default: %(default)s)")
    parser.add_argument("--sizes", default="10,250", help="instances of each stack (default: %(default)s)")
    parser.add_argument("--backends", default="file,s3", help="where states are (default: %(default)s)")
    arguments = parser.parse_args()
    rows = []
    for backend in arguments.backends.split(","):
        for size in map(int, arguments.sizes.split(",")):
            print(f"measuring stacks of {size} instances, {backend} ...", file=sys.stderr, flush=True)
            try:
                with Stacks.made(1, size, backend) as single:
                    one = single.report()
                with Stacks.made(arguments.stacks, size, backend) as stacks:
                    many = stacks.report()
            except BenchmarkError as error:
                print(f"error: {error}", file=sys.stderr)
                return 1
            rows.append(row(1, size, backend, one, one))
            rows.append(row(arguments.stacks, size, backend, many, one))
    print(f"{LEGEND}\n\n{HEADER}")
    print("\n".join(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
