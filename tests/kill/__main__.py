"""`python -m tests.kill`: cut runs off at every boundary, or at those given, and repair them."""

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
from tests.kill.kill_points import Boundary, Chain, boundaries, chains
from tests.kill.repairs import Repaired, lead_through
from tests.kill.stack import Scene, ViolationError
from tests.support.cli import HungError

WORKERS = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("boundary", nargs="*", type=Boundary.parse, help="as in engine/create/modify-a/unanswered")
    parser.add_argument("--workers", type=int, default=WORKERS, help="stacks at a time (default: %(default)s)")
    arguments = parser.parse_args()
    chosen: list[Boundary] = arguments.boundary or boundaries()
    repaired, violations = run(chains(chosen), arguments.workers)
    tell(repaired)
    say(f"kill: {len(chosen)} boundaries, {len(repaired)} repaired")
    return 1 if violations or len(repaired) != len(chosen) else 0


def run(planned: list[Chain], workers: int) -> tuple[list[Repaired], list[Chain]]:
    """Lead a stack through each chain; print each violation with the way to see it again."""
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
                        for each in lead_through(Scene(Path(home), cloud), chain):
                            with lock:
                                repaired.append(each)
                                say(f"repaired {each.boundary}")
                except (ViolationError, HungError) as error:
                    with lock:
                        violated.append(chain)
                        replay = " ".join(map(str, chain))
                        say(f"VIOLATION {error}\n  replay: python -m tests.kill {replay}")

    with ThreadPoolExecutor(workers) as executor:
        for worker in [executor.submit(work) for _ in range(min(workers, len(planned)))]:
            worker.result()
    return repaired, violated


def tell(repaired: list[Repaired]) -> None:
    counts = Counter((each.boundary.victim, each.boundary.operation) for each in repaired)
    for (victim, operation), count in sorted(counts.items()):
        slowest = max(
            each.seconds_until_all_had_ended
            for each in repaired
            if (each.boundary.victim, each.boundary.operation) == (victim, operation)
        )
        say(f"{victim} killed during {operation}: {count} repaired, all processes ended within {slowest:.1f} s")
    forgotten = sum(len(each.forgotten) for each in repaired)
    say(f"changed by EC2, but what was there before was never recorded: {forgotten} instances")
    mended = sum(each.backend_mended for each in repaired)
    say(f"stacks that Pulumi could open only once an empty .attrs file was removed: {mended}")


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
