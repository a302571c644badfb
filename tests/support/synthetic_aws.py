"""An account of any size, whose answers are made page by page and kept by nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, cast

from botocore.exceptions import ClientError

from imds_provider.aws.ec2 import Ec2
from imds_provider.aws.fleet_lookups import PAGE_SIZE, FleetLookups
from imds_provider.aws.launch_lookups import LaunchLookups
from imds_provider.aws.read_ahead import ReadAhead
from imds_provider.aws.settings import AwsSettings
from imds_provider.host.engine_link import Engine

ACCOUNT = "123456789012"
NOW = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)


@dataclass
class SyntheticAws:
    """Each region has so many instances with optional tokens. ``fails`` has a code for the n-th call of an action."""

    instances: int
    points: int = 1
    """Of each metric in CloudWatch's answers."""
    account: str = ACCOUNT
    fails: dict[tuple[str, int], str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    metrics: list[int] = field(default_factory=list)
    """How many each call of CloudWatch asked for."""

    def default_region(self) -> str:
        return "eu-west-1"

    def account_id(self, _region: str) -> str:
        return self.account

    def fleet(self, region: str) -> FleetLookups:
        return FleetLookups(self._ec2(region), lambda: self._client(get_metric_data=self._metrics))

    def launch_lookups(self, region: str) -> LaunchLookups:
        return LaunchLookups(self._ec2(region), lambda: self._client(describe_auto_scaling_groups=self._groups))

    def _ec2(self, region: str) -> Ec2:
        clock = Engine(None)
        return Ec2(self._client(describe_instances=self._describe), region, AwsSettings(), clock, ReadAhead(clock.now))

    def _client(self, **paged: object) -> Any:  # noqa: ANN401  botocore's
        return SimpleNamespace(
            meta=SimpleNamespace(events=SimpleNamespace(register_first=lambda *_: None)),
            get_paginator=lambda operation: SimpleNamespace(paginate=paged[operation]),
            get_instance_metadata_defaults=lambda: {"AccountLevel": {}},
        )

    def _describe(self, **_: object) -> Iterator[Mapping[str, Any]]:
        for first in range(0, self.instances, PAGE_SIZE):
            self._count("DescribeInstances")
            numbers = range(first, min(first + PAGE_SIZE, self.instances))
            yield {"Reservations": [{"OwnerId": self.account, "Instances": [_instance(each) for each in numbers]}]}

    def _metrics(self, MetricDataQueries: list[Mapping[str, Any]], **_: object) -> Iterator[Mapping[str, Any]]:  # noqa: N803
        self._count("GetMetricData")
        self.metrics.append(len(MetricDataQueries))
        times = [NOW - timedelta(hours=each) for each in range(self.points)]
        values = [1.0] * self.points
        yield {
            "MetricDataResults": [
                {"Id": each["Id"], "StatusCode": "Complete", "Timestamps": times, "Values": values}
                for each in MetricDataQueries
            ]
        }

    def _groups(self, **_: object) -> Iterator[Mapping[str, Any]]:
        self._count("DescribeAutoScalingGroups")
        yield {"AutoScalingGroups": []}

    def _count(self, action: str) -> None:
        self.calls[action] += 1
        if code := self.fails.get((action, self.calls[action])):
            raise ClientError({"Error": {"Code": code, "Message": f"{action} failed"}}, action)


def _instance(number: int) -> dict[str, Any]:
    options = {"State": "applied", "HttpTokens": "optional", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 1}
    return {
        "InstanceId": f"i-{number:017x}",
        "State": {"Name": "running"},
        "MetadataOptions": cast("dict[str, Any]", options),
        "Tags": [{"Key": "Name", "Value": f"web-{number}"}],
    }
