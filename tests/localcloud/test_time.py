"""AWS's clock: what shows it, what moves it, and what does not follow it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from localcloud.client import LocalCloud, LocalCloudError

from .conftest import ONE_ATTEMPT, Metrics, query, values

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

WEB = "i-0123456789abcdef0"
HOUR = timedelta(hours=1)
SLACK = timedelta(seconds=60)


def now() -> datetime:
    return datetime.now(timezone.utc)


def date(answer: Mapping[str, Any]) -> datetime:
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])


def test_every_answer_is_dated(cloud: LocalCloud, ec2: EC2Client, cloudwatch: Metrics) -> None:
    cloud.seed([{"id": WEB}])
    sts = boto3.client("sts", **cloud.connection(), config=ONE_ATTEMPT)
    end = cloud.time()
    answers: list[Mapping[str, Any]] = [
        ec2.describe_instances(),
        ec2.describe_vpcs(),
        sts.get_caller_identity(),
        cloudwatch.get_metric_data(MetricDataQueries=[query(WEB)], StartTime=end - HOUR, EndTime=end),
    ]
    with pytest.raises(ClientError) as caught:
        ec2.describe_instances(InstanceIds=["i-00000000"])
    answers.append(caught.value.response)
    for answer in answers:
        assert abs(date(answer) - now()) < SLACK
    sts.close()


def test_an_answer_has_one_date_in_http_s_own_format(cloud: LocalCloud) -> None:
    connection = HTTPConnection(urlsplit(cloud.url).netloc, timeout=10)
    connection.request("GET", "/?Action=DescribeInstances")
    [stamp] = connection.getresponse().headers.get_all("Date", [])
    connection.close()
    assert abs(datetime.strptime(stamp, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=timezone.utc) - now()) < SLACK


def test_the_date_moves_on_with_the_clock(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.advance(7200)
    assert abs(date(ec2.describe_instances()) - 2 * HOUR - now()) < SLACK
    assert abs(cloud.time() - 2 * HOUR - now()) < SLACK


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_skewed_clock_is_seen_in_dates_metrics_impairments_and_launches(
    hours: int, cloud: LocalCloud, ec2: EC2Client, cloudwatch: Metrics
) -> None:
    cloud.settings(clock_skew=hours * 3600)
    cloud.seed([{"id": WEB, "status": "impaired", "workload": {"legacy_calls_per_minute": 1}}])
    there = now() + hours * HOUR
    described = ec2.describe_instances()
    assert abs(date(described) - there) < SLACK
    assert abs(described["Reservations"][0]["Instances"][0]["LaunchTime"] - there) < SLACK
    [launched] = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"]
    assert abs(launched["LaunchTime"] - there) < SLACK
    status = next(each for each in ec2.describe_instance_status()["InstanceStatuses"] if each["InstanceId"] == WEB)
    assert abs(status["InstanceStatus"]["Details"][0]["ImpairedSince"] - there) < SLACK
    counted = values(cloudwatch, query(WEB, period=60), there - 3 * SLACK, there + 3 * SLACK)
    assert 3 <= len(counted) <= 5, "up to what is now there, and not after"


def test_what_is_stamped_follows_the_skew_and_what_is_pending_does_not(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(pending=600)
    cloud.seed([{"id": WEB, "status": "impaired"}])
    ec2.modify_instance_metadata_options(InstanceId=WEB, HttpTokens="required")
    cloud.settings(clock_skew=86_400)
    assert cloud.instance(WEB)["metadata_state"] == "pending"
    [status] = ec2.describe_instance_status()["InstanceStatuses"]
    assert abs(status["InstanceStatus"]["Details"][0]["ImpairedSince"] - 24 * HOUR - now()) < SLACK
    cloud.settings(clock_skew=-86_400)
    cloud.advance(600)
    assert cloud.instance(WEB)["metadata_state"] == "applied"


def test_a_skew_is_a_number_of_seconds(cloud: LocalCloud) -> None:
    for given in ("late", "inf"):
        with pytest.raises(LocalCloudError, match="clock_skew must be a number of seconds"):
            cloud.settings(clock_skew=given)


def test_an_instance_has_metrics_from_the_launch_that_its_seed_gives(
    cloud: LocalCloud, ec2: EC2Client, cloudwatch: Metrics
) -> None:
    cloud.seed([{"id": WEB, "launched_days_ago": 0.25}])
    end = cloud.time()
    [reservation] = ec2.describe_instances()["Reservations"]
    assert abs(reservation["Instances"][0]["LaunchTime"] - (end - 6 * HOUR)) < SLACK
    assert len(values(cloudwatch, query(WEB, "CPUUtilization"), end - 12 * HOUR, end)) in (6, 7)
    with pytest.raises(LocalCloudError, match="launched_days_ago must be a number from 0"):
        cloud.seed([{"id": "i-00000001", "launched_days_ago": -1}])
