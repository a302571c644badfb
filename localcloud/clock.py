"""The server's own time, which a test can move on instead of sleeping."""

from __future__ import annotations

import time


class Clock:
    """Monotonic seconds; `advance` makes the future come sooner."""

    def __init__(self) -> None:
        self._skew = 0.0
        self._epoch = time.time() - self.now()

    def now(self) -> float:
        return time.monotonic() + self._skew

    def epoch(self, moment: float) -> float:
        """The second of the epoch at which `now` gives or gave this moment."""
        return moment + self._epoch

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"time cannot go back: seconds is {seconds}")
        self._skew += seconds
