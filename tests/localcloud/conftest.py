from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from localcloud.client import LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

ONE_ATTEMPT = Config(retries={"total_max_attempts": 1}, parameter_validation=False, read_timeout=10)
"""No retries, and bad input reaches the server."""

Connect = Callable[..., "EC2Client"]
Metrics = Any  # a client of CloudWatch, whose stubs are not among what the project installs


@pytest.fixture(autouse=True)
def _no_configuration_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud.in_process() as cloud:
        yield cloud


@pytest.fixture
def connect(cloud: LocalCloud) -> Iterator[Connect]:
    """Makes clients for a region, of the cloud of this test."""
    clients: list[EC2Client] = []

    def make(region: str = "us-east-1", config: Config = ONE_ATTEMPT) -> EC2Client:
        clients.append(boto3.client("ec2", **cloud.connection(region), config=config))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def ec2(connect: Connect) -> EC2Client:
    return connect()


@pytest.fixture
def cloudwatch(cloud: LocalCloud) -> Iterator[Metrics]:
    client = boto3.client("cloudwatch", **cloud.connection(), config=ONE_ATTEMPT)
    yield client
    client.close()


def query(
    instance_id: str, metric: str = "MetadataNoToken", *, period: int = 3600, name: str = "m", stat: str = "Sum"
) -> Any:  # noqa: ANN401  # as the client takes it
    """A query of GetMetricData."""
    dimensions = [{"Name": "InstanceId", "Value": instance_id}]
    asked = {"Namespace": "AWS/EC2", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": asked, "Period": period, "Stat": stat}}


def values(client: Metrics, asked: Mapping[str, object], start: datetime, end: datetime) -> list[float]:
    """The values of one query, the newest first."""
    [result] = client.get_metric_data(MetricDataQueries=[asked], StartTime=start, EndTime=end)["MetricDataResults"]
    return list(result["Values"])
