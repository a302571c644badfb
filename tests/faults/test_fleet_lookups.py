"""Look-ups for a whole fleet when AWS does not answer, or when an instance is gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

import pytest

from imds_provider.aws import Aws
from imds_provider.aws.requests import PAGE_SECONDS
from imds_provider.errors import AwsError
from imds_provider.host import runtime
from imds_provider.rules.account_defaults import AccountDefaults
from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.support.provider_run import REGION, JumpingEngine, provider_run

WEB, API, GONE = (f"i-{digit * 17}" for digit in "abc")
NOW = datetime.now(timezone.utc)
LAST_ATTEMPT_SECONDS = 30
"""The most that an attempt and botocore's pause before the next one take."""


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud.in_process() as cloud:
        yield cloud


@pytest.fixture
def engine(cloud: LocalCloud) -> Iterator[JumpingEngine]:
    endpoints = json.dumps([dict.fromkeys(("ec2", "sts", "cloudwatch", "autoscaling"), cloud.url)])
    config = {"aws:endpoints": endpoints, "aws:maxRetries": "100"}
    with provider_run(cloud, read_timeout=0.1, config=config) as engine:
        yield engine


NOTHING = AccountDefaults({})
LOOKUPS: dict[str, Callable[[Aws], object]] = {
    "DescribeInstances": lambda aws: aws.fleet(REGION).select({"instance-state-name": ["running"]}, []),
    "DescribeInstanceStatus": lambda aws: aws.fleet(REGION).impaired([WEB]),
    "DescribeAlarms": lambda aws: aws.fleet(REGION).alarms(["checkout-5xx"]),
    "GetMetricData": lambda aws: aws.fleet(REGION).imdsv1_usage(
        "MetadataNoToken", [WEB], NOW - timedelta(hours=1), NOW, 60
    ),
    "GetInstanceMetadataDefaults": lambda aws: aws.launch_lookups(REGION).account_defaults(),
    "DescribeAutoScalingGroups": lambda aws: aws.launch_lookups(REGION).groups(NOTHING),
}


@pytest.mark.parametrize("action", LOOKUPS)
def test_a_lookup_that_is_never_answered_ends_in_time_with_an_error(
    action: str, cloud: LocalCloud, engine: JumpingEngine
) -> None:
    cloud.seed([{"id": WEB, "region": REGION}])
    cloud.set_faults(Fault("delay", action, seconds=60, times=None))
    started = engine.now()
    with pytest.raises(AwsError, match=rf"in {REGION} did not answer {action} in 60 s; run again\.$"):
        LOOKUPS[action](runtime.aws())
    assert PAGE_SECONDS <= engine.now() - started < PAGE_SECONDS + LAST_ATTEMPT_SECONDS


@pytest.mark.usefixtures("engine")
def test_an_instance_that_is_gone_does_not_hide_those_that_are_impaired(cloud: LocalCloud) -> None:
    cloud.seed([{"id": WEB, "region": REGION, "status": "impaired"}, {"id": API, "region": REGION}])
    (found,) = runtime.aws().fleet(REGION).impaired([WEB, API, GONE]).items()
    assert (found[0], found[1].check) == (WEB, "system status impaired and instance status impaired")
    assert runtime.aws().fleet(REGION).impaired([API, GONE]) == {}
