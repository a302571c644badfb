"""What programs under Pulumi's mocks need around them: threads with event loops, and a log of what they say."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


class _Said(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.INFO)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(f"{record.levelname.lower()}: {record.getMessage()}")


def logger_into(said: list[str]) -> logging.Logger:
    """A logger for a program, which appends ``warning: …`` and the like. One program at a time has it."""
    logger = logging.getLogger("tests.program")
    logger.setLevel(logging.INFO)
    logger.handlers = [_Said(said)]
    logger.propagate = False
    return logger


@contextmanager
def threads_with_loops() -> Iterator[ThreadPoolExecutor]:
    """Threads that each have an event loop. The mocks would make loops that nobody closes."""
    loops: list[asyncio.AbstractEventLoop] = []

    def give_loop() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    try:
        with ThreadPoolExecutor(initializer=give_loop) as threads:
            yield threads
    finally:
        for loop in loops:
            loop.close()
