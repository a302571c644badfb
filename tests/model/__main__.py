"""Take random steps and check the invariants after each, in this process or through the real Pulumi engine.

Prints a violation with the shortest sequence that shows it and the command that repeats it, and exits with 1.
"""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.model import account_search, rollouts
from tests.model.engine_runs import search_with_engine
from tests.model.search import Found, search

STEPS = 20_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help="take at least so many (default: %(default)s)")
    parser.add_argument("--account", type=int, metavar="STEPS", help="take steps on an account's defaults")
    parser.add_argument("--engine", type=int, metavar="SEQUENCES", help="run short sequences by the real engine")
    parser.add_argument("--rollouts", type=int, metavar="N", help="simulate rollouts of a fleet")
    parser.add_argument("--seed", type=int, help="seed of the first round; a random one unless given")
    given = parser.parse_args()
    first_seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    if given.rollouts is not None:
        return _simulate_rollouts(given.rollouts, first_seed)
    if given.account is not None:
        found, again = account_search.search(given.account, first_seed), f"--account {given.account}"
    elif given.engine is None:
        found, again = search(given.steps, first_seed), f"--steps {given.steps}"
    else:
        found, again = search_with_engine(given.engine, first_seed, _show), f"--engine {given.engine}"
    return _report(found, again)


def _simulate_rollouts(count: int, first_seed: int) -> int:
    found = rollouts.search(count, first_seed)
    if found.violated is not None:
        print(found.violated)
        print("  again: python -m tests.model --rollouts 1 --seed SEED, with the seed of the first line")
    print(f"model: {count} rollouts, {found.runs} runs, {1 if found.violated else 0} violations")
    return 1 if found.violated else 0


def _show(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


def _report(found: Found, again: str) -> int:
    if found.violated is not None:
        print(found.violated.text)
        print(f"  again: python -m tests.model {again} --seed {found.violated.seed}")
    sequences = f"{found.sequences} sequences, " if found.sequences else ""
    print(f"model: {sequences}{found.steps} steps, {1 if found.violated else 0} violations")
    return 1 if found.violated else 0


if __name__ == "__main__":
    sys.exit(main())
