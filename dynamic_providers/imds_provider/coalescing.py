"""Many callers that each want to look up a few keys at the same moment share one look-up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from typing import Generic, TypeVar

V = TypeVar("V")

GATHER_SECONDS = 0.01
"""How long a look-up waits for company: the operations that the engine starts together arrive within this."""


class Coalescer(Generic[V]):
    """Gathers the keys that are asked for while another look-up is under way, or within 10 ms, into the next one.

    An answer always comes from a look-up that began after the question was asked, so it is never older than that.
    """

    def __init__(self, look_up: Callable[[frozenset[str]], Mapping[str, V]], executor: Executor) -> None:
        self._look_up = look_up
        self._executor = executor
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()
        self._gathering: _Batch[V] | None = None

    def get(self, keys: Iterable[str], timeout: float) -> dict[str, V]:
        """What the look-up finds of ``keys``; those that it does not find are left out.

        Raises ``concurrent.futures.TimeoutError`` after ``timeout`` seconds, and whatever the look-up raises.
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
        time.sleep(GATHER_SECONDS)
        with self._one_at_a_time:
            with self._lock:
                self._gathering = None
            return self._look_up(batch.keys)


class _Batch(Generic[V]):
    answer: Future[Mapping[str, V]]

    def __init__(self) -> None:
        self.keys: frozenset[str] = frozenset()
