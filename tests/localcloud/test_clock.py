"""AWS's clock: what shows it, what sets it, and what is independent of it."""

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

from .conftest import WITHOUT_RETRIES, query, values

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client

    from localcloud.client import LocalCloud

WEB = "i-0123456789abcdef0"
HOUR = timedelta(hours=1)
TOLERANCE = timedelta(seconds=60)


def now() -> datetime:
    return datetime.now(timezone.utc)


def date(answer: Mapping[str, Any]) -> datetime:
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])


def test_answers_of_all_services_and_errors_are_dated(
    cloud: LocalCloud, ec2: EC2Client, cloudwatch: CloudWatchClient
) -> None:
    cloud.seed([{"id": WEB}])
    sts = boto3.client("sts", **cloud.connection(), config=WITHOUT_RETRIES)
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
        assert abs(date(answer) - now()) < TOLERANCE
    sts.close()


def test_an_answer_has_one_date_in_http_format(cloud: LocalCloud) -> None:
    connection = HTTPConnection(urlsplit(cloud.url).netloc, timeout=10)
    connection.request("GET", "/?Action=DescribeInstances")
    [stamp] = connection.getresponse().headers.get_all("Date", [])
    connection.close()
    assert abs(datetime.strptime(stamp, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=timezone.utc) - now()) < TOLERANCE


def test_advancing_the_clock_advances_dates_and_time(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.advance(7200)
    assert abs(date(ec2.describe_instances()) - 2 * HOUR - now()) < TOLERANCE
    assert abs(cloud.time() - 2 * HOUR - now()) < TOLERANCE


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_skewed_clock_shows_in_dates_metrics_impairments_and_launch_times(
    hours: int, cloud: LocalCloud, ec2: EC2Client, cloudwatch: CloudWatchClient
) -> None:
    cloud.settings(clock_skew=hours * 3600)
    cloud.seed([{"id": WEB, "status": "impaired", "workload": {"legacy_calls_per_minute": 1}}])
    skewed = now() + hours * HOUR
    described = ec2.describe_instances()
    assert abs(date(described) - skewed) < TOLERANCE
    assert abs(described["Reservations"][0]["Instances"][0]["LaunchTime"] - skewed) < TOLERANCE
    [launched] = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"]
    assert abs(launched["LaunchTime"] - skewed) < TOLERANCE
    status = next(each for each in ec2.describe_instance_status()["InstanceStatuses"] if each["InstanceId"] == WEB)
    assert abs(status["InstanceStatus"]["Details"][0]["ImpairedSince"] - skewed) < TOLERANCE
    counted = values(cloudwatch, query(WEB, period=60), skewed - 3 * TOLERANCE, skewed + 3 * TOLERANCE)
    assert 3 <= len(counted) <= 5, "points up to the skewed time, none after it"


def test_a_changed_skew_affects_timestamps_but_not_pending_times(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(pending=600)
    cloud.seed([{"id": WEB, "status": "impaired"}])
    ec2.modify_instance_metadata_options(InstanceId=WEB, HttpTokens="required")
    cloud.settings(clock_skew=86_400)
    assert cloud.instance(WEB)["metadata_state"] == "pending"
    [status] = ec2.describe_instance_status()["InstanceStatuses"]
    assert abs(status["InstanceStatus"]["Details"][0]["ImpairedSince"] - 24 * HOUR - now()) < TOLERANCE
    cloud.settings(clock_skew=-86_400)
    cloud.advance(600)
    assert cloud.instance(WEB)["metadata_state"] == "applied"


def test_a_seeded_launch_time_is_shown_and_starts_the_metrics(
    cloud: LocalCloud, ec2: EC2Client, cloudwatch: CloudWatchClient
) -> None:
    cloud.seed([{"id": WEB, "launched_days_ago": 0.25}])
    end = cloud.time()
    [reservation] = ec2.describe_instances()["Reservations"]
    assert abs(reservation["Instances"][0]["LaunchTime"] - (end - 6 * HOUR)) < TOLERANCE
    assert len(values(cloudwatch, query(WEB, "CPUUtilization"), end - 12 * HOUR, end)) in (6, 7)
