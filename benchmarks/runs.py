"""Run `pulumi up` on a fleet of the embedded EC2, and count its API calls."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from benchmarks.bound import DESCRIBE, MODIFY, REGION, Ec2Timing
from localcloud.client import LocalCloud
from tools.sandbox import environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localcloud.ec2.instances import Seed

PROGRAM = Path(__file__).parent / "program"
UP = ("up", "--yes", "--stack", "bench")


@dataclass(frozen=True)
class Run:
    """One `pulumi up`: its wall time in seconds, and the calls that reached EC2."""

    seconds: float
    modifies: int
    describes: int
    throttled: int
    ec2_seconds: float
    """From the first modification until the response to the last describe."""
    lag_seconds: float
    """From the moment when the last modification was applied until the response to the describe that saw it."""

    @property
    def throttled_share(self) -> float:
        return self.throttled / max(1, self.modifies + self.describes)


@dataclass(frozen=True)
class Measured:
    """The first run, which changes the instances, and the second, which changes nothing."""

    first: Run
    again: Run


class BenchmarkError(Exception):
    """A run failed, or left an instance without the wanted options."""


def fleet(size: int, *, compliant_share: float = 0.0) -> list[Seed]:
    """Instances of which the first ones comply already."""
    compliant = round(size * compliant_share)
    return [
        {
            "id": f"i-{number:017x}",
            "region": REGION,
            "options": {"HttpTokens": "required" if number < compliant else "optional"},
        }
        for number in range(size)
    ]


def cloud_arguments(timing: Ec2Timing) -> tuple[str, ...]:
    """Arguments of `python -m localcloud` for that timing, with EC2's published throttle."""
    return (
        f"--pending={timing.pending_seconds}",
        f"--latency={MODIFY}={timing.modify_seconds},{DESCRIBE}={timing.describe_seconds}",
        "--throttle",
    )


def measure(instances: Sequence[Seed], *, together: bool, timing: Ec2Timing) -> Measured:
    """Run `pulumi up` twice on fresh instances.

    Raises:
        BenchmarkError: a run failed, or an instance does not comply afterwards.
    """
    with (
        tempfile.TemporaryDirectory(prefix="pulumi-imds-bench-") as home,
        LocalCloud.start(*cloud_arguments(timing), seed=instances) as cloud,
    ):
        pulumi = Pulumi.prepared(Path(home), cloud.url, [each["id"] for each in instances], together=together)
        first = _run(cloud, pulumi, timing)
        wrong = [each["id"] for each in cloud.instances() if each["options"].get("HttpTokens") != "required"]
        if wrong:
            raise BenchmarkError(f"{len(wrong)} instances do not comply after the run, such as {wrong[0]}")
        return Measured(first, _run(cloud, pulumi, timing))


@dataclass(frozen=True)
class Pulumi:
    """A copy of the benchmark's program with an empty stack, to run `pulumi` in."""

    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def prepared(
        cls, home: Path, url: str, ids: Sequence[str], *, together: bool = True, hop_limit: int | None = None
    ) -> Pulumi:
        """Create a stack that requires tokens on these instances, and a hop limit if one is given.

        Raises:
            BenchmarkError: `pulumi` cannot create the stack.
        """
        folder = home / "program"
        shutil.copytree(PROGRAM, folder)
        config = {
            "aws:region": REGION,
            "aws:endpoints": json.dumps([{"ec2": url, "sts": url}]),
            "aws:accessKey": "local",
            "aws:secretKey": "local",
            "bench:ids": json.dumps(ids),
            "bench:together": json.dumps(together),
            **({} if hop_limit is None else {"bench:hopLimit": str(hop_limit)}),
        }
        (folder / "Pulumi.bench.yaml").write_text(json.dumps({"config": config}))
        pulumi = cls(folder, environment(home))
        pulumi.run("stack", "init", "bench")
        return pulumi

    def run(self, *arguments: str) -> None:
        command = ["pulumi", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BenchmarkError(f"`{' '.join(command)}` failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


def _run(cloud: LocalCloud, pulumi: Pulumi, timing: Ec2Timing) -> Run:
    cloud.reset()
    started = time.monotonic()
    pulumi.run(*UP)
    seconds = time.monotonic() - started
    counts = cloud.counts()
    calls = {action: counts.get(action, {"calls": 0, "throttled": 0}) for action in (MODIFY, DESCRIBE)}
    return Run(
        seconds=seconds,
        modifies=calls[MODIFY]["calls"],
        describes=calls[DESCRIBE]["calls"],
        throttled=sum(each["throttled"] for each in calls.values()),
        **_on_ec2(cloud, timing),
    )


class _OnEc2(TypedDict):
    ec2_seconds: float
    lag_seconds: float


def _on_ec2(cloud: LocalCloud, timing: Ec2Timing) -> _OnEc2:
    modified = [each for each in cloud.log(MODIFY) if each["code"] == "OK"]
    if not modified:
        return _OnEc2(ec2_seconds=0.0, lag_seconds=0.0)
    seen = max(each["time"] + each["seconds"] for each in cloud.log(DESCRIBE))
    applied = max(each["time"] + each["seconds"] for each in modified) + timing.pending_seconds
    return _OnEc2(ec2_seconds=seen - min(each["time"] for each in modified), lag_seconds=seen - applied)
