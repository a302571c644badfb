"""IMDSv1 calls as CloudWatch counts them. Pure.

Source: EC2 user guide, "Instance metrics": ``MetadataNoToken`` counts the calls without a token that were answered,
``MetadataNoTokenRejected`` those that were refused because tokens are required.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal, get_args

LegacyMetric = Literal["MetadataNoToken", "MetadataNoTokenRejected"]
HEARTBEAT = "CPUUtilization"
"""A metric that every running instance sends: without it, that another one has no data proves nothing."""

Series = tuple[str, str]
"""A metric and the instance that sends it."""

METRICS_PER_CALL = 500
"""Metrics that one GetMetricData answers for."""
POINTS_PER_METRIC = 100_800 // METRICS_PER_CALL
"""Data points of each that fit into one page of the answer."""


@dataclass(frozen=True)
class LegacyCalls:
    """How many calls an instance made in the time looked at, and when the last was seen (UTC, to the period)."""

    count: float
    last_seen: datetime | None = None


def period_seconds(seconds: float, unit: int = 60) -> int:
    """The finest period, in whole units of seconds, at which a stretch of time fits into one page of the answer."""
    return max(1, -int(-seconds // (unit * POINTS_PER_METRIC))) * unit


def total(points: Iterable[tuple[datetime, float]]) -> LegacyCalls | None:
    """What the data points of an instance add up to; None if there are none, which is not to be taken for zero."""
    known = list(points)
    if not known:
        return None
    seen = [at for at, value in known if value > 0]
    return LegacyCalls(sum(value for _, value in known), max(seen, default=None))


def told(calls: LegacyCalls) -> str:
    """The calls for a person: ``1,234 IMDSv1 calls``."""
    return f"{calls.count:,.0f} IMDSv1 {'call' if calls.count == 1 else 'calls'}"


def last_seen(calls: LegacyCalls, period: timedelta) -> str:
    """When the last call was, as the end of a clause: CloudWatch gives the begin of the period that it was in."""
    at = calls.last_seen
    return f", the last between {minute(at)} and {minute(at + period)}" if at else ""


def minute(at: datetime) -> str:
    """A moment for a person: ``2026-11-20 13:00 UTC``."""
    return f"{at.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def metric_queries(series: Sequence[Series], period: int) -> Iterator[Mapping[str, object]]:
    """The queries of GetMetricData, the n-th with the id ``m<n>``."""
    for number, (metric, instance_id) in enumerate(series):
        yield {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/EC2",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "InstanceId", "Value": instance_id}],
                },
                "Period": period,
                "Stat": "Sum" if metric in get_args(LegacyMetric) else "Maximum",
            },
        }
