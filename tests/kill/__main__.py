"""`python -m tests.kill`: kill runs at every kill point, or at those given, and repair them."""

from __future__ import annotations

import argparse
import queue
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localcloud.client import LocalCloud
from tests.kill.kill_points import ACCOUNT, Chain, KillPoint, chains, kill_points
from tests.kill.repairs import Repaired, run_chain
from tests.kill.stack import KillableStack, ViolationError
from tests.support.cli import HungError

WORKERS = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument(
        "kill_points",
        metavar="kill-point",
        nargs="*",
        type=KillPoint.parse,
        help="as in engine/create/modify-a/unanswered",
    )
    parser.add_argument("--workers", type=int, default=WORKERS, help="stacks at a time (default: %(default)s)")
    arguments = parser.parse_args()
    chosen: list[KillPoint] = arguments.kill_points or kill_points()
    repaired, violations = run(chains(chosen), arguments.workers)
    report(repaired)
    show(f"kill: {len(chosen)} kill points, {len(repaired)} repaired")
    return 1 if violations or len(repaired) != len(chosen) else 0


def run(planned: list[Chain], workers: int) -> tuple[list[Repaired], list[Chain]]:
    """Run each chain on a stack of its own; print each violation with the command that repeats it."""
    waiting: queue.SimpleQueue[Chain] = queue.SimpleQueue()
    for each in planned:
        waiting.put(each)
    repaired: list[Repaired] = []
    violated: list[Chain] = []
    lock = threading.Lock()

    def work() -> None:
        with LocalCloud.start() as cloud:
            while True:
                try:
                    chain = waiting.get_nowait()
                except queue.Empty:
                    return
                try:
                    with tempfile.TemporaryDirectory(prefix="pulumi-imds-kill-") as home:
                        for each in run_chain(KillableStack(Path(home), cloud), chain):
                            with lock:
                                repaired.append(each)
                                show(f"repaired {each.kill_point}")
                except (ViolationError, HungError) as error:
                    with lock:
                        violated.append(chain)
                        replay = " ".join(map(str, chain))
                        show(f"VIOLATION {error}\n  replay: python -m tests.kill {replay}")

    with ThreadPoolExecutor(workers) as executor:
        for worker in [executor.submit(work) for _ in range(min(workers, len(planned)))]:
            worker.result()
    return repaired, violated


def report(repaired: list[Repaired]) -> None:
    counts = Counter((each.kill_point.victim, each.kill_point.operation) for each in repaired)
    for (victim, operation), count in sorted(counts.items()):
        slowest = max(
            each.seconds_until_all_had_ended
            for each in repaired
            if (each.kill_point.victim, each.kill_point.operation) == (victim, operation)
        )
        show(f"{victim} killed during {operation}: {count} repaired, all processes ended within {slowest:.1f} s")
    without_previous = [every for each in repaired for every in each.without_previous]
    accounts = without_previous.count(ACCOUNT)
    instances = len(without_previous) - accounts
    show(f"changed, without a record of the values from before: {instances} instances, {accounts} times the account")
    with_repaired_backend = sum(each.backend_repaired for each in repaired)
    show(f"stacks that Pulumi could open only after an empty .attrs file was removed: {with_repaired_backend}")


def show(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
