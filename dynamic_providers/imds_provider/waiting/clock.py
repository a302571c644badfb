"""Time as operations see it: a clock that tests can replace, and deadlines."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds from an arbitrary start, and a pause that may end early by raising."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class MonotonicClock:
    """The clock of a process that waits for every answer itself, so there is nothing to require."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def require(self) -> None:
        return


class Deadline:
    """A point in time after which nothing more is sent or waited for."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self._end = clock.now() + seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - self.clock.now())

    @property
    def passed(self) -> bool:
        return self.remaining() == 0.0

    def sleep(self, seconds: float) -> None:
        """Pause, but not beyond the deadline."""
        self.clock.sleep(min(seconds, self.remaining()))
