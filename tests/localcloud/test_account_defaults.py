"""Account defaults: in force at launches, shown later, changed by others, decided by a declarative policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from botocore.exceptions import ClientError

from localcloud.client import LocalCloud, LocalCloudError
from localcloud.ec2.account_json import AccountDefaults
from localcloud.faults import Fault

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceMetadataOptionsRequestTypeDef

    from .conftest import Connect

GET, MODIFY = "GetInstanceMetadataDefaults", "ModifyInstanceMetadataDefaults"
REGION = "us-east-1"


def shown(ec2: EC2Client) -> dict[str, object]:
    return {**ec2.get_instance_metadata_defaults()["AccountLevel"]}


def launched_tokens(ec2: EC2Client, tokens: Literal["optional", "required"] | None = None) -> str:
    options: InstanceMetadataOptionsRequestTypeDef = {} if tokens is None else {"HttpTokens": tokens}
    answer = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, MetadataOptions=options)
    return answer["Instances"][0]["MetadataOptions"]["HttpTokens"]


def test_a_new_account_has_no_defaults_and_manages_them_itself(cloud: LocalCloud, ec2: EC2Client) -> None:
    assert shown(ec2) == {"ManagedBy": "account"}
    assert cloud.account_defaults() == {}


def test_disabled_enforcement_is_shown_and_cleared_enforcement_is_not(cloud: LocalCloud, ec2: EC2Client) -> None:
    ec2.modify_instance_metadata_defaults(HttpTokensEnforced="disabled")
    assert shown(ec2) == {"HttpTokensEnforced": "disabled", "ManagedBy": "account"}
    ec2.modify_instance_metadata_defaults(HttpTokensEnforced="no-preference")
    assert shown(ec2) == {"ManagedBy": "account"}
    assert cloud.account_defaults() == {}


def test_a_change_can_take_time_to_show_but_is_in_force_at_once(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(defaults_delay=10)
    ec2.modify_instance_metadata_defaults(HttpTokens="required")
    cloud.advance(5)
    ec2.modify_instance_metadata_defaults(HttpTokensEnforced="enabled")
    assert shown(ec2) == {"ManagedBy": "account"}
    assert cloud.account_defaults() == {"HttpTokens": "required", "HttpTokensEnforced": "enabled"}
    assert launched_tokens(ec2) == "required"
    with pytest.raises(ClientError, match="httpTokensEnforced is enabled"):
        launched_tokens(ec2, "optional")
    cloud.advance(5.5)
    assert shown(ec2) == {"HttpTokens": "required", "ManagedBy": "account"}
    cloud.advance(5)
    assert shown(ec2) == {"HttpTokens": "required", "HttpTokensEnforced": "enabled", "ManagedBy": "account"}


def test_defaults_can_be_changed_out_of_band_and_show_at_once(cloud: LocalCloud, connect: Connect) -> None:
    cloud.settings(defaults_delay=10)
    changed = cloud.set_account_defaults("eu-west-1", {"HttpTokens": "optional", "HttpPutResponseHopLimit": 3})
    assert changed == cloud.account_defaults("eu-west-1") == {"HttpTokens": "optional", "HttpPutResponseHopLimit": 3}
    cloud.set_account_defaults("eu-west-1", {"HttpPutResponseHopLimit": -1, "HttpTokens": "required"})
    assert shown(connect("eu-west-1")) == {"HttpTokens": "required", "ManagedBy": "account"}
    assert shown(connect(REGION)) == {"ManagedBy": "account"}
    assert cloud.calls(MODIFY) == 0


def test_defaults_belong_to_one_account(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_account_defaults(REGION, {"HttpTokens": "required"}, account="210987654321")
    assert cloud.account_defaults(REGION, account="210987654321") == {"HttpTokens": "required"}
    assert shown(ec2) == {"ManagedBy": "account"}


@pytest.mark.parametrize(
    ("defaults", "message"),
    [
        ({"HttpProtocolIpv6": "enabled"}, "unknown account default 'HttpProtocolIpv6'"),
        ({"HttpPutResponseHopLimit": 0}, r"Value \(0\) for parameter HttpPutResponseHopLimit is invalid"),
        ({"HttpTokens": "on"}, r"Value \(on\) for parameter HttpTokens is invalid"),
    ],
)
def test_bad_defaults_are_rejected_out_of_band(defaults: AccountDefaults, message: str, cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match=message):
        cloud.set_account_defaults(REGION, defaults)
    with pytest.raises(LocalCloudError, match=message):
        cloud.set_declarative_policy(REGION, defaults)
    with pytest.raises(LocalCloudError, match=message):
        cloud.send("POST", "faults", [{"effect": "change", "defaults": defaults}])
    assert cloud.account_defaults() == {}


def test_under_a_declarative_policy_the_organization_decides(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_account_defaults(REGION, {"HttpPutResponseHopLimit": 5})
    policy: AccountDefaults = {"HttpTokens": "required", "HttpPutResponseHopLimit": -1, "HttpTokensEnforced": "enabled"}
    cloud.set_declarative_policy(REGION, policy, exception_message="Ask #platform.")
    assert shown(ec2) == {
        "HttpTokens": "required",
        "HttpTokensEnforced": "enabled",
        "ManagedBy": "declarative-policy",
        "ManagedExceptionMessage": "Ask #platform.",
    }
    for dry_run in (False, True):
        with pytest.raises(ClientError, match=r"\(DeclarativePolicyViolation\).*Custom Message: Ask #platform\."):
            ec2.modify_instance_metadata_defaults(HttpTokens="required", DryRun=dry_run)
    with pytest.raises(ClientError, match="httpTokensEnforced is enabled"):
        launched_tokens(ec2, "optional")
    cloud.remove_declarative_policy(REGION)
    assert shown(ec2) == {"HttpPutResponseHopLimit": 5, "ManagedBy": "account"}


def test_a_policy_without_a_message_denies_with_the_standard_one(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_declarative_policy(REGION, {})
    with pytest.raises(ClientError, match="This action is denied due to an organizational policy in effect"):
        ec2.modify_instance_metadata_defaults(HttpTokens="required")


def test_a_region_may_not_know_enforcement_yet(cloud: LocalCloud, ec2: EC2Client, connect: Connect) -> None:
    cloud.settings(unknown_options={REGION: ["HttpTokensEnforced"]})
    with pytest.raises(ClientError, match=r"UnknownParameter.*HttpTokensEnforced is not recognized"):
        ec2.modify_instance_metadata_defaults(HttpTokens="required", HttpTokensEnforced="enabled")
    assert shown(ec2) == {"ManagedBy": "account"}
    cloud.set_account_defaults(REGION, {"HttpTokensEnforced": "disabled", "HttpTokens": "required"})
    assert shown(ec2) == {"HttpTokens": "required", "ManagedBy": "account"}
    connect("eu-west-1").modify_instance_metadata_defaults(HttpTokensEnforced="enabled")


def test_someone_else_can_change_the_defaults_during_a_call(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("change", MODIFY, after=True, defaults={"HttpTokens": "optional"}))
    ec2.modify_instance_metadata_defaults(HttpTokens="required", HttpPutResponseHopLimit=2)
    assert cloud.account_defaults() == {"HttpTokens": "optional", "HttpPutResponseHopLimit": 2}


def test_a_change_of_defaults_can_be_lost_before_or_after_it_takes_effect(cloud: LocalCloud, ec2: EC2Client) -> None:
    for after, expected in ((False, {}), (True, {"HttpTokens": "required"})):
        cloud.set_faults(Fault("error", MODIFY, after=after))
        with pytest.raises(ClientError, match="InternalError"):
            ec2.modify_instance_metadata_defaults(HttpTokens="required")
        assert cloud.account_defaults() == expected


def test_with_enforcement_a_launch_that_would_not_require_tokens_fails(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_account_defaults(REGION, {"HttpTokensEnforced": "enabled"})
    with pytest.raises(ClientError, match=r"UnsupportedOperation.*You can't launch instances with IMDSv1"):
        launched_tokens(ec2)
    assert launched_tokens(ec2, "required") == "required"
    cloud.set_account_defaults(REGION, {"HttpTokensEnforced": "disabled"})
    assert launched_tokens(ec2) == "optional"


def test_permissions_can_be_denied_or_be_the_only_ones_that_are_allowed(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(allowed=["ec2:Get*", f"ec2:{MODIFY}"])
    ec2.modify_instance_metadata_defaults(HttpTokens="required")
    assert shown(ec2)["HttpTokens"] == "required"
    with pytest.raises(ClientError, match=r"UnauthorizedOperation.*allows the ec2:DescribeInstances action"):
        ec2.describe_instances()
    cloud.settings(denied=[f"ec2:{MODIFY}"])
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        ec2.modify_instance_metadata_defaults(HttpTokens="optional")
    cloud.settings(allowed=None, denied=[])
    ec2.describe_instances()
