"""Shares of instances, as bars and in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..posture import Status
from ..tally import Share

LABELS: Mapping[Status, str] = {
    "compliant": "Compliant",
    "exempt": "Exempt",
    "pending-start": "Pending start",
    "unknown": "Unknown",
    "not-compliant": "Not compliant",
}
"""Each status as the page names it, in the order of the segments of a bar."""

MEANINGS: Mapping[Status, str] = {
    "compliant": "Every wanted option was seen on the instance, and the last change is applied.",
    "exempt": "Its fleet leaves it alone until a last day, or an AWS service manages it.",
    "pending-start": "The instance is stopped, and gets its options when it starts.",
    "unknown": "A wanted option is not known, nothing is wanted, or the last change is not completed.",
    "not-compliant": "An option differs, or EC2 has accepted a change that is not applied yet.",
}


@dataclass(frozen=True)
class Segment:
    """One colour of a bar. ``start`` and ``width`` are percentages of the bar."""

    kind: str
    label: str
    count: int
    start: float
    width: float


@dataclass(frozen=True)
class Bar:
    """How many of ``total`` are right, and what the others are."""

    right: int
    total: int
    segments: tuple[Segment, ...]

    @property
    def share(self) -> str:
        return percentage(self.right, self.total)


def status_bar(share: Share) -> Bar:
    """The bar of instances by status."""
    kinds = ((status, label, share.by_status[status]) for status, label in LABELS.items())
    return Bar(share.right, share.total, tuple(_segments(kinds, share.total)))


def option_bar(counts: Mapping[Literal["right", "wrong", "unknown"], int]) -> Bar:
    """The bar of the instances of which one option is wanted: ``counts`` by what is found."""
    total = sum(counts.values())
    kinds = (
        ("compliant", "As wanted", counts.get("right", 0)),
        ("unknown", "Unknown", counts.get("unknown", 0)),
        ("not-compliant", "Differs", counts.get("wrong", 0)),
    )
    return Bar(counts.get("right", 0), total, tuple(_segments(kinds, total)))


def percentage(part: int, total: int) -> str:
    """A share as ``78%``, rounded down, so that only all is 100%; ``<1%`` is more than none."""
    whole = part * 100 // total if total else 0
    return f"{whole}%" if whole or not part else "<1%"


def _segments(kinds: Iterable[tuple[str, str, int]], total: int) -> Iterable[Segment]:
    start = 0.0
    for kind, label, count in kinds:
        if count:
            width = count * 100 / total
            yield Segment(kind, label, count, round(start, 3), round(width, 3))
            start += width
