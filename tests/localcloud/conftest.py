from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from localcloud.client import LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef
    from mypy_boto3_ec2 import EC2Client

WITHOUT_RETRIES = Config(retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=10)
"""Sends every request once, also an invalid one."""

Connect = Callable[..., "EC2Client"]


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud.in_process() as cloud:
        yield cloud


@pytest.fixture
def connect(cloud: LocalCloud) -> Iterator[Connect]:
    """Makes EC2 clients for a region."""
    clients: list[EC2Client] = []

    def make(region: str = "us-east-1", config: Config = WITHOUT_RETRIES) -> EC2Client:
        clients.append(boto3.client("ec2", **cloud.connection(region), config=config))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def ec2(connect: Connect) -> EC2Client:
    return connect()


@pytest.fixture
def cloudwatch(cloud: LocalCloud) -> Iterator[CloudWatchClient]:
    client: CloudWatchClient = boto3.client("cloudwatch", **cloud.connection(), config=WITHOUT_RETRIES)
    yield client
    client.close()


def query(
    instance_id: str, metric: str = "MetadataNoToken", *, period: int = 3600, name: str = "m", stat: str = "Sum"
) -> MetricDataQueryTypeDef:
    """A query of GetMetricData."""
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/EC2",
                "MetricName": metric,
                "Dimensions": [{"Name": "InstanceId", "Value": instance_id}],
            },
            "Period": period,
            "Stat": stat,
        },
    }


def values(client: CloudWatchClient, query: MetricDataQueryTypeDef, start: datetime, end: datetime) -> list[float]:
    """The values that a query returns, newest first."""
    [result] = client.get_metric_data(MetricDataQueries=[query], StartTime=start, EndTime=end)["MetricDataResults"]
    return result["Values"]
