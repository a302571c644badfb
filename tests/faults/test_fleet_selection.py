"""What a fleet asks EC2 for: its filters and IDs, in as few calls as there are pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from imds_provider.aws import FleetLookups
from imds_provider.errors import AwsError
from imds_provider.host import runtime
from localcloud.client import LocalCloud
from localcloud.ec2.instances import Seed
from tests.support.provider_run import REGION, provider_run

WEB, API, OLD = (f"i-{digit * 17}" for digit in "abc")


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud.in_process() as cloud:
        yield cloud


@pytest.fixture
def calls(cloud: LocalCloud) -> Iterator[FleetLookups]:
    with provider_run(cloud):
        yield runtime.aws().fleet(REGION)


def instance(instance_id: str, team: str = "web", state: str = "running") -> Seed:
    return {"id": instance_id, "region": REGION, "tags": {"Team": team}, "state": state}


def described(cloud: LocalCloud) -> int:
    return cloud.calls("DescribeInstances")


def test_ec2_applies_the_filters_and_finds_the_given_ids(cloud: LocalCloud, calls: FleetLookups) -> None:
    cloud.seed([instance(WEB), instance(API, "api"), instance(OLD, state="stopped")])
    assert sorted(calls.select({"tag:Team": ["we?"]}, [])) == [WEB, OLD]
    assert sorted(calls.select({"tag:Team": ["web"]}, [API])) == [WEB, API, OLD]
    assert sorted(calls.select(None, [API])) == [API]
    assert sorted(calls.select({"tag:Team": ["web"], "instance-state-name": ["running"]}, [])) == [WEB]


def test_the_same_filters_are_sent_once(cloud: LocalCloud, calls: FleetLookups) -> None:
    cloud.seed([instance(WEB)])
    for filters in ({"tag:Team": ["web"]}, {"tag:Team": ["web"]}, {"tag:Team": ["api"]}):
        calls.select(filters, [])
    assert described(cloud) == 2


def test_a_few_instances_among_many_take_one_call(cloud: LocalCloud, calls: FleetLookups) -> None:
    for first in range(0, 1200, 300):
        cloud.seed([instance(f"i-{first + number:017x}", "others") for number in range(300)])
    cloud.seed([instance(WEB)])
    assert list(calls.select({"tag:Team": ["web"]}, [])) == [WEB]
    assert described(cloud) == 1
    assert len(calls.select({"tag:Team": ["others"]}, [])) == 1200
    assert described(cloud) == 1 + 2


def test_a_terminated_instance_is_not_found_and_an_unknown_filter_is_an_error_of_ec2(
    cloud: LocalCloud, calls: FleetLookups
) -> None:
    cloud.seed([instance(WEB)])
    cloud.terminate(WEB)
    assert calls.select({"tag:Team": ["web"]}, [WEB]) == {}
    with pytest.raises(AwsError, match="The filter 'vpcid' is invalid"):
        calls.select({"vpcid": ["vpc-1"]}, [])
