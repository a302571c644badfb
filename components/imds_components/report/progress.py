"""How far a live report is, on standard error: one line that is rewritten on a terminal, a few lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from .live import Progress
from .posture import Source

_CLEAR = "\r\x1b[K"
REWRITE_SECONDS = 0.1
REPEAT_SECONDS = 10.0
"""How often a line is written where it cannot be rewritten, such as in the log of a CI job."""


class ProgressLine:
    """Write progress, until it is closed. Not thread-safe."""

    def __init__(self, out: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._out, self._now = out, now
        self._rewrites = out.isatty()
        self._next = now() + (0.0 if self._rewrites else REPEAT_SECONDS)

    def __call__(self, progress: Progress) -> None:
        """Write what is new. What could not be read, wholly or in part, is a line of its own that stays."""
        lines = [progress.note] if progress.note else []
        if progress.ended is not None and progress.ended.problem:
            lines.append(problem_line(progress.ended))
        if lines:
            clear = _CLEAR if self._rewrites else ""
            self._out.write(clear + "".join(f"{line}\n" for line in lines))
        if lines or self._now() >= self._next:
            self._write(progress)
            self._out.flush()

    def close(self) -> None:
        """Erase the line, so that the next one begins where it did."""
        if self._rewrites:
            self._out.write(_CLEAR)
            self._out.flush()

    def _write(self, progress: Progress) -> None:
        if self._rewrites:
            self._out.write(f"{_CLEAR}{progress_line(progress)}")
            self._next = self._now() + REWRITE_SECONDS
        elif self._now() >= self._next:
            self._out.write(f"{progress_line(progress)}\n")
            self._next = self._now() + REPEAT_SECONDS


def progress_line(progress: Progress) -> str:
    """``12 of 15 regions, 3,201 instances``; before the regions are known, that accounts are looked up."""
    if not progress.total:
        return "looking up accounts and regions"
    return f"{progress.done} of {progress.total} regions, {progress.instances:,} instances"


def problem_line(source: Source) -> str:
    """Report what could not be read of a source: ``could not read prod in eu-west-1: …``."""
    where = f"{source.environment} in {source.region}" if source.region else source.environment
    failed = "could not read " if source.result == "unreadable" else ""
    return f"{failed}{where}: {source.problem}"
