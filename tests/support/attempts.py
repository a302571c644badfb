"""Operations that may fail or hang, while the run goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import TypeVar

from imds_provider.errors import ImdsError
from tests.support.provider_run import JumpingEngine

T = TypeVar("T")

GRACE_SECONDS = 5.0
"""How long after its deadline an operation may end."""
REAL_SECONDS = 30.0
"""How long an operation may take by the real clock."""


class UnfinishedError(ImdsError):
    """The error of the resource class when the outputs say that a change was not completed."""


@dataclass(frozen=True)
class Hung:
    """An operation that did not end in time: ``seconds`` by the clock of the run, or None if it never did."""

    resource: str
    seconds: float | None


@dataclass
class Run:
    """What went wrong in a run, by resource."""

    failed: dict[str, Exception] = field(default_factory=dict)
    unfinished: set[str] = field(default_factory=set)
    """Resources that are recorded all the same: the program fails, not the operation."""
    hung: list[Hung] = field(default_factory=list)


class Attempts:
    """Carries out operations one by one, and records which of them fail or hang."""

    def __init__(self, run: Run, engine: JumpingEngine, timeout: float) -> None:
        self.run = run
        self._engine = engine
        self._timeout = timeout

    def check(self, name: str, check: Callable[[], T]) -> T | None:
        """Carry out what sends nothing."""
        try:
            return check()
        except Exception as error:  # noqa: BLE001  what a provider must not raise is sorted out later
            self._fail(name, error)
            return None

    def __call__(self, name: str, operation: Callable[[], T]) -> T | None:
        """Carry out an operation in a thread of its own, since it may hang."""
        future = Future[T]()

        def carry_out() -> None:
            try:
                future.set_result(operation())
            except Exception as error:  # noqa: BLE001  as above
                future.set_exception(error)

        started = self._engine.now()
        threading.Thread(target=carry_out, daemon=True).start()
        try:
            return future.result(REAL_SECONDS)
        except Exception as error:  # noqa: BLE001
            if isinstance(error, FutureTimeoutError) and not future.done():
                self.run.hung.append(Hung(name, None))
            self._fail(name, error)
            return None
        finally:
            seconds = self._engine.now() - started
            if future.done() and seconds > self._timeout + GRACE_SECONDS:
                self.run.hung.append(Hung(name, seconds))

    def _fail(self, name: str, error: Exception) -> None:
        self.run.failed[name] = error
        if isinstance(error, UnfinishedError):
            self.run.unfinished.add(name)
