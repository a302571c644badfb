"""When an instance's metrics can be read, and what CloudWatch says instead when it fails."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from localcloud.client import LocalCloud, LocalCloudError
from localcloud.cloudwatch import metrics
from localcloud.ec2.instances import Seed
from localcloud.faults import Fault

from .conftest import Metrics, query, values

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

WEB, API = "i-0123456789abcdef0", "i-0123456789abcdef1"
CPU, SERVED, REJECTED = "CPUUtilization", "MetadataNoToken", "MetadataNoTokenRejected"
MINUTES = timedelta(minutes=1)


def within_a_period(cloud: LocalCloud) -> datetime:
    """Move to half a minute after the begin of a period of 5 minutes, and return that begin."""
    begin = (cloud.time().timestamp() // 300 + 1) * 300
    cloud.advance(begin + 30 - cloud.time().timestamp())
    return datetime.fromtimestamp(begin, timezone.utc)


def points(client: Metrics, asked: Mapping[str, object], start: datetime, end: datetime) -> dict[datetime, float]:
    """Values by their time, the oldest first."""
    [result] = client.get_metric_data(
        MetricDataQueries=[asked], StartTime=start, EndTime=end, ScanBy="TimestampAscending"
    )["MetricDataResults"]
    return dict(zip(result["Timestamps"], result["Values"], strict=True))


@pytest.mark.parametrize("publish", ["at-once", "as-aws"])
@pytest.mark.parametrize(
    ("seed", "sent"),
    [
        ({"id": WEB}, True),
        ({"id": WEB, "options": {"HttpTokens": "required", "HttpEndpoint": "disabled"}}, True),
        ({"id": WEB, "state": "stopped"}, False),
        ({"id": WEB, "workload": {"unknown": True}}, False),
    ],
)
def test_a_running_instance_sends_its_cpu_utilization(
    publish: str,
    seed: Seed,
    sent: bool,  # noqa: FBT001  # each in turn
    cloud: LocalCloud,
    cloudwatch: Metrics,
) -> None:
    cloud.settings(publish=publish)
    cloud.seed([seed])
    end = within_a_period(cloud)
    expected = [1.0, 1.0] if sent else []
    for stat in ("Average", "Maximum", "Minimum", "SampleCount", "Sum"):
        assert values(cloudwatch, query(WEB, CPU, period=300, stat=stat), end - 10 * MINUTES, end) == expected, stat
    [average] = values(cloudwatch, query(WEB, CPU, stat="Average"), end - 60 * MINUTES, end) or [0]
    [samples] = values(cloudwatch, query(WEB, CPU, stat="SampleCount"), end - 60 * MINUTES, end) or [0]
    assert (average, samples) == ((1, 12) if sent else (0, 0))


def test_an_unknown_statistic_of_a_metric_is_refused(cloud: LocalCloud, cloudwatch: Metrics) -> None:
    cloud.seed([{"id": WEB}])
    now = cloud.time()
    with pytest.raises(ClientError, match="no p99"):
        values(cloudwatch, query(WEB, CPU, stat="p99"), now - 10 * MINUTES, now)


def test_a_point_can_be_read_once_its_period_is_over_and_bears_its_begin(
    cloud: LocalCloud, cloudwatch: Metrics
) -> None:
    cloud.settings(publish="as-aws")
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 10}}])
    begin = within_a_period(cloud)
    asked = (query(WEB, period=300), begin, begin + 60 * MINUTES)
    assert points(cloudwatch, *asked) == {}
    cloud.advance(200)
    assert points(cloudwatch, *asked) == {}
    cloud.advance(100)
    assert points(cloudwatch, *asked) == {begin: 50}
    cloud.advance(300)
    assert points(cloudwatch, *asked) == {begin: 50, begin + 5 * MINUTES: 50}


def test_a_point_may_come_late(cloud: LocalCloud, cloudwatch: Metrics) -> None:
    cloud.settings(publish="as-aws", metrics_delay=120)
    cloud.seed([{"id": WEB}])
    begin = within_a_period(cloud)
    asked = (query(WEB, CPU, period=300, stat="Average"), begin, begin + 60 * MINUTES)
    cloud.advance(300)
    assert points(cloudwatch, *asked) == {}
    cloud.advance(120)
    assert points(cloudwatch, *asked) == {begin: 1}


def test_by_default_metrics_can_be_read_at_once(cloud: LocalCloud, cloudwatch: Metrics) -> None:
    cloud.seed([{"id": WEB}])
    begin = within_a_period(cloud)
    assert points(cloudwatch, query(WEB, CPU, period=300), begin, begin + 60 * MINUTES) == {begin: 1}


def test_a_coarser_query_sums_what_can_be_read_and_a_finer_one_gets_the_points_as_they_are(
    cloud: LocalCloud, cloudwatch: Metrics
) -> None:
    cloud.settings(publish="as-aws")
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 10}}])
    begin = within_a_period(cloud)
    cloud.advance(600)
    until = begin + 60 * MINUTES
    assert points(cloudwatch, query(WEB, period=900), begin, until) == {begin: 100}
    assert points(cloudwatch, query(WEB, CPU, period=900, stat="SampleCount"), begin, until) == {begin: 2}
    start = begin - 3 * MINUTES
    assert points(cloudwatch, query(WEB, period=900), start, until) == {start: 100}, "its buckets start where it does"
    assert points(cloudwatch, query(WEB, period=300), start, until) == {start: 50, start + 5 * MINUTES: 50}
    for finer in (60, 120):
        assert points(cloudwatch, query(WEB, period=finer), start, until) == {begin: 50, begin + 5 * MINUTES: 50}
    assert points(cloudwatch, query(WEB, period=60), begin, begin + 5 * MINUTES) == {begin: 50}, "the end is exclusive"


@pytest.mark.parametrize("by", ["seed", "change", "api"])
def test_with_detailed_monitoring_there_is_a_point_every_minute(
    by: str, cloud: LocalCloud, cloudwatch: Metrics, ec2: EC2Client
) -> None:
    cloud.settings(publish="as-aws")
    cloud.seed([{"id": WEB, "monitoring": "detailed" if by == "seed" else "basic"}])
    if by == "change":
        cloud.change(WEB, {"monitoring": "detailed"})
    elif by == "api":
        answer = ec2.monitor_instances(InstanceIds=[WEB])["InstanceMonitorings"]
        assert answer == [{"InstanceId": WEB, "Monitoring": {"State": "pending"}}]
    [reservation] = ec2.describe_instances(InstanceIds=[WEB])["Reservations"]
    assert reservation["Instances"][0]["Monitoring"]["State"] == "enabled"
    begin = within_a_period(cloud)
    asked = (query(WEB, CPU, period=60, stat="Maximum"), begin, begin + 60 * MINUTES)
    assert points(cloudwatch, *asked) == {}
    cloud.advance(60)
    assert points(cloudwatch, *asked) == {begin: 1}
    cloud.advance(60)
    assert points(cloudwatch, *asked) == {begin: 1, begin + MINUTES: 1}
    ec2.unmonitor_instances(InstanceIds=[WEB])
    assert points(cloudwatch, *asked) == {}


def test_an_instance_may_be_launched_with_detailed_monitoring(
    cloud: LocalCloud, cloudwatch: Metrics, ec2: EC2Client
) -> None:
    cloud.settings(publish="as-aws")
    begin = within_a_period(cloud)
    launched = ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1, Monitoring={"Enabled": True})["Instances"]
    cloud.advance(60)
    asked = query(launched[0]["InstanceId"], CPU, period=60, stat="Average")
    assert points(cloudwatch, asked, begin - 10 * MINUTES, begin + 60 * MINUTES) == {begin: 1}


def test_monitoring_is_basic_or_detailed(cloud: LocalCloud, ec2: EC2Client) -> None:
    with pytest.raises(LocalCloudError, match=f"{WEB}: monitoring must be basic or detailed, not 'fine'"):
        cloud.seed([{"id": WEB, "monitoring": "fine"}])
    with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
        ec2.monitor_instances(InstanceIds=[API])


def test_refused_calls_have_points_only_where_there_are_any(
    cloud: LocalCloud, cloudwatch: Metrics, ec2: EC2Client
) -> None:
    cloud.settings(publish="as-aws")
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 60}}, {"id": API}])
    begin = within_a_period(cloud)
    for each in (WEB, API):
        ec2.modify_instance_metadata_options(InstanceId=each, HttpTokens="required")
    cloud.advance(600)
    start, until = begin - 5 * MINUTES, begin + 60 * MINUTES
    refused = points(cloudwatch, query(WEB, REJECTED, period=300), start, until)
    assert list(refused) == [begin, begin + 5 * MINUTES]
    assert 200 <= refused[begin] <= 270, "the change was half a minute after the begin"
    served = points(cloudwatch, query(WEB, period=300), start, until)
    assert served == {start: 300, begin: 300 - refused[begin]}
    assert points(cloudwatch, query(API, REJECTED, period=300), start, until) == {}
    assert points(cloudwatch, query(API, period=300), start, until) == {start: 0, begin: 0}


def test_metrics_of_all_kinds_stand_in_one_call(cloud: LocalCloud, cloudwatch: Metrics) -> None:
    cloud.settings(publish="as-aws")
    ids = [f"i-{number:017x}" for number in range(250)]
    cloud.seed([{"id": each, "workload": {"legacy_calls_per_minute": 6}} for each in ids])
    end = within_a_period(cloud)
    queries = [
        asked
        for number, each in enumerate(ids)
        for asked in (query(each, name=f"n{number}"), query(each, CPU, name=f"c{number}", stat="Average"))
    ]
    started = time.process_time()  # the cloud is in this process
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=end - 120 * MINUTES, EndTime=end)
    assert time.process_time() - started < 5
    assert [each["Id"] for each in answer["MetricDataResults"]] == [asked["Id"] for asked in queries]
    assert [each["Values"] for each in answer["MetricDataResults"]] == [[360, 360], [1, 1]] * 250


def test_the_points_of_a_period_that_is_no_multiple_are_each_in_one_bucket() -> None:
    asked = metrics.Asked(start=60, end=1260, period=420)
    assert list(metrics.as_aws(asked, 300, 10_000)) == [(60, (300, 600)), (480, (600, 900)), (900, (900, 1500))]
    assert list(metrics.as_aws(asked, 300, 1199.9)) == [(60, (300, 600)), (480, (600, 900))]


def results(client: Metrics, cloud: LocalCloud, *queries: Mapping[str, object]) -> list[Any]:
    now = cloud.time()
    answer = client.get_metric_data(MetricDataQueries=queries, StartTime=now - 60 * MINUTES, EndTime=now)
    return list(answer["MetricDataResults"])


@pytest.mark.parametrize(("effect", "with_points"), [("no-data", ""), ("partial", "ac")])
def test_cloudwatch_may_leave_points_out_without_saying_so(
    effect: Any,  # noqa: ANN401  # an effect, which only its annotation can say
    with_points: str,
    cloud: LocalCloud,
    cloudwatch: Metrics,
) -> None:
    cloud.seed([{"id": WEB}])
    queries = [query(WEB, CPU, name=name) for name in "abcd"]
    cloud.set_faults(Fault(effect, "GetMetricData"))
    hit = results(cloudwatch, cloud, *queries)
    assert [each["Id"] for each in hit] == list("abcd")
    assert {each["StatusCode"] for each in hit} == {"Complete"}
    assert [each["Id"] for each in hit if each["Values"] or each["Timestamps"]] == list(with_points)
    assert all(each["Values"] for each in results(cloudwatch, cloud, *queries)), "once, as it is set"


@pytest.mark.parametrize(
    ("code", "status", "says"),
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
def test_cloudwatch_may_refuse(code: str, status: int, says: str, cloud: LocalCloud, cloudwatch: Metrics) -> None:
    cloud.seed([{"id": WEB}])
    cloud.set_faults(Fault("error", "GetMetricData", code=code))
    with pytest.raises(ClientError) as caught:
        results(cloudwatch, cloud, query(WEB, CPU))
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert says in answer["Error"]["Message"]
    assert cloud.counts()["GetMetricData"]["throttled"] == (code == "Throttling")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("RequestLimitExceeded", "Request limit exceeded."),
        ("Throttling", "Rate exceeded"),
        ("UnauthorizedOperation", "is not authorized to perform: ec2:DescribeInstanceStatus because"),
        ("AccessDenied", "is not authorized to perform: ec2:DescribeInstanceStatus because"),
    ],
)
def test_statuses_may_be_refused(code: str, says: str, cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("error", "DescribeInstanceStatus", code=code))
    with pytest.raises(ClientError) as caught:
        ec2.describe_instance_status()
    assert caught.value.response["Error"]["Code"] == code
    assert says in caught.value.response["Error"]["Message"]
