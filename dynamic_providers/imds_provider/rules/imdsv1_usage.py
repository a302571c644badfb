"""IMDSv1 calls as CloudWatch counts them.

Source: EC2 user guide, "Instance metrics": ``MetadataNoToken`` counts the calls without a token that were answered,
``MetadataNoTokenRejected`` those that were refused because tokens are required.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal, get_args

Imdsv1Metric = Literal["MetadataNoToken", "MetadataNoTokenRejected"]
HEARTBEAT = "CPUUtilization"
"""A metric that every running instance sends: without it, missing data of another metric proves nothing."""

Series = tuple[str, str]
"""A metric and the instance that sends it."""

METRICS_PER_CALL = 500
"""The most metrics that one GetMetricData request takes."""
POINTS_PER_METRIC = 100_800 // METRICS_PER_CALL
"""The most data points of each metric that fit on one page of the answer."""


@dataclass(frozen=True)
class Imdsv1Usage:
    """How many calls an instance made in a period, and when the last and the first were seen.

    Both times are UTC, and the start of a data point.
    """

    count: float
    last_seen: datetime | None = None
    first_seen: datetime | None = None

    def __str__(self) -> str:
        """``1,234 IMDSv1 calls``."""
        return f"{self.count:,.0f} IMDSv1 {'call' if self.count == 1 else 'calls'}"

    def last_between(self, period: timedelta) -> str:
        """When the last call was, as the end of a clause: within ``period`` of the start of its data point."""
        at = self.last_seen
        return f", the last between {render_minute(at)} and {render_minute(at + period)}" if at else ""


def period_seconds(seconds: float, unit: int = 60) -> int:
    """The finest period, a multiple of ``unit``, at which that many seconds fit on one page of the answer."""
    return max(1, -int(-seconds // (unit * POINTS_PER_METRIC))) * unit


def total(points: Iterable[tuple[datetime, float]]) -> Imdsv1Usage | None:
    """The sum of an instance's data points; None if there are none, which does not mean zero."""
    known = list(points)
    if not known:
        return None
    seen = [at for at, value in known if value > 0]
    return Imdsv1Usage(sum(value for _, value in known), max(seen, default=None), min(seen, default=None))


def render_minute(at: datetime) -> str:
    """``2026-11-20 13:00 UTC``."""
    return f"{at.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


def metric_queries(series: Sequence[Series], period: int) -> Iterator[Mapping[str, object]]:
    """The queries of GetMetricData, the n-th with the ID ``m<n>``."""
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
                "Stat": "Sum" if metric in get_args(Imdsv1Metric) else "Maximum",
            },
        }
