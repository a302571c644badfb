"""CloudWatch's counts of IMDSv1 calls with default settings, and GetMetricData's limits."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from localcloud.client import LocalCloud
from localcloud.ec2.instances import Seed, WorkloadSeed
from localcloud.faults import Fault

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricStatTypeDef

from .conftest import Connect, query, values

WEB, API = "i-0123456789abcdef0", "i-0123456789abcdef1"
BUSY: WorkloadSeed = {"legacy_calls_per_minute": 6}
SERVED, REJECTED = "MetadataNoToken", "MetadataNoTokenRejected"
HOUR, DAY = 3600, 86_400


@pytest.fixture
def now() -> datetime:
    return datetime.now(timezone.utc)


def whole_hours(now: datetime, count: int) -> tuple[datetime, datetime]:
    """Start and end of the last complete hours."""
    end = now.replace(minute=0, second=0, microsecond=0)
    return end - timedelta(hours=count), end


def error_of(client: CloudWatchClient, **changes: object) -> tuple[str, str]:
    """Code and message of the error that answers a valid request with these changes."""
    now = datetime.now(timezone.utc)
    request: dict[str, Any] = {
        "MetricDataQueries": [query(WEB)],
        "StartTime": now - timedelta(hours=1),
        "EndTime": now,
        **changes,
    }
    with pytest.raises(ClientError) as caught:
        client.get_metric_data(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_imdsv1_calls_are_counted_as_served_while_tokens_are_optional(
    cloud: LocalCloud, cloudwatch: CloudWatchClient, now: datetime
) -> None:
    cloud.seed([{"id": WEB, "workload": BUSY}])
    start, end = whole_hours(now, 3)
    assert values(cloudwatch, query(WEB), start, end) == [360, 360, 360]
    assert values(cloudwatch, query(WEB, period=60), start, start + timedelta(minutes=2)) == [6, 6]
    assert values(cloudwatch, query(WEB, REJECTED), start, end) == []


def test_plain_moto_has_no_metrics_of_instances() -> None:
    with mock_aws():
        session = boto3.Session("a", "b", region_name="us-east-1")
        client, ec2 = session.client("cloudwatch"), session.client("ec2")
        [instance] = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"]
        now = datetime.now(timezone.utc)
        assert values(client, query(instance["InstanceId"]), now - timedelta(hours=3), now) == []
        ec2.close()
        client.close()


@pytest.mark.parametrize(
    ("seed", "served", "rejected"),
    [
        ({"id": WEB}, [0], []),
        ({"id": WEB, "workload": {"legacy_calls_per_minute": 0.5}}, [30], []),
        ({"id": WEB, "workload": BUSY, "options": {"HttpTokens": "required"}}, [], [360]),
        ({"id": WEB, "options": {"HttpTokens": "required"}}, [], []),
        ({"id": WEB, "workload": BUSY, "options": {"HttpEndpoint": "disabled"}}, [0], []),
        ({"id": WEB, "workload": BUSY, "state": "stopped"}, [], []),
        ({"id": WEB, "workload": {"unknown": True}}, [], []),
    ],
)
def test_counts_depend_on_options_state_and_workload(
    seed: Seed, served: list[float], rejected: list[float], cloud: LocalCloud, cloudwatch: CloudWatchClient
) -> None:
    cloud.seed([seed])
    hour = whole_hours(datetime.now(timezone.utc), 1)
    assert values(cloudwatch, query(WEB), *hour) == served
    assert values(cloudwatch, query(WEB, REJECTED), *hour) == rejected


def test_a_workload_that_stopped_calling_imdsv1_days_ago_has_counts_before_that(
    cloud: LocalCloud, cloudwatch: CloudWatchClient, now: datetime
) -> None:
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 1, "legacy_until_days_ago": 2}}])
    newest_first = values(cloudwatch, query(WEB, period=DAY), now - timedelta(days=4), now)
    assert sum(newest_first[:-2]) <= 1, "at most one call, since buckets begin at whole minutes"
    assert 2 * 1440 - 1 <= sum(newest_first) <= 2 * 1440 + 1


def test_calls_are_rejected_once_required_tokens_are_applied(
    cloud: LocalCloud, connect: Connect, cloudwatch: CloudWatchClient, now: datetime
) -> None:
    cloud.settings(pending=120)
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 60}}])
    connect().modify_instance_metadata_options(InstanceId=WEB, HttpTokens="required")
    later = now + timedelta(minutes=10)
    assert values(cloudwatch, query(WEB, REJECTED), now, later) == []
    cloud.advance(300)
    [rejected] = values(cloudwatch, query(WEB, REJECTED), now, later)
    assert 179 <= rejected <= 200, "rejected in three of the five minutes"
    [served] = values(cloudwatch, query(WEB), now, later)
    assert 119 <= served <= 140 + now.second, "served in the other two, and in the start minute before the test"
    start = cloud.time() - timedelta(seconds=61)
    assert values(cloudwatch, query(WEB), start, later) == [], "none served since tokens are required"


def test_a_stopped_instance_makes_no_calls_and_rejects_them_after_its_start(
    cloud: LocalCloud, connect: Connect, cloudwatch: CloudWatchClient, now: datetime
) -> None:
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 60}}])
    cloud.stop(WEB)
    connect().modify_instance_metadata_options(InstanceId=WEB, HttpTokens="required")
    later = now + timedelta(minutes=10)
    cloud.advance(120)
    assert values(cloudwatch, query(WEB, REJECTED), now, later) == []
    cloud.start_instance(WEB)
    cloud.advance(60)
    [rejected] = values(cloudwatch, query(WEB, REJECTED), now, later)
    assert 59 <= rejected <= 80


def test_a_change_delayed_by_a_stop_rejects_nothing_until_it_is_applied(
    cloud: LocalCloud, connect: Connect, cloudwatch: CloudWatchClient, now: datetime
) -> None:
    cloud.settings(pending=120)
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 60}}])
    connect().modify_instance_metadata_options(InstanceId=WEB, HttpTokens="required")
    cloud.stop(WEB)
    cloud.advance(300)
    cloud.start_instance(WEB)
    cloud.advance(60)
    assert values(cloudwatch, query(WEB, REJECTED), now, now + timedelta(minutes=10)) == []


def test_metrics_begin_at_the_launch(
    connect: Connect, cloudwatch: CloudWatchClient, cloud: LocalCloud, now: datetime
) -> None:
    launched = connect().run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    cloud.advance(60)
    start = now - timedelta(hours=2)
    assert values(cloudwatch, query(launched), start, now + timedelta(minutes=1)) == [0]
    assert values(cloudwatch, query(API), start, now) == [], "an unknown instance has none"


def test_metrics_are_separate_by_region(cloud: LocalCloud, cloudwatch: CloudWatchClient, now: datetime) -> None:
    cloud.seed([{"id": WEB, "region": "eu-west-1"}])
    hour = whole_hours(now, 1)
    assert values(cloudwatch, query(WEB), *hour) == []
    other: CloudWatchClient = boto3.client("cloudwatch", **cloud.connection("eu-west-1"))
    assert values(other, query(WEB), *hour) == [0]
    other.close()


def test_buckets_begin_at_the_start_minute_in_the_requested_order(
    cloud: LocalCloud, cloudwatch: CloudWatchClient, now: datetime
) -> None:
    cloud.seed([{"id": WEB}])
    start = now.replace(second=0, microsecond=0) - timedelta(minutes=5)

    def times(**arguments: Any) -> list[float]:  # noqa: ANN401  # of any type that the client takes
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[query(WEB, period=120)],
            StartTime=start + timedelta(seconds=31),
            EndTime=start + timedelta(minutes=4),
            **arguments,
        )
        return [each.timestamp() for each in answer["MetricDataResults"][0]["Timestamps"]]

    assert times() == [start.timestamp() + 120, start.timestamp()]
    assert times(ScanBy="TimestampAscending") == times()[::-1]


@pytest.mark.parametrize(("days", "minutes"), [(14, 1), (20, 5), (70, 60)])
def test_older_starts_are_rounded_down_further(
    days: int, minutes: int, cloud: LocalCloud, cloudwatch: CloudWatchClient, now: datetime
) -> None:
    cloud.seed([{"id": WEB}])
    start = now - timedelta(days=days)
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query(WEB, period=DAY)], StartTime=start, EndTime=now, ScanBy="TimestampAscending"
    )
    rounded = start.timestamp() // (60 * minutes) * 60 * minutes
    assert answer["MetricDataResults"][0]["Timestamps"][0].timestamp() == rounded


def test_pages_of_limited_datapoints_lead_to_all_of_them(
    cloud: LocalCloud, cloudwatch: CloudWatchClient, now: datetime
) -> None:
    cloud.seed([{"id": WEB, "workload": BUSY}, {"id": API}])
    start, end = whole_hours(now, 3)
    queries = [query(WEB), query(API, name="n")]
    request: dict[str, Any] = {"MetricDataQueries": queries, "StartTime": start, "EndTime": end}
    [whole, other] = cloudwatch.get_metric_data(**request)["MetricDataResults"]
    first = cloudwatch.get_metric_data(**request, MaxDatapoints=2)
    assert [(each["Id"], each["StatusCode"]) for each in first["MetricDataResults"]] == [("m", "PartialData")]
    pages = cloudwatch.get_paginator("get_metric_data").paginate(**request, PaginationConfig={"PageSize": 2})
    collected: dict[str, list[float]] = {}
    for page in pages:
        for each in page["MetricDataResults"]:
            collected.setdefault(each["Id"], []).extend(each["Values"])
    assert collected == {"m": whole["Values"], "n": other["Values"]} == {"m": [360] * 3, "n": [0] * 3}


def test_500_metrics_are_answered_within_seconds_with_at_most_100800_datapoints_a_page(
    cloud: LocalCloud, cloudwatch: CloudWatchClient, now: datetime
) -> None:
    ids = [f"i-{number:017x}" for number in range(500)]
    cloud.seed([{"id": each, "workload": BUSY} for each in ids])
    start, end = whole_hours(now, 14 * 24)
    get_metric_data = partial(cloudwatch.get_metric_data, StartTime=start, EndTime=end)
    started = time.process_time()  # CPU time of this process, which the cloud runs in
    answer = get_metric_data(
        MetricDataQueries=[query(each, name=f"m{number}", period=DAY) for number, each in enumerate(ids)]
    )
    assert time.process_time() - started < 5
    assert [each["Values"] for each in answer["MetricDataResults"]] == [[6 * 1440] * 14] * 500
    assert "NextToken" not in answer
    hourly = get_metric_data(
        MetricDataQueries=[query(each, name=f"m{number}", period=HOUR) for number, each in enumerate(ids)]
    )
    assert sum(len(each["Values"]) for each in hourly["MetricDataResults"]) == 100_800
    assert "NextToken" in hourly


def test_invalid_requests_are_refused_with_cloudwatchs_wording(
    cloud: LocalCloud, cloudwatch: CloudWatchClient, now: datetime
) -> None:
    cloud.seed([{"id": WEB}])
    many = [query(WEB, name=f"m{number}") for number in range(501)]
    assert error_of(cloudwatch, MetricDataQueries=many) == (
        "ValidationError",
        "The collection MetricDataQueries must not have a size greater than 500.",
    )
    cases: list[tuple[dict[str, Any], str]] = [
        ({"MetricDataQueries": [query(WEB, name=WEB)]}, "is not matching the pattern"),
        ({"MetricDataQueries": [query(WEB), query(API)]}, "are not unique"),
        ({"MetricDataQueries": [query(WEB, period=90)]}, "must be a multiple of 60"),
        ({"StartTime": now}, "StartTime must be less than"),
        ({"MaxDatapoints": 100_801}, "MaxDatapoints must be from 1"),
    ]
    for changes, expected in cases:
        code, message = error_of(cloudwatch, **{"EndTime": now, **changes})
        assert code == "ValidationError"
        assert expected in message
    assert error_of(cloudwatch, NextToken="?")[0] == "InvalidNextToken"
    assert error_of(cloudwatch, MetricDataQueries=[query(WEB, stat="Average")])[0] == "InternalError"


def test_custom_metrics_are_answered_by_moto_in_the_requested_order(
    cloud: LocalCloud, cloudwatch: CloudWatchClient, now: datetime
) -> None:
    cloud.seed([{"id": WEB}])
    cloudwatch.put_metric_data(Namespace="Web", MetricData=[{"MetricName": "hits", "Value": 3}])
    assert [each["MetricName"] for each in cloudwatch.list_metrics()["Metrics"]] == ["hits"]
    custom: MetricStatTypeDef = {
        "Metric": {"Namespace": "Web", "MetricName": "hits"},
        "Period": HOUR,
        "Stat": "Sum",
    }
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query(WEB, name="a"), {"Id": "b", "MetricStat": custom}, query(WEB, REJECTED, name="c")],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
    )
    assert [each["Id"] for each in answer["MetricDataResults"]] == ["a", "b", "c"]
    assert answer["MetricDataResults"][1]["Values"] == [3]


def test_metric_calls_meet_faults_latency_throttling_and_denials(
    cloud: LocalCloud, cloudwatch: CloudWatchClient
) -> None:
    cloud.seed([{"id": WEB}])
    cloud.set_faults(Fault("error", action="GetMetricData", instance=WEB, code="InternalServiceFault", status=500))
    assert error_of(cloudwatch)[0] == "InternalServiceFault"
    cloud.settings(
        latency={"GetMetricData": 0.2}, throttle={"GetMetricData": [1, 0]}, denied=["cloudwatch:GetMetricData"]
    )
    code, message = error_of(cloudwatch)
    assert code == "AccessDenied"
    assert message == (
        "User: arn:aws:sts::123456789012:assumed-role/deployer/session is not authorized to perform: "
        "cloudwatch:GetMetricData because no identity-based policy allows the cloudwatch:GetMetricData action"
    )
    assert error_of(cloudwatch) == ("Throttling", "Rate exceeded")
    assert cloud.counts() == {"GetMetricData": {"calls": 3, "throttled": 1, "errors": 2}}
    assert [call["instance_ids"] for call in cloud.log()] == [[WEB]] * 3
    assert cloud.log()[1]["seconds"] >= 0.1


def test_a_workload_can_be_ended_out_of_band(cloud: LocalCloud, cloudwatch: CloudWatchClient, now: datetime) -> None:
    cloud.seed([{"id": WEB, "workload": BUSY}])
    cloud.change(WEB, {"workload": {**BUSY, "legacy_until_days_ago": 0}})
    assert values(cloudwatch, query(WEB), *whole_hours(now, 1)) == [360]
    cloud.advance(600)
    assert values(cloudwatch, query(WEB), now + timedelta(minutes=2), now + timedelta(minutes=9)) == [0]
