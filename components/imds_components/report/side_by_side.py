"""Run jobs in threads, side by side, and yield what they find as soon as it is there. Pure.

The threads are daemons: a program that is interrupted ends at once, whatever they wait for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")

Job = Callable[[], Iterable[T]]

WORKERS = 16
"""How many jobs run at a time. They wait for AWS more than they compute."""
AHEAD = 8
"""How many results wait for the consumer before the jobs do: what bounds the memory where it is the slower one."""
_LOOK_SECONDS = 0.2
"""How often a job that waits for the consumer looks whether there still is one."""


@dataclass(frozen=True)
class _Found(Generic[T]):
    result: T


@dataclass(frozen=True)
class _Ended:
    error: BaseException | None = None


def side_by_side(
    jobs: Sequence[Job[T]], stop: threading.Event, *, workers: int = WORKERS, patience: float | None = None
) -> Iterator[T]:
    """The results of all jobs; those of one job are in its order.

    ``stop`` is set when the consumer ends early or a job fails: jobs check it wherever they wait. When none of them has
    a result for ``patience`` seconds, those that still run are given up, and their threads left alone. Raises what a
    job raises.
    """
    waiting = deque(jobs)
    found: Queue[_Found[T] | _Ended] = Queue(AHEAD)
    running = min(workers, len(jobs))
    for number in range(running):
        arguments = (waiting, found, stop)
        threading.Thread(target=_work, args=arguments, name=f"side-by-side-{number}", daemon=True).start()
    ended = False
    try:
        while running:
            try:
                each = found.get(timeout=patience)
            except Empty:
                break
            if isinstance(each, _Found):
                yield each.result
            elif each.error is not None:
                raise each.error
            else:
                running -= 1
        ended = True
    finally:
        if not ended:
            stop.set()


def _work(waiting: deque[Job[T]], found: Queue[_Found[T] | _Ended], stop: threading.Event) -> None:
    try:
        while waiting and not stop.is_set():
            try:
                job = waiting.popleft()
            except IndexError:
                break
            for result in job():
                if not _put(found, _Found(result), stop):
                    return
    except BaseException as error:  # noqa: BLE001  it is the consumer's, who raises it
        _put(found, _Ended(error), stop)
    else:
        _put(found, _Ended(), stop)


def _put(found: Queue[_Found[T] | _Ended], each: _Found[T] | _Ended, stop: threading.Event) -> bool:
    """Hand a result to the consumer; return whether it still takes any."""
    while not stop.is_set():
        try:
            found.put(each, timeout=_LOOK_SECONDS)
        except Full:
            continue
        return True
    return False
