"""The points and values of the metrics that instances publish.

Source: EC2 user guide, "CloudWatch metrics that are available for your instances".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, floor

from localcloud.ec2.workload import Span, Timeline, Workload, overlaps

CPU, SERVED, REJECTED = "CPUUtilization", "MetadataNoToken", "MetadataNoTokenRejected"
STATISTICS: Mapping[str, tuple[str, ...]] = {
    CPU: ("Average", "Maximum", "Minimum", "SampleCount", "Sum"),
    SERVED: ("Sum",),
    REJECTED: ("Sum",),
}
"""The supported statistics by metric."""

BASIC, DETAILED = 300, 60
"""The period of published points in seconds, by kind of monitoring."""

Bucket = tuple[float, Span]
"""A point's timestamp and the span it covers."""


@dataclass(frozen=True, slots=True)
class Range:
    """The points that a query asks for: from `start`, before `end`, one per `period`. Seconds, in whole minutes."""

    start: int
    end: int
    period: int


def at_once(query: Range, now: float) -> Iterator[Bucket]:
    """The query's buckets up to the current second."""
    end = min(query.end, now)
    for at in range(query.start, ceil(end), query.period):
        yield at, (at, min(at + query.period, end))


def as_aws(query: Range, interval: int, readable_until: float) -> Iterator[Bucket]:
    """Published points, one per `interval`, whose periods ended by `readable_until`.

    Points are merged into the query's buckets; a query with a period shorter than the interval gets them unmerged.
    """
    complete = floor(readable_until / interval) * interval
    stop = min(_align_up(query.end, interval), complete)
    if query.period < interval:
        for at in range(_align_up(query.start, interval), stop, interval):
            yield at, (at, at + interval)
        return
    for at in range(query.start, stop, query.period):
        first, last = _align_up(at, interval), min(_align_up(at + query.period, interval), stop)
        if first < last:
            yield at, (first, last)


def value(
    metric: str, statistic: str, span: Span, *, workload: Workload, timeline: Timeline, interval: int
) -> float | None:
    """A statistic over a span, with one sample per interval; None if the instance published nothing.

    While tokens are optional, `MetadataNoToken` is published even at 0. `MetadataNoTokenRejected` is only published
    when calls are rejected.
    """
    if workload.unknown:
        return None
    if metric == CPU:
        samples = _intervals(overlaps(timeline.running, span), interval)
        if not samples:
            return None
        return samples if statistic in ("SampleCount", "Sum") else 1  # a running instance always uses 1%
    if metric == SERVED:
        is_published = overlaps(timeline.tokens_optional, span)
        return workload.calls(overlaps(timeline.serving_imdsv1, span)) if is_published else None
    return workload.calls(overlaps(timeline.rejecting_imdsv1, span)) or None


def _intervals(spans: list[Span], interval: int) -> int:
    """Count the intervals that the spans touch."""
    return len(set[int]().union(*(range(floor(start / interval), ceil(end / interval)) for start, end in spans)))


def _align_up(at: int, interval: int) -> int:
    return -(-at // interval) * interval
