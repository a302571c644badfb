"""When an instance's metrics become readable, and how CloudWatch fails."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from localcloud.client import LocalCloud
from localcloud.ec2.instances import Seed
from localcloud.faults import Effect, Fault

from .conftest import query, values

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricDataResultTypeDef
    from mypy_boto3_ec2 import EC2Client

WEB, API = "i-0123456789abcdef0", "i-0123456789abcdef1"
CPU, SERVED, REJECTED = "CPUUtilization", "MetadataNoToken", "MetadataNoTokenRejected"
MINUTES = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def advance_into_a_period(cloud: LocalCloud) -> datetime:
    """Advance to half a minute after the start of a 5-minute period, and return that start."""
    start = (cloud.time().timestamp() // 300 + 1) * 300
    cloud.advance(start + 30 - cloud.time().timestamp())
    return datetime.fromtimestamp(start, timezone.utc)


def points(
    client: CloudWatchClient, query: MetricDataQueryTypeDef, start: datetime, end: datetime
) -> dict[datetime, float]:
    """Values by timestamp, oldest first."""
    [result] = client.get_metric_data(
        MetricDataQueries=[query], StartTime=start, EndTime=end, ScanBy="TimestampAscending"
    )["MetricDataResults"]
    return dict(zip(result["Timestamps"], result["Values"], strict=True))


@pytest.mark.parametrize("publish", ["at-once", "as-aws"])
@pytest.mark.parametrize(
    ("seed", "is_published"),
    [
        ({"id": WEB}, True),
        ({"id": WEB, "options": {"HttpTokens": "required", "HttpEndpoint": "disabled"}}, True),
        ({"id": WEB, "state": "stopped"}, False),
        ({"id": WEB, "workload": {"unknown": True}}, False),
    ],
)
def test_a_running_instance_publishes_its_cpu_utilization(
    publish: str,
    seed: Seed,
    is_published: bool,  # noqa: FBT001
    cloud: LocalCloud,
    cloudwatch: CloudWatchClient,
) -> None:
    cloud.settings(publish=publish)
    cloud.seed([seed])
    end = advance_into_a_period(cloud)
    expected = [1.0, 1.0] if is_published else []
    for stat in ("Average", "Maximum", "Minimum", "SampleCount", "Sum"):
        assert values(cloudwatch, query(WEB, CPU, period=300, stat=stat), end - 10 * MINUTES, end) == expected, stat
    assert values(cloudwatch, query(WEB, CPU, stat="Average"), end - HOUR, end) == ([1] if is_published else [])
    assert values(cloudwatch, query(WEB, CPU, stat="SampleCount"), end - HOUR, end) == ([12] if is_published else [])


def test_an_unsupported_statistic_is_refused(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    cloud.seed([{"id": WEB}])
    now = cloud.time()
    with pytest.raises(ClientError, match="of CPUUtilization, not p99"):
        values(cloudwatch, query(WEB, CPU, stat="p99"), now - 10 * MINUTES, now)


def test_a_point_is_stamped_with_the_start_of_its_period_and_readable_at_its_end(
    cloud: LocalCloud, cloudwatch: CloudWatchClient
) -> None:
    cloud.settings(publish="as-aws")
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 10}}])
    start = advance_into_a_period(cloud)
    arguments = (query(WEB, period=300), start, start + HOUR)
    assert points(cloudwatch, *arguments) == {}
    cloud.advance(200)
    assert points(cloudwatch, *arguments) == {}
    cloud.advance(100)
    assert points(cloudwatch, *arguments) == {start: 50}
    cloud.advance(300)
    assert points(cloudwatch, *arguments) == {start: 50, start + 5 * MINUTES: 50}


def test_points_can_be_delayed(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    cloud.settings(publish="as-aws", metrics_delay=120)
    cloud.seed([{"id": WEB}])
    start = advance_into_a_period(cloud)
    arguments = (query(WEB, CPU, period=300, stat="Average"), start, start + HOUR)
    cloud.advance(300)
    assert points(cloudwatch, *arguments) == {}
    cloud.advance(120)
    assert points(cloudwatch, *arguments) == {start: 1}


def test_by_default_metrics_are_readable_at_once(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    cloud.seed([{"id": WEB}])
    start = advance_into_a_period(cloud)
    assert points(cloudwatch, query(WEB, CPU, period=300), start, start + HOUR) == {start: 1}


def test_longer_periods_merge_published_points(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    cloud.settings(publish="as-aws")
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 10}}])
    start = advance_into_a_period(cloud)
    cloud.advance(600)
    end = start + HOUR
    assert points(cloudwatch, query(WEB, period=900), start, end) == {start: 100}
    assert points(cloudwatch, query(WEB, CPU, period=900, stat="SampleCount"), start, end) == {start: 2}
    earlier = start - 3 * MINUTES
    assert points(cloudwatch, query(WEB, period=900), earlier, end) == {earlier: 100}, "buckets begin at StartTime"
    assert points(cloudwatch, query(WEB, period=300), earlier, end) == {earlier: 50, earlier + 5 * MINUTES: 50}


def test_shorter_periods_return_published_points_unchanged(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    cloud.settings(publish="as-aws")
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 10}}])
    start = advance_into_a_period(cloud)
    cloud.advance(600)
    for period in (60, 120):
        assert points(cloudwatch, query(WEB, period=period), start - 3 * MINUTES, start + HOUR) == {
            start: 50,
            start + 5 * MINUTES: 50,
        }
    assert points(cloudwatch, query(WEB, period=60), start, start + 5 * MINUTES) == {start: 50}, "the end is exclusive"


def test_a_period_that_is_no_multiple_of_5_minutes_counts_each_point_once(
    cloud: LocalCloud, cloudwatch: CloudWatchClient
) -> None:
    cloud.settings(publish="as-aws")
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 10}}])
    start = advance_into_a_period(cloud)
    earlier = start - 4 * MINUTES
    arguments = (query(WEB, period=420), earlier, earlier + 20 * MINUTES)
    cloud.advance(14 * 60)
    assert points(cloudwatch, *arguments) == {earlier: 50, earlier + 7 * MINUTES: 50}
    cloud.advance(6 * 60)
    assert points(cloudwatch, *arguments) == {earlier: 50, earlier + 7 * MINUTES: 50, earlier + 14 * MINUTES: 100}


@pytest.mark.parametrize("by", ["seed", "change"])
def test_detailed_monitoring_publishes_a_point_every_minute(
    by: str, cloud: LocalCloud, cloudwatch: CloudWatchClient, ec2: EC2Client
) -> None:
    cloud.settings(publish="as-aws")
    cloud.seed([{"id": WEB, "monitoring": "detailed" if by == "seed" else "basic"}])
    if by == "change":
        cloud.change(WEB, {"monitoring": "detailed"})
    [reservation] = ec2.describe_instances(InstanceIds=[WEB])["Reservations"]
    assert reservation["Instances"][0]["Monitoring"]["State"] == "enabled"
    start = advance_into_a_period(cloud)
    arguments = (query(WEB, CPU, period=60, stat="Maximum"), start, start + HOUR)
    assert points(cloudwatch, *arguments) == {}
    cloud.advance(60)
    assert points(cloudwatch, *arguments) == {start: 1}
    cloud.advance(60)
    assert points(cloudwatch, *arguments) == {start: 1, start + MINUTES: 1}
    cloud.change(WEB, {"monitoring": "basic"})
    assert points(cloudwatch, *arguments) == {}


def test_an_instance_can_be_launched_with_detailed_monitoring(
    cloud: LocalCloud, cloudwatch: CloudWatchClient, ec2: EC2Client
) -> None:
    cloud.settings(publish="as-aws")
    start = advance_into_a_period(cloud)
    [instance] = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, Monitoring={"Enabled": True})["Instances"]
    cloud.advance(60)
    cpu = query(instance["InstanceId"], CPU, period=60, stat="Average")
    assert points(cloudwatch, cpu, start - 10 * MINUTES, start + HOUR) == {start: 1}


def test_rejected_calls_are_published_only_when_there_are_any(
    cloud: LocalCloud, cloudwatch: CloudWatchClient, ec2: EC2Client
) -> None:
    cloud.settings(publish="as-aws")
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 60}}, {"id": API}])
    start = advance_into_a_period(cloud)
    for each in (WEB, API):
        ec2.modify_instance_metadata_options(InstanceId=each, HttpTokens="required")
    cloud.advance(600)
    earlier, end = start - 5 * MINUTES, start + HOUR
    rejected = points(cloudwatch, query(WEB, REJECTED, period=300), earlier, end)
    assert list(rejected) == [start, start + 5 * MINUTES]
    assert 200 <= rejected[start] <= 270, "the change was made half a minute into the period"
    served = points(cloudwatch, query(WEB, SERVED, period=300), earlier, end)
    assert served == {earlier: 300, start: 300 - rejected[start]}
    assert points(cloudwatch, query(API, REJECTED, period=300), earlier, end) == {}
    assert points(cloudwatch, query(API, SERVED, period=300), earlier, end) == {earlier: 0, start: 0}


def test_500_queries_of_two_metrics_are_answered_within_seconds(
    cloud: LocalCloud, cloudwatch: CloudWatchClient
) -> None:
    cloud.settings(publish="as-aws")
    ids = [f"i-{number:017x}" for number in range(250)]
    cloud.seed([{"id": each, "workload": {"legacy_calls_per_minute": 6}} for each in ids])
    end = advance_into_a_period(cloud)
    queries = [
        each
        for number, instance_id in enumerate(ids)
        for each in (
            query(instance_id, name=f"n{number}"),
            query(instance_id, CPU, name=f"c{number}", stat="Average"),
        )
    ]
    started = time.process_time()  # CPU time of this process, which the cloud runs in
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=end - 2 * HOUR, EndTime=end)
    assert time.process_time() - started < 5
    assert [each["Id"] for each in answer["MetricDataResults"]] == [each["Id"] for each in queries]
    assert [each["Values"] for each in answer["MetricDataResults"]] == [[360, 360], [1, 1]] * 250


def results(
    client: CloudWatchClient, cloud: LocalCloud, *queries: MetricDataQueryTypeDef
) -> list[MetricDataResultTypeDef]:
    now = cloud.time()
    return client.get_metric_data(MetricDataQueries=queries, StartTime=now - HOUR, EndTime=now)["MetricDataResults"]


@pytest.mark.parametrize(("effect", "with_points"), [("no-data", ""), ("partial", "ac")])
def test_cloudwatch_can_return_complete_results_without_points(
    effect: Effect, with_points: str, cloud: LocalCloud, cloudwatch: CloudWatchClient
) -> None:
    cloud.seed([{"id": WEB}])
    queries = [query(WEB, CPU, name=name) for name in "abcd"]
    cloud.set_faults(Fault(effect, "GetMetricData"))
    affected = results(cloudwatch, cloud, *queries)
    assert [each["Id"] for each in affected] == list("abcd")
    assert {each["StatusCode"] for each in affected} == {"Complete"}
    assert [each["Id"] for each in affected if each["Values"] or each["Timestamps"]] == list(with_points)
    assert all(each["Values"] for each in results(cloudwatch, cloud, *queries)), "the fault affects one call"


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("Throttling", 400, "Rate exceeded"),
        (
            "AccessDenied",
            403,
            "is not authorized to perform: cloudwatch:GetMetricData because no identity-based policy",
        ),
        ("AccessDeniedException", 400, "is not authorized to perform: cloudwatch:GetMetricData"),
    ],
)
def test_cloudwatch_can_refuse_calls_with_awss_wording(
    code: str, status: int, message: str, cloud: LocalCloud, cloudwatch: CloudWatchClient
) -> None:
    cloud.seed([{"id": WEB}])
    cloud.set_faults(Fault("error", "GetMetricData", code=code))
    with pytest.raises(ClientError) as caught:
        results(cloudwatch, cloud, query(WEB, CPU))
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert message in answer["Error"]["Message"]
    assert cloud.counts()["GetMetricData"]["throttled"] == (code == "Throttling")
