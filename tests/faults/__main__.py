"""Run the matrix: every scenario in every operation, from the first, a middle and the last call that it can affect.

Prints each violation with the command that repeats it, and a summary. Exits with 1 if there is any violation.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.faults import fleet_cases
from tests.faults.case import Case, Result, all_cases, run
from tests.faults.fleet_cases import FleetCase, all_fleet_cases, run_fleet_cases


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--case", help="run this one alone and print its outcome")
    parser.add_argument("--list", action="store_true", help="print the names of all cases")
    given = parser.parse_args()
    cases = all_cases()
    if given.list:
        print(*cases, *all_fleet_cases(), sep="\n")
        return 0
    if given.case is not None and given.case.startswith("fleet/"):
        return _run_fleet_cases([each for each in all_fleet_cases() if str(each) == given.case])
    if given.case is not None:
        cases = [case for case in cases if str(case) == given.case]
        if not cases:
            parser.error(f"there is no case {given.case}; --list shows all")
    # Processes, since each can have one embedded EC2; spawned, since this one has threads already.
    workers = min(len(cases), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        results = [_printed(each, in_full=given.case is not None) for each in pool.map(run, cases)]
    print(summary(results))
    failed = any(each.violations for each in results)
    return 1 if failed or (given.case is None and _run_fleet_cases(all_fleet_cases())) else 0


def _run_fleet_cases(cases: list[FleetCase]) -> int:
    results = run_fleet_cases(cases)
    for each in results:
        if each.violation:
            print(f"{each.case}: {each.violation}\n  again: python -m tests.faults --case {each.case}", flush=True)
    print(fleet_cases.summary(results))
    return 1 if any(each.violation for each in results) else 0


def summary(results: list[Result]) -> str:
    outcomes = Counter(each.outcome for each in results)
    kinds = Counter(kind for each in results for kind in {violation.kind for violation in each.violations})
    return (
        f"faults: {len(results)} cases, {outcomes['converged']} converged, {outcomes['refused']} refused clearly, "
        f"{kinds['lost']} lost, {kinds['wrong']} wrong, {kinds['hung']} hung"
    )


def replay(case: Case) -> str:
    return f"python -m tests.faults --case {case}"


def _printed(result: Result, *, in_full: bool) -> Result:
    for violation in result.violations:
        print(f"{result.case}: {violation.kind}: {violation.text}")
    if result.violations:
        print(f"  again: {replay(result.case)}", flush=True)
    if in_full:
        print(f"{result.case}: {result.outcome}", *result.errors, sep="\n  ")
    return result


if __name__ == "__main__":
    sys.exit(main())
