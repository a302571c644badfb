"""`python -m benchmarks.comparison`: run each tool on each fleet, and print the table of docs/compared.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.bound import Ec2Timing
from benchmarks.comparison.contenders import CONTENDERS, Contender
from benchmarks.comparison.fleets import Fleet, alike, mixed
from benchmarks.comparison.judging import described_after_changes, judge
from benchmarks.comparison.limited import run_within
from benchmarks.comparison.table import LEGEND, Result, table
from benchmarks.runs import BenchmarkError, cloud_arguments
from localcloud.client import LocalCloud
from tools.engine.processes import SetUpError, exit_on_signals


def main() -> int:
    """Measure every tool on every fleet, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.comparison", description=__doc__)
    parser.add_argument(
        "--sizes", type=_sizes, default=[10, 100, 400], help="sizes of the fleets alike, such as 10,100"
    )
    parser.add_argument("--mixed", type=_sizes, default=[100], help="sizes of the mixed fleets, such as 20")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds after which a tool is killed")
    arguments = parser.parse_args()
    exit_on_signals()
    fleets = [*map(alike, arguments.sizes), *map(mixed, arguments.mixed)]
    try:
        for contender in CONTENDERS:
            contender.install()
        results = [measure(contender, fleet, arguments.limit) for fleet in fleets for contender in CONTENDERS]
    except (SetUpError, BenchmarkError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("\n".join(f"- {each.name}: {each.usage}." for each in CONTENDERS))
    print(f"\n{LEGEND}\n\n{table(results)}")
    return 0


def measure(contender: Contender, fleet: Fleet, limit: float) -> Result:
    """Run the tool on a fresh fleet, and kill it after `limit` seconds.

    Raises:
        BenchmarkError: the run cannot be prepared.
    """
    print(f"{contender.name} on {fleet.name} ...", file=sys.stderr, flush=True)
    ids = [each["id"] for each in fleet.instances]
    with (
        tempfile.TemporaryDirectory(prefix="pulumi-imds-bench-", ignore_cleanup_errors=True) as folder,
        LocalCloud.start(*cloud_arguments(Ec2Timing()), seed=fleet.instances) as cloud,
    ):
        home = Path(folder)
        command = contender.command(home, cloud.url, ids)
        before = cloud.instances()
        cloud.reset()
        ended = run_within(command, limit)
        after = cloud.instances()
        if ended.exit_code:
            print(ended.output[-4000:], file=sys.stderr)
        return Result(
            fleet=fleet.name,
            tool=contender.name,
            seconds=ended.seconds,
            exit_code=ended.exit_code,
            counts=cloud.counts(),
            described_after_changes=described_after_changes(cloud.log()),
            reported=len(contender.reported(home, ids, ended)),
            verdict=judge(before, after),
        )


def _sizes(text: str) -> list[int]:
    return [int(each) for each in text.split(",") if each]


if __name__ == "__main__":
    sys.exit(main())
