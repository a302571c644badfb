"""Batch concurrent lookups: calls within 100 ms share one request."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from ..waiting.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor, Future

V = TypeVar("V")

MOST_CALLERS = 4
"""How many callers there can be: the dynamic host carries out four operations at a time."""
GATHER_STEPS = 10
STEP_SECONDS = 0.01


class Batcher(Generic[V]):
    """Combine the keys that threads ask for at about the same time into one call of ``look_up``.

    A lookup begins 100 ms after its first key, or as soon as no more callers can come. Every answer comes from a
    lookup that began after its key was asked for.
    """

    def __init__(self, look_up: Callable[[frozenset[str]], Mapping[str, V]], executor: Executor, clock: Clock) -> None:
        self._look_up = look_up
        self._executor = executor
        self._clock = clock
        self._lock = threading.Lock()
        self._gathering: _Batch[V] | None = None

    def submit(self, key: str) -> Future[Mapping[str, V]]:
        """Ask for a key. The answer holds the keys of others as well, and leaves out keys that are not found."""
        with self._lock:
            batch = self._gathering
            if batch is None:
                batch = self._gathering = _Batch()
                batch.answer = self._executor.submit(self._run, batch)
            batch.keys.append(key)
            return batch.answer

    def _run(self, batch: _Batch[V]) -> Mapping[str, V]:
        try:
            for _ in range(GATHER_STEPS):
                if len(batch.keys) >= MOST_CALLERS:
                    break
                self._clock.sleep(STEP_SECONDS)
        finally:
            with self._lock:
                self._gathering = None
        return self._look_up(frozenset(batch.keys))


class _Batch(Generic[V]):
    answer: Future[Mapping[str, V]]

    def __init__(self) -> None:
        self.keys: list[str] = []
