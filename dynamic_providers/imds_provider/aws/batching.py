"""Batch concurrent lookups: calls within 20 ms share one request."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from ..waiting.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Executor, Future

V = TypeVar("V")

GATHER_SECONDS = 0.02
"""How long a lookup waits for more keys: operations that the engine starts together arrive within this time."""


class Batcher(Generic[V]):
    """Combine the keys that threads ask for within 20 ms into one call of ``look_up``.

    Every answer comes from a lookup that began after its key was asked for.
    """

    def __init__(self, look_up: Callable[[frozenset[str]], Mapping[str, V]], executor: Executor, clock: Clock) -> None:
        self._look_up = look_up
        self._executor = executor
        self._clock = clock
        self._lock = threading.Lock()
        self._gathering: _Batch[V] | None = None

    def get(self, keys: Iterable[str], timeout: float) -> dict[str, V]:
        """Look up ``keys``; those that are not found are left out.

        Raises ``concurrent.futures.TimeoutError`` after ``timeout`` seconds, and whatever ``look_up`` raises.
        """
        wanted = frozenset(keys)
        with self._lock:
            batch = self._gathering
            if batch is None:
                batch = self._gathering = _Batch()
                batch.answer = self._executor.submit(self._run, batch)
            batch.keys |= wanted
        found = batch.answer.result(timeout)
        return {key: found[key] for key in wanted if key in found}

    def _run(self, batch: _Batch[V]) -> Mapping[str, V]:
        try:
            self._clock.sleep(GATHER_SECONDS)
        finally:
            with self._lock:
                self._gathering = None
        return self._look_up(batch.keys)


class _Batch(Generic[V]):
    answer: Future[Mapping[str, V]]

    def __init__(self) -> None:
        self.keys: frozenset[str] = frozenset()
