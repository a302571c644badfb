"""The formats of a posture report. Each module has one function ``write`` of the type :class:`Write`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TextIO

from ..posture import Record
from ..tally import Tally


@dataclass(frozen=True)
class Context:
    """What a report says of itself: when it was made, by which version, and its title."""

    made_at: datetime
    version: str
    title: str = "Instance metadata posture"


class Write(Protocol):
    """Write a report. ``tally`` counts the records as they are iterated over, so it is complete only after the last.

    Formats that stream (csv, json) hold no instance; the others hold all.
    """

    def __call__(self, records: Iterable[Record], tally: Tally, out: TextIO, context: Context) -> None: ...
