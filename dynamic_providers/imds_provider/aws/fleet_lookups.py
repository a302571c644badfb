"""Look up a whole fleet: its instances, their IMDSv1 usage and status checks, and what its change is permitted to do.

Sources: EC2 API reference, ``DescribeInstances``, ``DescribeInstanceStatus``, and ``DryRun`` of any action; CloudWatch
API reference, ``GetMetricData`` and ``DescribeAlarms``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ..errors import AwsError
from ..rules.alarms import ALARMS_PER_CALL, Alarm
from ..rules.imdsv1_usage import HEARTBEAT, METRICS_PER_CALL, Imdsv1Metric, Imdsv1Usage, Series, metric_queries, total
from ..rules.observation import Observation
from ..rules.options import Options
from ..rules.wave_health import Impairment, merge_impairments
from ..rules.wording import shorten
from .ec2 import MAX_FILTER_VALUES, Ec2, abbreviated, chunks, to_observation
from .errors import DENIED_CODES
from .looked_up_once import LookedUpOnce
from .requests import Requests

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.client import CloudWatchClient

Filters = Mapping[str, Sequence[str]]
"""Filters of DescribeInstances: an instance must match all of them, each by any of its values."""
_Query = frozenset[tuple[str, tuple[str, ...]]]

PAGE_SIZE = 1000
"""The most results that DescribeInstances and DescribeInstanceStatus return on one page."""
LIVING_STATES = ("pending", "running", "stopping", "stopped")


class FleetLookups:
    """Lookups in one account and region. Each raises :class:`AwsError` if AWS does not answer them."""

    def __init__(self, ec2: Ec2, connect_cloudwatch: Callable[[], CloudWatchClient]) -> None:
        self.region = ec2.region
        self._ec2 = ec2
        self._requests = Requests(ec2)
        self._connect_cloudwatch = connect_cloudwatch
        self._described: dict[_Query, dict[str, Observation]] = {}

    def now(self) -> datetime:
        """Return the time by AWS's clock (:meth:`.Ec2.now`)."""
        return self._ec2.now()

    @LookedUpOnce
    def _cloudwatch(self) -> CloudWatchClient:
        """The client, made when it is needed: never, where all instances require tokens already."""
        client = self._connect_cloudwatch()
        client.meta.events.register_first("request-created.cloudwatch", self._ec2.before_request)
        return client

    def select(self, filters: Filters | None, instance_ids: Collection[str]) -> dict[str, Observation]:
        """Describe the instances that match ``filters`` (None matches none), and those in ``instance_ids``, by ID.

        EC2 filters. One call for each 1,000 instances that match and each 200 IDs; a program makes the same call once,
        however many of its fleets need it.
        """
        queries = _queries(filters, instance_ids)
        return {each: seen for query in queries for each, seen in self._describe(query).items()}

    def pages(self, filters: Filters | None, instance_ids: Collection[str]) -> Iterator[list[Observation]]:
        """Describe the same instances page by page, each instance once. Nothing is kept.

        One call for each page of 1,000 instances that match, and each 200 IDs.
        """
        given, seen = frozenset(instance_ids), set[str]()
        for query in _queries(filters, instance_ids):
            for page in self._pages(query, "instances"):
                yield [each for each in page if each.instance_id not in seen]
                seen |= given.intersection(each.instance_id for each in page)

    def _describe(self, filters: Filters) -> dict[str, Observation]:
        query = frozenset((name, tuple(values)) for name, values in filters.items())
        if query not in self._described:
            pages = self._pages(filters, "the fleet's instances")
            self._described[query] = {each.instance_id: each for page in pages for each in page}
        return self._described[query]

    def _pages(self, filters: Filters, subject: str) -> Iterator[list[Observation]]:
        # Terminated instances are listed for an hour. A filter of the state that is given takes precedence.
        asked = {"instance-state-name": LIVING_STATES, **filters}
        pages = self._ec2.client.get_paginator("describe_instances").paginate(
            Filters=[{"Name": name, "Values": list(values)} for name, values in asked.items()],
            PaginationConfig={"PageSize": PAGE_SIZE},
        )
        for page in self._requests.pages(pages, "DescribeInstances", subject):
            yield [
                to_observation(instance, reservation.get("OwnerId", ""))
                for reservation in page["Reservations"]
                for instance in reservation.get("Instances", ())
            ]

    def imdsv1_usage(
        self, metric: Imdsv1Metric, instance_ids: Sequence[str], start: datetime, end: datetime, period: int
    ) -> dict[str, Imdsv1Usage | None]:
        """Return the calls that CloudWatch counted for each instance, None where it has no data.

        ``period`` is in seconds, a multiple of 60. One call for each 500 instances.
        """
        points = self._points([(metric, each) for each in instance_ids], start, end, period)
        return {each: total(points[metric, each]) for each in instance_ids}

    def refused_calls_and_last_data(
        self, refusing: Sequence[str], instance_ids: Sequence[str], start: datetime, end: datetime, period: int
    ) -> tuple[dict[str, Imdsv1Usage | None], dict[str, datetime]]:
        """Return the refused IMDSv1 calls of the ``refusing``, and the time of the last data point of each instance.

        The latter is of a metric that every running instance sends, and is the start of the data point's period.
        Instances without data are left out.
        """
        rejected: Imdsv1Metric = "MetadataNoTokenRejected"
        series = [*((rejected, each) for each in refusing), *((HEARTBEAT, each) for each in instance_ids)]
        points = self._points(series, start, end, period)
        heartbeats = {each: points[HEARTBEAT, each] for each in instance_ids}
        last_data = {each: max(at for at, _ in found) for each, found in heartbeats.items() if found}
        return {each: total(points[rejected, each]) for each in refusing}, last_data

    def _points(
        self, series: Sequence[Series], start: datetime, end: datetime, period: int
    ) -> dict[Series, list[tuple[datetime, float]]]:
        found: dict[Series, list[tuple[datetime, float]]] = {each: [] for each in series}
        for first in range(0, len(series), METRICS_PER_CALL):
            some = series[first : first + METRICS_PER_CALL]
            pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=list(metric_queries(some, period)),  # type: ignore[arg-type]  # as it says
                StartTime=start,
                EndTime=end,
            )
            names = " and ".join(sorted({metric for metric, _ in some}))
            subject = f"{names} of {abbreviated(sorted({instance_id for _, instance_id in some}))}"
            for page in self._requests.pages(pages, "GetMetricData", subject, "CloudWatch"):
                for result in page["MetricDataResults"]:
                    self._require_data(names, result.get("StatusCode", ""))
                    pairs = zip(result.get("Timestamps", ()), result.get("Values", ()), strict=True)
                    found[some[int(result.get("Id", "m0")[1:])]] += pairs
        return found

    def _require_data(self, metric: str, status: str) -> None:
        if status in ("InternalError", "Forbidden"):
            raise AwsError(f"{metric}: CloudWatch in {self.region} answered with {status}; run again.", status)

    def alarms(self, names: Sequence[str]) -> dict[str, Alarm]:
        """Return the metric and composite alarms of these names; those that do not exist are left out.

        One call for each 100 names.
        """
        found: dict[str, Alarm] = {}
        for some in chunks(names, ALARMS_PER_CALL):
            pages = self._cloudwatch.get_paginator("describe_alarms").paginate(
                AlarmNames=some,
                # Composite alarms are left out unless their type is named.
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                PaginationConfig={"PageSize": ALARMS_PER_CALL},
            )
            for page in self._requests.pages(pages, "DescribeAlarms", f"the alarms {shorten(some)}", "CloudWatch"):
                for each in [*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())]:
                    alarm = Alarm(
                        each.get("AlarmName", ""),
                        each.get("StateValue", ""),
                        each.get("StateReason", ""),
                        each.get("StateTransitionedTimestamp") or each.get("StateUpdatedTimestamp"),
                    )
                    found[alarm.name] = alarm
        return found

    def impaired(self, instance_ids: Collection[str]) -> dict[str, Impairment]:
        """Return which status checks of EC2 each instance fails, and since when; instances that pass are left out.

        This describes every impaired instance of the region, since a call with IDs fails entirely if one is gone.
        """
        found: defaultdict[str, list[Impairment]] = defaultdict(list)
        for check in ("system", "instance"):
            pages = self._ec2.client.get_paginator("describe_instance_status").paginate(
                Filters=[{"Name": f"{check}-status.status", "Values": ["impaired"]}],
                PaginationConfig={"PageSize": PAGE_SIZE},
            )
            for page in self._requests.pages(pages, "DescribeInstanceStatus", abbreviated(instance_ids)):
                for each in page["InstanceStatuses"]:
                    summary = each.get("SystemStatus", {}) if check == "system" else each.get("InstanceStatus", {})
                    since = [at for detail in summary.get("Details", ()) if (at := detail.get("ImpairedSince"))]
                    impairment = Impairment(f"{check} status impaired", min(since, default=None))
                    found[each.get("InstanceId", "")].append(impairment)
        return {each: merge_impairments(found[each]) for each in instance_ids if each in found}

    def denial_to_modify(self, instance_id: str, parameters: Options) -> str | None:
        """Return why a dry run of the modification is denied, or None if it is permitted."""
        return self._requests.denial(
            "ModifyInstanceMetadataOptions",
            instance_id,
            lambda: self._ec2.client.modify_instance_metadata_options(
                InstanceId=instance_id,
                DryRun=True,
                **parameters,  # type: ignore[arg-type]  # made by options.modification
            ),
            parameters=parameters,
        )

    def denial_to_read_status(self) -> str | None:
        """Return why reading the status of instances is denied, or None if it is permitted."""
        return self._requests.denial(
            "DescribeInstanceStatus", "a dry run", lambda: self._ec2.client.describe_instance_status(DryRun=True)
        )

    def denial_to_read_metrics(self, instance_id: str, start: datetime, end: datetime) -> str | None:
        """Return why reading metrics is denied, or None. CloudWatch has no dry runs, so this reads one metric."""
        try:
            self.imdsv1_usage("MetadataNoTokenRejected", [instance_id], start, end, 60)
        except AwsError as error:
            if error.code not in DENIED_CODES:
                raise
            return str(error)
        return None


def _queries(filters: Filters | None, instance_ids: Collection[str]) -> list[Filters]:
    by_id: list[Filters] = [{"instance-id": some} for some in chunks(sorted(instance_ids), MAX_FILTER_VALUES)]
    return by_id if filters is None else [filters, *by_id]
