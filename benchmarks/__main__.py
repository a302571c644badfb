"""`python -m benchmarks`: measure `pulumi up`, and print the table of docs/performance.md as the last lines."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from benchmarks.bound import Ec2Timing, lower_bound
from benchmarks.runs import BenchmarkError, Measured, fleet, measure


@dataclass(frozen=True)
class Scenario:
    """A fleet, and how its instances are waited for."""

    size: int
    together: bool = True
    compliant_share: float = 0.0

    @property
    def name(self) -> str:
        wait = "one barrier" if self.together else "per instance"
        return f"{wait}, {self.compliant_share:.0%} compliant" if self.compliant_share else wait


SCENARIOS = (
    Scenario(1),
    Scenario(10),
    Scenario(10, together=False),
    Scenario(100),
    Scenario(100, together=False),
    Scenario(400),
    Scenario(400, compliant_share=0.7),
)
HEADER = (
    ("N", 4),
    ("wait", 30),
    ("modifies", 9),
    ("describes", 10),
    ("throttled", 10),
    ("first up", 9),
    ("no change", 10),
    ("bound", 7),
    ("on EC2", 8),
    ("/bound", 7),
    ("ratio", 6),
    ("lag", 6),
)


def row(scenario: Scenario, measured: Measured, bound: float) -> str:
    """Format a line of the table."""
    first, again = measured.first, measured.again
    cells = (
        str(scenario.size),
        scenario.name,
        f"{first.modifies}+{again.modifies}",
        f"{first.describes}+{again.describes}",
        f"{first.throttled_share:.1%}",
        f"{first.seconds:.1f} s",
        f"{again.seconds:.1f} s",
        f"{bound:.1f} s",
        f"{first.ec2_seconds:.1f} s",
        f"{first.ec2_seconds / bound:.2f}",
        f"{first.seconds / (again.seconds + bound):.2f}",
        f"{first.lag_seconds:.2f}",
    )
    return " ".join(cell.ljust(width) for cell, (_, width) in zip(cells, HEADER, strict=True)).rstrip()


def main() -> int:
    """Measure every scenario, or those of some sizes, and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--size", type=int, action="append", help="only scenarios with this number of instances")
    sizes = parser.parse_args().size
    timing = Ec2Timing()
    lines = []
    for scenario in SCENARIOS:
        if sizes and scenario.size not in sizes:
            continue
        print(f"measuring {scenario.size} instances, {scenario.name} ...", file=sys.stderr, flush=True)
        try:
            measured = measure(
                fleet(scenario.size, compliant_share=scenario.compliant_share),
                together=scenario.together,
                timing=timing,
            )
        except BenchmarkError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        lines.append(row(scenario, measured, lower_bound(measured.first.modifies, timing)))
    print(
        "modifies, describes: calls of the first run + calls of a run that changes nothing\n"
        "bound: the shortest possible time if Pulumi took none\n"
        "on EC2: from the first modification to the last response\n"
        "ratio: first up / (no change + bound)\n"
        "lag: seconds from the moment when the last change was applied until it was seen\n"
    )
    print(" ".join(name.ljust(width) for name, width in HEADER).rstrip())
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
