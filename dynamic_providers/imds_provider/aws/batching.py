"""Many callers that each want to look up a few keys at about the same moment share one look-up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from ..waiting.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Executor, Future

V = TypeVar("V")

GATHER_SECONDS = 0.02
"""How long a look-up waits for company: the operations that the engine starts together arrive within this."""
READ_AHEAD = 30
"""How many keys that will be asked for soon ride along in a look-up."""


class Upcoming:
    """Keys that somebody will soon ask for, in the order in which they were announced."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, None] = {}

    def announce(self, key: str) -> None:
        with self._lock:
            self._keys[key] = None

    def drop(self, keys: Iterable[str]) -> None:
        """Somebody asks for these already."""
        with self._lock:
            for key in keys:
                self._keys.pop(key, None)

    def take(self, count: int) -> list[str]:
        """The next of them, which are then no longer upcoming."""
        with self._lock:
            taken = list(self._keys)[:count]
            for key in taken:
                del self._keys[key]
            return taken


class Coalescer(Generic[V]):
    """Gathers the keys that are asked for within 20 ms into one look-up.

    Keys that were announced ride along, for a caller that is content with an answer of some age. Any other answer
    comes from a look-up that began after the question was asked.
    """

    def __init__(
        self,
        look_up: Callable[[frozenset[str]], Mapping[str, V]],
        executor: Executor,
        upcoming: Upcoming,
        clock: Clock,
    ) -> None:
        self._look_up = look_up
        self._executor = executor
        self._upcoming = upcoming
        self._clock = clock
        self._lock = threading.Lock()
        self._gathering: _Batch[V] | None = None
        self._ahead: dict[str, _Batch[V]] = {}

    def get(self, keys: Iterable[str], timeout: float, *, max_age: float = 0.0) -> dict[str, V]:
        """What a look-up finds of ``keys`` that began now, or up to ``max_age`` seconds ago; the others are left out.

        Raises ``concurrent.futures.TimeoutError`` after ``timeout`` seconds, and whatever the look-up raises.
        """
        wanted = frozenset(keys)
        self._upcoming.drop(wanted)
        ends = self._clock.now() + timeout
        with self._lock:
            batches = {self._ahead.pop(key, None) for key in wanted}
        ahead = batches.pop() if len(batches) == 1 else None
        fresh = ahead is not None and max_age and ahead.began >= self._clock.now() - max_age
        # An error of a look-up that was made for others is theirs: this caller asks for itself.
        if ahead is not None and fresh and ahead.answer.exception(timeout) is None:
            found = ahead.answer.result()
            if wanted <= found.keys():
                return {key: found[key] for key in wanted}
        with self._lock:
            batch = self._next_batch()
            batch.keys |= wanted
        found = batch.answer.result(ends - self._clock.now())
        return {key: found[key] for key in wanted if key in found}

    def _next_batch(self) -> _Batch[V]:
        if self._gathering is None:
            self._gathering = _Batch()
            self._gathering.answer = self._executor.submit(self._run, self._gathering)
        return self._gathering

    def _run(self, batch: _Batch[V]) -> Mapping[str, V]:
        try:
            self._clock.sleep(GATHER_SECONDS)
        finally:
            with self._lock:
                self._gathering = None
        ahead = self._upcoming.take(READ_AHEAD)
        with self._lock:
            batch.began = self._clock.now()
            self._ahead.update(dict.fromkeys(ahead, batch))
        return self._look_up(batch.keys.union(ahead))


class _Batch(Generic[V]):
    answer: Future[Mapping[str, V]]
    began: float

    def __init__(self) -> None:
        self.keys: frozenset[str] = frozenset()
