"""Run the matrix: every trouble in every operation, at the first, a middle and the last call that it can strike.

Prints each violation with how to run that cell again, and counts. Exits with 1 if there is any violation.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.faults import fleet_cases
from tests.faults.case import Cell, Result, every_cell, run
from tests.faults.fleet_cases import FleetCell, every_fleet_cell, run_cells


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--cell", help="run this one alone, and show how it ended")
    parser.add_argument("--list", action="store_true", help="print the names of all cells")
    given = parser.parse_args()
    cells = every_cell()
    if given.list:
        print(*cells, *every_fleet_cell(), sep="\n")
        return 0
    if given.cell is not None and given.cell.startswith("fleet/"):
        return _roll_out([each for each in every_fleet_cell() if str(each) == given.cell])
    if given.cell is not None:
        cells = [cell for cell in cells if str(cell) == given.cell]
        if not cells:
            parser.error(f"there is no cell {given.cell}; --list shows all")
    # Processes, since there can be one embedded EC2 in each; spawned, since this one has threads already.
    workers = min(len(cells), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        results = [_shown(each, in_full=given.cell is not None) for each in pool.map(run, cells)]
    print(summary(results))
    failed = any(each.violations for each in results)
    return 1 if failed or (given.cell is None and _roll_out(every_fleet_cell())) else 0


def _roll_out(cells: list[FleetCell]) -> int:
    results = run_cells(cells)
    for each in results:
        if each.violation:
            print(f"{each.cell}: {each.violation}\n  again: python -m tests.faults --cell {each.cell}", flush=True)
    print(fleet_cases.summary(results))
    return 1 if any(each.violation for each in results) else 0


def summary(results: list[Result]) -> str:
    outcomes = Counter(each.outcome for each in results)
    kinds = Counter(kind for each in results for kind in {violation.kind for violation in each.violations})
    return (
        f"faults: {len(results)} cells, {outcomes['converged']} converged, {outcomes['refused']} refused clearly, "
        f"{kinds['lost']} lost, {kinds['wrong']} wrong, {kinds['hung']} hung"
    )


def replay(cell: Cell) -> str:
    return f"python -m tests.faults --cell {cell}"


def _shown(result: Result, *, in_full: bool) -> Result:
    for violation in result.violations:
        print(f"{result.cell}: {violation.kind}: {violation.text}")
    if result.violations:
        print(f"  again: {replay(result.cell)}", flush=True)
    if in_full:
        print(f"{result.cell}: {result.outcome}", *result.errors, sep="\n  ")
    return result


if __name__ == "__main__":
    sys.exit(main())
