"""When metadata options are applied, and what describes show before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

    from localcloud.client import LocalCloud

    from .conftest import Connect

WEB = "i-0123456789abcdef0"


def state(ec2: EC2Client, instance_id: str = WEB) -> str:
    return described(ec2, instance_id)["MetadataOptions"]["State"]


def described(ec2: EC2Client, instance_id: str = WEB) -> InstanceTypeDef:
    [reservation] = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    return reservation["Instances"][0]


def require_tokens(ec2: EC2Client, instance_id: str = WEB) -> str:
    """The State in the answer."""
    answer = ec2.modify_instance_metadata_options(InstanceId=instance_id, HttpTokens="required")
    return answer["InstanceMetadataOptions"]["State"]


def test_options_of_a_running_instance_stay_pending_for_the_configured_time(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(pending=600)
    cloud.seed([{"id": WEB}])
    assert require_tokens(ec2) == "pending"
    cloud.advance(500)
    assert state(ec2) == "pending"
    cloud.advance(100)
    assert state(ec2) == "applied"


def test_by_default_options_are_applied_at_once(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed([{"id": WEB}])
    assert require_tokens(ec2) == "applied"


def test_an_instance_can_override_the_pending_time(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(pending=600)
    cloud.seed([{"id": WEB, "pending": 6000}])
    require_tokens(ec2)
    cloud.advance(5000)
    assert state(ec2) == "pending"
    cloud.advance(1000)
    assert state(ec2) == "applied"


def test_launch_options_have_a_pending_time_of_their_own(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(launch_pending=600)
    instance = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    assert state(ec2, instance) == "pending"
    cloud.advance(600)
    assert state(ec2, instance) == "applied"


@pytest.mark.parametrize("stopped", ["stopping", "stopped"])
def test_options_of_a_stopped_instance_are_applied_after_its_next_start(
    stopped: str, cloud: LocalCloud, ec2: EC2Client
) -> None:
    cloud.settings(pending=600)
    cloud.seed([{"id": WEB, "state": stopped}])
    assert require_tokens(ec2) == "pending"
    cloud.advance(100_000)
    options = described(ec2)["MetadataOptions"]
    assert (options["State"], options["HttpTokens"]) == ("pending", "required")
    ec2.start_instances(InstanceIds=[WEB])
    assert state(ec2) == "pending"
    cloud.advance(600)
    assert state(ec2) == "applied"


def test_a_stopped_instance_can_be_set_to_report_applied(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(pending=600, stopped_state="applied")
    cloud.seed([{"id": WEB, "state": "stopped"}])
    assert require_tokens(ec2) == "applied"


def test_options_still_pending_at_a_stop_are_applied_after_the_next_start(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(pending=600)
    cloud.seed([{"id": WEB}])
    require_tokens(ec2)
    ec2.stop_instances(InstanceIds=[WEB])
    cloud.advance(600)
    assert state(ec2) == "pending"
    ec2.start_instances(InstanceIds=[WEB])
    cloud.advance(600)
    assert state(ec2) == "applied"


def test_applied_options_stay_applied_through_a_stop_and_start(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(pending=600)
    cloud.seed([{"id": WEB}])
    ec2.stop_instances(InstanceIds=[WEB])
    ec2.start_instances(InstanceIds=[WEB])
    assert state(ec2) == "applied"


def test_a_terminated_instance_can_still_be_described(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed([{"id": WEB}])
    ec2.terminate_instances(InstanceIds=[WEB])
    assert described(ec2)["State"]["Name"] == "terminated"


def test_stale_describes_show_old_options_as_applied(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(stale=60)
    cloud.seed([{"id": WEB, "options": {"HttpPutResponseHopLimit": 7}}])
    require_tokens(ec2)
    options = described(ec2)["MetadataOptions"]
    assert (options["HttpTokens"], options["State"]) == ("optional", "applied")
    assert options["HttpPutResponseHopLimit"] == 7
    assert cloud.instance(WEB)["options"]["HttpTokens"] == "required"
    cloud.advance(60)
    assert described(ec2)["MetadataOptions"]["HttpTokens"] == "required"


def test_a_launched_instance_can_be_unknown_for_a_while(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(appear=60)
    instance = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    for call in (require_tokens, described, lambda ec2, each: ec2.stop_instances(InstanceIds=[each])):
        with pytest.raises(ClientError, match=r"InvalidInstanceID\.NotFound"):
            call(ec2, instance)
    assert ec2.describe_instances()["Reservations"] == []
    assert cloud.instance(instance)["state"] == "running"
    cloud.advance(60)
    assert described(ec2, instance)["InstanceId"] == instance


def test_options_that_a_region_does_not_support_are_absent_and_refused(cloud: LocalCloud, connect: Connect) -> None:
    cloud.settings(unknown_options={"eu-west-1": ["HttpProtocolIpv6", "InstanceMetadataTags"]})
    cloud.seed([{"id": WEB, "region": "eu-west-1"}, {"id": "i-12345678"}])
    ec2 = connect("eu-west-1")
    supported = {"State", "HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint"}
    assert set(described(ec2)["MetadataOptions"]) == supported
    answer = ec2.modify_instance_metadata_options(InstanceId=WEB, HttpTokens="required")
    assert set(answer["InstanceMetadataOptions"]) == supported
    with pytest.raises(ClientError, match=r"UnknownParameter.*HttpProtocolIpv6"):
        ec2.modify_instance_metadata_options(InstanceId=WEB, HttpProtocolIpv6="enabled")
    assert "HttpProtocolIpv6" in described(connect("us-east-1"), "i-12345678")["MetadataOptions"]


def test_a_modify_without_tokens_can_be_set_to_make_them_optional(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(tokens_when_unnamed="optional")
    cloud.seed([{"id": WEB, "options": {"HttpTokens": "required"}}])
    ec2.modify_instance_metadata_options(InstanceId=WEB, HttpPutResponseHopLimit=2)
    assert cloud.instance(WEB)["options"]["HttpTokens"] == "optional"


def test_account_defaults_apply_to_one_region(connect: Connect) -> None:
    connect("eu-west-1").modify_instance_metadata_defaults(HttpTokens="required")
    assert connect("us-east-1").get_instance_metadata_defaults()["AccountLevel"] == {"ManagedBy": "account"}
