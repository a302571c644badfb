"""The server's clock, which tests advance instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Monotonic time in seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._advanced = 0.0
        self._epoch = time.time() - monotonic()

    def now(self) -> float:
        return self._monotonic() + self._advanced

    def epoch(self, moment: float) -> float:
        """Convert a time of this clock to seconds since the epoch."""
        return moment + self._epoch

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"seconds must be 0 or more, not {seconds}")
        self._advanced += seconds
