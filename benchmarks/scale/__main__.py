"""`python -m benchmarks.scale`: measure fleets of several sizes, and print the table of docs/performance.md."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bound import DESCRIBE, MODIFY, REGION, Ec2Timing, lower_bound
from benchmarks.runs import BenchmarkError, Pulumi, cloud_arguments, fleet
from localcloud.client import LocalCloud
from tools.sandbox import ROOT, environment

PROGRAM = Path(__file__).parent / "program"
METRICS = "GetMetricData"
STACK = ("--stack", "bench")


@dataclass(frozen=True)
class Step:
    """One command: its wall time in seconds, and its API calls by action."""

    seconds: float
    calls: Mapping[str, int]


@dataclass(frozen=True)
class Measured:
    """A stack from its first preview to a run that changes nothing."""

    size: int
    preview: Step
    up: Step
    unchanged_preview: Step
    unchanged_up: Step
    state_bytes: int


COMMANDS = (("preview",), ("up", "--yes", "--skip-preview"))


def measure(size: int, *, idle: bool) -> Measured:
    """Run the commands on fresh instances.

    Raises:
        BenchmarkError: a command failed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="pulumi-imds-bench-") as home,
        LocalCloud.start(*cloud_arguments(Ec2Timing()), seed=fleet(size)) as cloud,
    ):
        pulumi = _prepared(Path(home), cloud.url, idle=size if idle else None)
        preview, up, unchanged_preview, unchanged_up = (
            _step(cloud, pulumi, *command) for command in (*COMMANDS, *COMMANDS)
        )
        state = next((Path(home) / "state").glob("**/bench.json"))
        return Measured(size, preview, up, unchanged_preview, unchanged_up, state.stat().st_size)


def _prepared(home: Path, url: str, *, idle: int | None) -> Pulumi:
    folder = home / "program"
    shutil.copytree(PROGRAM, folder)
    config = {
        "aws:region": REGION,
        "aws:endpoints": json.dumps([{"ec2": url, "sts": url, "cloudwatch": url}]),
        "aws:accessKey": "local",
        "aws:secretKey": "local",
        **({} if idle is None else {"scale:idle": str(idle)}),
    }
    (folder / "Pulumi.bench.yaml").write_text(json.dumps({"config": config}))
    pulumi = Pulumi(folder, {**environment(home), "PYTHONPATH": str(ROOT)})
    pulumi.run("stack", "init", "bench")
    return pulumi


def _step(cloud: LocalCloud, pulumi: Pulumi, *command: str) -> Step:
    cloud.reset()
    started = time.monotonic()
    pulumi.run(*command, *STACK)
    seconds = time.monotonic() - started
    return Step(seconds, {action: counted["calls"] for action, counted in cloud.counts().items()})


def row(found: Measured, idle: Measured) -> str:
    """Format a line of the table."""
    calls = [found.preview.calls.get(action, 0) for action in (DESCRIBE, METRICS)]
    up_calls = [found.up.calls.get(action, 0) for action in (MODIFY, DESCRIBE)]
    cells = (
        str(found.size),
        f"{found.preview.seconds:.1f} s",
        " + ".join(map(str, calls)),
        f"{found.up.seconds:.1f} s",
        " + ".join(map(str, up_calls)),
        f"{lower_bound(up_calls[0], Ec2Timing()):.1f} s",
        f"{found.unchanged_preview.seconds:.1f} s",
        f"{idle.unchanged_preview.seconds:.1f} s",
        f"{found.unchanged_preview.seconds / idle.unchanged_preview.seconds:.2f}",
        f"{1000 * found.unchanged_preview.seconds / found.size:.0f} ms",
        f"{found.unchanged_up.seconds:.1f} s",
        f"{found.state_bytes / 1024 / found.size:.1f} KiB",
    )
    return f"| {' | '.join(cells)} |"


HEADER = """\
| N | first preview | describes + metrics | first up | modifies + describes | bound | unchanged preview | idle | ratio \
| per instance | unchanged up | state per instance |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"""
LEGEND = """\
bound: the shortest time that EC2's throttle allows for the first up
idle: an unchanged preview of N dynamic resources that have the same properties and do nothing
ratio: unchanged preview / idle
per instance: unchanged preview / N"""


def main() -> int:
    """Measure each size, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.scale", description=__doc__)
    parser.add_argument("--sizes", default="100,400,1000", help="of fleets (default: %(default)s)")
    sizes = [int(each) for each in parser.parse_args().sizes.split(",")]
    rows = []
    for size in sizes:
        print(f"measuring a fleet of {size} ...", file=sys.stderr, flush=True)
        try:
            rows.append(row(measure(size, idle=False), measure(size, idle=True)))
        except BenchmarkError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    print(f"{LEGEND}\n\n{HEADER}")
    print("\n".join(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
