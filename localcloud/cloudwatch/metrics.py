"""The metrics that an instance sends by itself: when there is a point of each, and what it says. Pure.

Source: EC2 user guide, "CloudWatch metrics that are available for your instances".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, floor

from localcloud.ec2.workload import Past, Span, Workload, overlaps

CPU, SERVED, REJECTED = "CPUUtilization", "MetadataNoToken", "MetadataNoTokenRejected"
STATISTICS: Mapping[str, tuple[str, ...]] = {
    CPU: ("Average", "Maximum", "Minimum", "SampleCount", "Sum"),
    SERVED: ("Sum",),
    REJECTED: ("Sum",),
}
"""The metrics, and the statistics of each that are served."""

CPU_PERCENT = 1.0
"""What an instance uses all the time."""

BASIC, DETAILED = 300, 60
"""Seconds that a published point covers."""

Bucket = tuple[float, Span]
"""The time of a point, and what it is about."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query asks for: points from `start` on and before `end`, every `period` seconds. Whole minutes."""

    start: int
    end: int
    period: int


def at_once(asked: Asked, now: float) -> Iterator[Bucket]:
    """The query's own buckets, up to the present second."""
    end = min(asked.end, now)
    for at in range(asked.start, ceil(end), asked.period):
        yield at, (at, min(at + asked.period, end))


def as_aws(asked: Asked, interval: int, readable: float) -> Iterator[Bucket]:
    """The points published every `interval` seconds whose periods were over at the second `readable`.

    They are merged into the query's buckets, but for a query whose period is finer: it gets them as they are.
    """
    over = floor(readable / interval) * interval
    stop = min(_next(asked.end, interval), over)
    if asked.period < interval:
        for at in range(_next(asked.start, interval), stop, interval):
            yield at, (at, at + interval)
        return
    for at in range(asked.start, stop, asked.period):
        first, last = _next(at, interval), min(_next(at + asked.period, interval), stop)
        if first < last:
            yield at, (first, last)


def value(metric: str, statistic: str, span: Span, *, workload: Workload, past: Past, interval: int) -> float | None:
    """The statistic of a metric over a span; None where the instance sent nothing. A sample is taken per interval.

    Calls that are refused are counted only where there are any; calls that are served also where there are none, while
    tokens are optional.
    """
    if workload.unknown:
        return None
    if metric == CPU:
        samples = _intervals(overlaps(past.up, span), interval)
        if not samples:
            return None
        return {"SampleCount": float(samples), "Sum": samples * CPU_PERCENT}.get(statistic, CPU_PERCENT)
    if metric == SERVED:
        return workload.calls(overlaps(past.served, span)) if overlaps(past.optional, span) else None
    return workload.calls(overlaps(past.rejected, span)) or None


def _intervals(spans: list[Span], interval: int) -> int:
    """How many intervals the spans touch."""
    return len(set[int]().union(*(range(floor(start / interval), ceil(end / interval)) for start, end in spans)))


def _next(at: int, interval: int) -> int:
    """The first boundary of an interval that is not before."""
    return -(-at // interval) * interval
