"""The IMDSv1 calls (without a token) of the programs on an instance.

Calls are not stored one by one: they are evenly spread, and how many fall into a span is calculated on request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, inf

Span = tuple[float, float]
"""Start and exclusive end in seconds."""

MINUTE = 60.0
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Workload:
    """The IMDSv1 calls of an instance.

    Attributes:
        per_minute: calls per minute, evenly spread from the epoch on.
        until: the second at which the calls end.
        unknown: CloudWatch has no data for this instance.
    """

    per_minute: float = 0.0
    until: float = inf
    unknown: bool = False

    @classmethod
    def parse(cls, seed: Mapping[str, object], *, now: float) -> Workload:
        """Parse the workload of a seed or change. `now` and the result's `until` are on the same clock.

        Raises:
            ValueError: for an unknown field or a value that is not allowed.
        """
        known = ("legacy_calls_per_minute", "legacy_until_days_ago", "unknown")
        if unknown_fields := set(seed) - set(known):
            raise ValueError(f"unknown workload field {min(unknown_fields)!r}; known are {', '.join(known)}")
        unknown = seed.get("unknown", False)
        if not isinstance(unknown, bool):
            raise ValueError(f"unknown must be true or false, not {unknown!r}")  # noqa: TRY004  # bad input is a ValueError
        days = seed.get("legacy_until_days_ago")
        return cls(
            per_minute=non_negative("legacy_calls_per_minute", seed.get("legacy_calls_per_minute", 0)),
            until=inf if days is None else now - non_negative("legacy_until_days_ago", days) * DAY,
            unknown=unknown,
        )

    def calls(self, spans: Iterable[Span]) -> int:
        """Count the calls in finite spans."""
        return sum(self._before(min(end, self.until)) - self._before(min(start, self.until)) for start, end in spans)

    def _before(self, moment: float) -> int:
        return floor(moment * self.per_minute / MINUTE)


@dataclass(frozen=True, slots=True)
class Timeline:
    """When an instance was in which state, in seconds since the epoch.

    Attributes:
        running: when it ran.
        tokens_optional: when it ran with optional tokens, and published `MetadataNoToken`.
        serving_imdsv1: when it answered calls without a token, which `MetadataNoToken` counts.
        rejecting_imdsv1: when it rejected them, which `MetadataNoTokenRejected` counts.
    """

    running: Sequence[Span]
    tokens_optional: Sequence[Span]
    serving_imdsv1: Sequence[Span]
    rejecting_imdsv1: Sequence[Span]


def overlaps(spans: Iterable[Span], bucket: Span) -> list[Span]:
    """The parts of the spans that lie in the bucket."""
    common = ((max(start, bucket[0]), min(end, bucket[1])) for start, end in spans)
    return [(start, end) for start, end in common if start < end]


def non_negative(name: str, value: object) -> float:
    """Convert a finite number of 0 or more.

    Raises:
        ValueError: naming the field.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < inf:
        raise ValueError(f"{name} must be a number of 0 or more, not {value!r}")
    return float(value)
