"""CloudWatch's counts of IMDSv1 calls, as a client without any configuration for it reads them."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from functools import partial

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from localcloud.client import LocalCloud, LocalCloudError
from localcloud.ec2.instances import Seed, WorkloadSeed
from localcloud.faults import Fault

from .conftest import Connect, Metrics, query, values

WEB, API = "i-0123456789abcdef0", "i-0123456789abcdef1"
BUSY: WorkloadSeed = {"legacy_calls_per_minute": 6}
SERVED, REJECTED = "MetadataNoToken", "MetadataNoTokenRejected"
HOUR, DAY = 3600, 86_400


@pytest.fixture
def now() -> datetime:
    return datetime.now(timezone.utc)


def whole_hours(now: datetime, count: int) -> tuple[datetime, datetime]:
    """The last so many hours that are over."""
    end = now.replace(minute=0, second=0, microsecond=0)
    return end - timedelta(hours=count), end


def refused(client: Metrics, **given: object) -> tuple[str, str]:
    now = datetime.now(timezone.utc)
    request = {"MetricDataQueries": [query(WEB)], "StartTime": now - timedelta(hours=1), "EndTime": now, **given}
    with pytest.raises(ClientError) as caught:
        client.get_metric_data(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_calls_without_a_token_are_served_while_tokens_are_optional(
    cloud: LocalCloud, cloudwatch: Metrics, now: datetime
) -> None:
    cloud.seed([{"id": WEB, "workload": BUSY}])
    start, end = whole_hours(now, 3)
    assert values(cloudwatch, query(WEB), start, end) == [360, 360, 360]
    assert values(cloudwatch, query(WEB, period=60), start, start + timedelta(minutes=2)) == [6, 6]
    assert values(cloudwatch, query(WEB, REJECTED), start, end) == []


def test_plain_moto_has_no_such_data() -> None:
    with mock_aws():
        client: Metrics = boto3.client("cloudwatch", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        ec2 = boto3.client("ec2", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
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
def test_what_is_counted_follows_from_the_options_and_the_state(
    seed: Seed, served: list[float], rejected: list[float], cloud: LocalCloud, cloudwatch: Metrics
) -> None:
    cloud.seed([seed])
    hour = whole_hours(datetime.now(timezone.utc), 1)
    assert values(cloudwatch, query(WEB), *hour) == served
    assert values(cloudwatch, query(WEB, REJECTED), *hour) == rejected


def test_a_workload_that_was_mended_some_days_ago_made_calls_before_that(
    cloud: LocalCloud, cloudwatch: Metrics, now: datetime
) -> None:
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 1, "legacy_until_days_ago": 2}}])
    newest_first = values(cloudwatch, query(WEB, period=DAY), now - timedelta(days=4), now)
    assert sum(newest_first[:-2]) <= 1, "a day starts at the minute"
    assert 2 * 1440 - 1 <= sum(newest_first) <= 2 * 1440 + 1


def test_calls_are_rejected_from_when_required_is_applied(
    cloud: LocalCloud, connect: Connect, cloudwatch: Metrics, now: datetime
) -> None:
    cloud.settings(pending=120)
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 60}}])
    connect().modify_instance_metadata_options(InstanceId=WEB, HttpTokens="required")
    later = now + timedelta(minutes=10)
    assert values(cloudwatch, query(WEB, REJECTED), now, later) == []
    cloud.advance(300)
    [rejected] = values(cloudwatch, query(WEB, REJECTED), now, later)
    assert 179 <= rejected <= 200, "three of the five minutes"
    [served] = values(cloudwatch, query(WEB), now, later)
    assert 119 <= served <= 140 + now.second, "the other two, and what the minute had before"
    start = cloud.time() - timedelta(seconds=61)
    assert values(cloudwatch, query(WEB), start, later) == [], "and none since tokens are required"


def test_a_stopped_instance_makes_no_calls_and_its_change_counts_from_its_start(
    cloud: LocalCloud, connect: Connect, cloudwatch: Metrics, now: datetime
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


def test_a_change_that_a_stop_held_up_rejects_nothing_until_it_is_applied(
    cloud: LocalCloud, connect: Connect, cloudwatch: Metrics, now: datetime
) -> None:
    cloud.settings(pending=120)
    cloud.seed([{"id": WEB, "workload": {"legacy_calls_per_minute": 60}}])
    connect().modify_instance_metadata_options(InstanceId=WEB, HttpTokens="required")
    cloud.stop(WEB)
    cloud.advance(300)
    cloud.start_instance(WEB)
    cloud.advance(60)
    assert values(cloudwatch, query(WEB, REJECTED), now, now + timedelta(minutes=10)) == []


def test_a_launched_instance_has_data_from_its_launch_on(
    connect: Connect, cloudwatch: Metrics, cloud: LocalCloud, now: datetime
) -> None:
    launched = connect().run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    cloud.advance(60)
    start = now - timedelta(hours=2)
    assert values(cloudwatch, query(launched), start, now + timedelta(minutes=1)) == [0]
    assert values(cloudwatch, query(API), start, now) == [], "and one that nobody knows has none"


def test_metrics_are_of_one_region(cloud: LocalCloud, cloudwatch: Metrics, now: datetime) -> None:
    cloud.seed([{"id": WEB, "region": "eu-west-1"}])
    hour = whole_hours(now, 1)
    assert values(cloudwatch, query(WEB), *hour) == []
    there: Metrics = boto3.client("cloudwatch", **cloud.connection("eu-west-1"))
    assert values(there, query(WEB), *hour) == [0]
    there.close()


def test_buckets_start_at_the_start_rounded_down_and_come_in_the_order_asked_for(
    cloud: LocalCloud, cloudwatch: Metrics, now: datetime
) -> None:
    cloud.seed([{"id": WEB}])
    start = now.replace(second=0, microsecond=0) - timedelta(minutes=5)

    def times(**given: str) -> list[float]:
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[query(WEB, period=120)],
            StartTime=start + timedelta(seconds=31),
            EndTime=start + timedelta(minutes=4),
            **given,
        )
        return [each.timestamp() for each in answer["MetricDataResults"][0]["Timestamps"]]

    assert times() == [start.timestamp() + 120, start.timestamp()]
    assert times(ScanBy="TimestampAscending") == times()[::-1]


@pytest.mark.parametrize(("days", "minutes"), [(14, 1), (20, 5), (70, 60)])
def test_a_start_is_rounded_down_the_further_the_longer_ago_it_is(
    days: int, minutes: int, cloud: LocalCloud, cloudwatch: Metrics, now: datetime
) -> None:
    cloud.seed([{"id": WEB}])
    start = now - timedelta(days=days)
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query(WEB, period=DAY)], StartTime=start, EndTime=now, ScanBy="TimestampAscending"
    )
    rounded = start.timestamp() // (60 * minutes) * 60 * minutes
    assert answer["MetricDataResults"][0]["Timestamps"][0].timestamp() == rounded


def test_pages_hold_so_many_datapoints_and_lead_to_all_of_them(
    cloud: LocalCloud, cloudwatch: Metrics, now: datetime
) -> None:
    cloud.seed([{"id": WEB, "workload": BUSY}, {"id": API}])
    start, end = whole_hours(now, 3)
    request = {"MetricDataQueries": [query(WEB), query(API, name="n")], "StartTime": start, "EndTime": end}
    [whole, other] = cloudwatch.get_metric_data(**request)["MetricDataResults"]
    first = cloudwatch.get_metric_data(**request, MaxDatapoints=2)
    assert [(each["Id"], each["StatusCode"]) for each in first["MetricDataResults"]] == [("m", "PartialData")]
    pages = cloudwatch.get_paginator("get_metric_data").paginate(**request, PaginationConfig={"PageSize": 2})
    collected: dict[str, list[float]] = {}
    for page in pages:
        for each in page["MetricDataResults"]:
            collected.setdefault(each["Id"], []).extend(each["Values"])
    assert collected == {"m": whole["Values"], "n": other["Values"]} == {"m": [360] * 3, "n": [0] * 3}


def test_500_metrics_are_answered_at_once_with_at_most_100800_datapoints(
    cloud: LocalCloud, cloudwatch: Metrics, now: datetime
) -> None:
    ids = [f"i-{number:017x}" for number in range(500)]
    cloud.seed([{"id": each, "workload": BUSY} for each in ids])
    queries = [query(each, name=f"m{number}") for number, each in enumerate(ids)]
    start, end = whole_hours(now, 14 * 24)
    asking = partial(cloudwatch.get_metric_data, StartTime=start, EndTime=end)
    started = time.process_time()  # the cloud is in this process
    daily = [{**each, "MetricStat": {**each["MetricStat"], "Period": DAY}} for each in queries]
    answer = asking(MetricDataQueries=daily)
    assert time.process_time() - started < 5
    assert [each["Values"] for each in answer["MetricDataResults"]] == [[6 * 1440] * 14] * 500
    assert "NextToken" not in answer
    hourly = asking(MetricDataQueries=queries)
    assert sum(len(each["Values"]) for each in hourly["MetricDataResults"]) == 100_800
    assert "NextToken" in hourly


def test_what_cloudwatch_refuses_is_refused(cloud: LocalCloud, cloudwatch: Metrics, now: datetime) -> None:
    cloud.seed([{"id": WEB}])
    many = [query(WEB, name=f"m{number}") for number in range(501)]
    assert refused(cloudwatch, MetricDataQueries=many) == (
        "ValidationError",
        "The collection MetricDataQueries must not have a size greater than 500.",
    )
    for given, says in [
        ({"MetricDataQueries": [query(WEB, name=WEB)]}, "is not matching the pattern"),
        ({"MetricDataQueries": [query(WEB), query(API)]}, "are not unique"),
        ({"MetricDataQueries": [query(WEB, period=90)]}, "must be a multiple of 60"),
        ({"StartTime": now}, "StartTime must be less than"),
        ({"MaxDatapoints": 100_801}, "MaxDatapoints must be from 1"),
    ]:
        code, message = refused(cloudwatch, EndTime=now, **given)  # type: ignore[arg-type]  # whatever is tried
        assert (code, says in message) == ("ValidationError", True), message
    assert refused(cloudwatch, NextToken="?")[0] == "InvalidNextToken"
    assert refused(cloudwatch, MetricDataQueries=[query(WEB, stat="Average")])[0] == "InternalError"


def test_other_metrics_are_motos_and_stand_among_ours_in_the_order_asked_for(
    cloud: LocalCloud, cloudwatch: Metrics, now: datetime
) -> None:
    cloud.seed([{"id": WEB}])
    cloudwatch.put_metric_data(Namespace="Web", MetricData=[{"MetricName": "hits", "Value": 3}])
    assert [each["MetricName"] for each in cloudwatch.list_metrics()["Metrics"]] == ["hits"]
    theirs = {"Metric": {"Namespace": "Web", "MetricName": "hits"}, "Period": HOUR, "Stat": "Sum"}
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query(WEB, name="a"), {"Id": "b", "MetricStat": theirs}, query(WEB, REJECTED, name="c")],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
    )
    assert [each["Id"] for each in answer["MetricDataResults"]] == ["a", "b", "c"]
    assert answer["MetricDataResults"][1]["Values"] == [3]


def test_metrics_meet_faults_latency_throttle_and_denial_like_every_action(
    cloud: LocalCloud, cloudwatch: Metrics
) -> None:
    cloud.seed([{"id": WEB}])
    cloud.set_faults(Fault("error", action="GetMetricData", instance=WEB, code="InternalServiceFault", status=500))
    assert refused(cloudwatch)[0] == "InternalServiceFault"
    cloud.settings(
        latency={"GetMetricData": 0.2}, throttle={"GetMetricData": [1, 0]}, denied=["cloudwatch:GetMetricData"]
    )
    code, message = refused(cloudwatch)
    assert code == "AccessDenied"
    assert message == (
        "User: arn:aws:sts::123456789012:assumed-role/deployer/session is not authorized to perform: "
        "cloudwatch:GetMetricData because no identity-based policy allows the cloudwatch:GetMetricData action"
    )
    assert refused(cloudwatch) == ("Throttling", "Rate exceeded")
    assert cloud.counts() == {"GetMetricData": {"calls": 3, "throttled": 1, "errors": 2}}
    assert [call["instance_ids"] for call in cloud.log()] == [[WEB]] * 3
    assert cloud.log()[1]["seconds"] >= 0.1


@pytest.mark.parametrize(
    ("workload", "says"),
    [
        ({"calls": 1}, "a workload has no 'calls'"),
        ({"legacy_calls_per_minute": -1}, "legacy_calls_per_minute must be a number from 0"),
        ({"legacy_until_days_ago": "long"}, "legacy_until_days_ago must be a number from 0"),
        ({"unknown": 1}, "unknown must be true or false"),
    ],
)
def test_a_bad_workload_is_refused_by_name(workload: WorkloadSeed, says: str, cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match=f"{WEB}: {says}"):
        cloud.seed([{"id": WEB, "workload": workload}])


def test_a_workload_can_be_ended_behind_ones_back(cloud: LocalCloud, cloudwatch: Metrics, now: datetime) -> None:
    cloud.seed([{"id": WEB, "workload": BUSY}])
    cloud.change(WEB, {"workload": {**BUSY, "legacy_until_days_ago": 0}})
    assert values(cloudwatch, query(WEB), *whole_hours(now, 1)) == [360]
    cloud.advance(600)
    assert values(cloudwatch, query(WEB), now + timedelta(minutes=2), now + timedelta(minutes=9)) == [0]
