"""IMDSv1 calls as CloudWatch counts them. Pure.

Source: EC2 user guide, "Instance metrics": ``MetadataNoToken`` counts the calls without a token that were answered,
``MetadataNoTokenRejected`` those that were refused because tokens are required.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal

LegacyMetric = Literal["MetadataNoToken", "MetadataNoTokenRejected"]

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


def minute(at: datetime) -> str:
    """A moment for a person: ``2026-11-20 13:00 UTC``."""
    return f"{at.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def metric_queries(metric: LegacyMetric, instance_ids: Sequence[str], period: int) -> Iterator[Mapping[str, object]]:
    """The queries of GetMetricData, the n-th with the id ``m<n>``."""
    for number, instance_id in enumerate(instance_ids):
        yield {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/EC2",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "InstanceId", "Value": instance_id}],
                },
                "Period": period,
                "Stat": "Sum",
            },
        }
