"""How far a report is, and what it could not read, as lines for the terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .posture import Source


@dataclass(frozen=True)
class Progress:
    """How far a source is: regions or stacks that are done, of those that are known, and instances so far.

    ``ended`` is the one that was done just now, if one was. ``note`` is a line for the reader, if there is one.
    """

    done: int = 0
    total: int = 0
    instances: int = 0
    ended: Source | None = None
    note: str = ""
    what: Literal["regions", "stacks"] = "regions"


def progress_line(progress: Progress) -> str:
    """``12 of 15 regions read, 3,201 instances``; before the regions are known, that they are looked up."""
    if not progress.total:
        return "looking up accounts and regions" if progress.what == "regions" else "looking up stacks"
    return f"{progress.done} of {progress.total} {progress.what} read, {progress.instances:,} instances"


def lines_to_keep(progress: Progress) -> Iterator[str]:
    """What the reader has to see, however fast the line above changes."""
    if progress.note:
        yield progress.note
    if progress.ended is not None and progress.ended.problem:
        yield problem_line(progress.ended)


def problem_line(source: Source) -> str:
    """Report what could not be read of a source: ``could not read prod in eu-west-1: …``."""
    where = f"{source.environment} in {source.region}" if source.region else source.environment
    failed = "could not read " if source.result == "unreadable" else ""
    return f"{failed}{where}: {source.problem}"
