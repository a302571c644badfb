"""The server's own time, which a test can move on instead of sleeping."""

from __future__ import annotations

import time


class Clock:
    """Monotonic seconds; `advance` makes the future come sooner."""

    def __init__(self) -> None:
        self._skew = 0.0

    def now(self) -> float:
        return time.monotonic() + self._skew

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"time cannot go back: seconds is {seconds}")
        self._skew += seconds
