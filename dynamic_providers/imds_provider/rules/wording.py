"""Lists and counts in messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

_SHOWN = 3


def shorten(items: Sequence[str]) -> str:
    """A list on one line, with the end of a long one as a number: ``i-…, i-…, i-… and 37 more``."""
    more = len(items) - _SHOWN
    # "and 1 more" is no shorter than the item.
    return f"{', '.join(items[:_SHOWN])} and {more} more" if more > 1 else ", ".join(items)


def counted(items: Iterable[str]) -> str:
    """Equal items with their number: ``httpTokens=optional on 31, httpTokens=required on 2``."""
    return ", ".join(f"{item} on {count}" for item, count in sorted(Counter(items).items()))


def instances(count: int) -> str:
    """``1 instance``, ``2 instances``."""
    return f"{count} instance{'' if count == 1 else 's'}"
