"""What the programs on an instance ask its metadata service without a token (IMDSv1), and what became of it.

Nothing is stored call by call: the calls of a workload stand at fixed moments, and how many of them fall into a
stretch of time is worked out when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, inf

Span = tuple[float, float]
"""From the first second to before the second one."""

MINUTE = 60.0
DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Workload:
    """The IMDSv1 calls of an instance.

    Attributes:
        per_minute: how many there are, evenly spread from the epoch on.
        until: the second from which on there are none.
        unknown: CloudWatch has no data of this instance.
    """

    per_minute: float = 0.0
    until: float = inf
    unknown: bool = False

    @classmethod
    def read(cls, given: Mapping[str, object], *, now: float) -> Workload:
        """The workload that a seed or a change describes; `now` and `until` are on the same clock.

        Raises:
            ValueError: for an unknown field or a value that is not allowed.
        """
        known = ("legacy_calls_per_minute", "legacy_until_days_ago", "unknown")
        if unknown := set(given) - set(known):
            raise ValueError(f"a workload has no {min(unknown)!r}; it has {', '.join(known)}")
        flag = given.get("unknown", False)
        if not isinstance(flag, bool):
            raise ValueError(f"unknown must be true or false, not {flag!r}")  # noqa: TRY004  # one error for all
        days = given.get("legacy_until_days_ago")
        return cls(
            per_minute=_positive("legacy_calls_per_minute", given.get("legacy_calls_per_minute", 0)),
            until=inf if days is None else now - _positive("legacy_until_days_ago", days) * DAY,
            unknown=flag,
        )

    def calls(self, spans: Iterable[Span]) -> int:
        """How many calls there are in the spans, each of them finite."""
        return sum(self._before(min(end, self.until)) - self._before(min(start, self.until)) for start, end in spans)

    def _before(self, moment: float) -> int:
        return floor(moment * self.per_minute / MINUTE)


@dataclass(frozen=True, slots=True)
class Past:
    """What an instance was, in seconds of the epoch.

    Attributes:
        up: when it ran.
        optional: when it ran with optional tokens, and sent `MetadataNoToken`.
        served: when it answered calls without a token, which `MetadataNoToken` counts.
        rejected: when it refused them: `MetadataNoTokenRejected`.
    """

    up: Sequence[Span]
    optional: Sequence[Span]
    served: Sequence[Span]
    rejected: Sequence[Span]


def overlaps(spans: Iterable[Span], bucket: Span) -> list[Span]:
    """What the spans and the bucket have in common."""
    common = ((max(start, bucket[0]), min(end, bucket[1])) for start, end in spans)
    return [(start, end) for start, end in common if start < end]


def _positive(name: str, given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < inf:
        raise ValueError(f"{name} must be a number from 0, not {given!r}")
    return float(given)
