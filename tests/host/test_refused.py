"""What a person reads when EC2 refuses a change, through the real dynamic host: AWS's reason, then what to do."""

from __future__ import annotations

import pytest

from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.host.instances import ACCOUNT, MODIFY, REGION, SECRETS, inputs, launch
from tests.support.dynamic_host import DynamicHost, OperationFailedError, ProviderClient

USER = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/session"
POLICY = "arn:aws:organizations::210987654321:policy/o-a1b2c3d4e5/service_control_policy/p-x1y2z3w4"
ON_REQUEST = "; condition keys such as ec2:MetadataHttpTokens see that alone, not the instance."
CARRIED = f" The request carried HttpTokens=required, HttpEndpoint=enabled (no HttpPutResponseHopLimit){ON_REQUEST}"
ORGANIZATION = (
    "The AWS organization decides this, whatever the account's own policies grant: ask the organization's "
    f"administrators to change the policy, then run again.{CARRIED}"
)
BOUNDARY = (
    "The permissions boundary of the role or user decides this, whatever its other policies grant: ask whoever manages "
    f"the boundary to allow it there, then run again.{CARRIED}"
)
SESSION = (
    "The policy passed for the session decides this: whoever passes it (policy and policyArns of aws:assumeRoles, or "
    f"what issued the credentials) must allow it there; then run again.{CARRIED}"
)
IDENTITY = (
    "A policy of the role or user in use denies this, and no permission overrides that: change the policy or use other "
    f"credentials, then run again.{CARRIED}"
)
OPERATOR = (
    "The instance is managed by an AWS service (its operator, such as EKS Auto Mode), which alone can change its "
    "settings: remove it from the program."
)
ENFORCED = (
    f"In {REGION} the account enforces IMDSv2 (HttpTokensEnforced), so httpTokens cannot be optional there: set it to "
    "required, or have the account's default (ModifyInstanceMetadataDefaults, or the organization's declarative "
    "policy) changed, then run again."
)


def refused(cloud: LocalCloud, host: DynamicHost, options: ProviderClient, fault: Fault, **wanted: object) -> str:
    """The whole line that a create ends with, behind the instance, the action, the region and the code."""
    web = launch(cloud)
    cloud.set_faults(fault)
    with pytest.raises(OperationFailedError) as caught:
        options.create(inputs(web, **(wanted or {"httpTokens": "required"})))
    assert cloud.calls(MODIFY) == 1
    assert host.engine.messages("ERROR") == [caught.value.sentence]
    said = host.everything_said()
    assert [each for each in (*SECRETS.values(), "ncoded authorization", "ZGVuaWVk") if each in said] == []
    start = f"{web}: EC2 refused {MODIFY} in {REGION} with {fault.code}: "
    assert caught.value.sentence.startswith(start)
    return caught.value.sentence.removeprefix(start).replace(web, "i-…")


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        (f"with an explicit deny in a service control policy: {POLICY}", ORGANIZATION),
        (f"because no service control policy allows the ec2:{MODIFY} action", ORGANIZATION),
        ("with an explicit deny in a resource control policy", ORGANIZATION),
        ("with an explicit deny in a permissions boundary", BOUNDARY),
        (f"because no permissions boundary allows the ec2:{MODIFY} action", BOUNDARY),
        ("with an explicit deny in a session policy", SESSION),
        (f"because no session policy allows the ec2:{MODIFY} action", SESSION),
        ("with an explicit deny in an identity-based policy", IDENTITY),
        (
            f"because no identity-based policy allows the ec2:{MODIFY} action",
            f"The credentials in use lack the permission ec2:{MODIFY}; grant it and run again.{CARRIED}",
        ),
        ("with an explicit deny in a resource-based policy", OPERATOR),
    ],
)
def test_a_denied_change_says_whose_policy_denies_it_and_who_can_change_that(
    reason: str, advice: str, cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    fault = Fault("error", MODIFY, code="UnauthorizedOperation", reason=reason, encoded=True, times=None)
    assert refused(cloud, host, options, fault) == (
        f"You are not authorized to perform this operation. User: {USER} is not authorized to perform: ec2:{MODIFY} on "
        f"resource: arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-… {reason}. {advice}"
    )


def test_a_denied_change_without_tokens_says_how_they_are_sent(
    cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    denied = "with an explicit deny in a service control policy"
    fault = Fault("error", MODIFY, code="UnauthorizedOperation", reason=denied, times=None)
    assert refused(cloud, host, options, fault, httpPutResponseHopLimit=2).endswith(
        f" The request carried HttpPutResponseHopLimit=2, HttpEndpoint=enabled (no HttpTokens){ON_REQUEST} To send "
        "the tokens as well, set httpTokens to required."
    )


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (
            (
                "UnsupportedOperation",
                "You can't launch instances with IMDSv1 because httpTokensEnforced is enabled for this account",
            ),
            ENFORCED,
        ),
        (("OperationNotPermitted", "This instance is managed by eks.amazonaws.com"), OPERATOR),
        (
            ("IncorrectInstanceState", "The instance is hibernating"),
            "The instance is hibernating or hibernated: start it, wait until it is running, and run again.",
        ),
        (
            ("IncorrectInstanceState", "The instance is in the state 'stopping'"),
            "The instance is starting or stopping: wait until it is running or stopped, and run again.",
        ),
        (
            ("UnsupportedOperation", "Specifying InstanceMetadataTags is not yet supported in this region"),
            f"This option does not exist in {REGION} yet; remove it from the program there and run again.",
        ),
        (
            ("UnknownParameter", "The parameter InstanceMetadataTags is not recognized"),
            f"EC2 in {REGION} does not know this option; remove it from the program there and run again.",
        ),
        (
            ("ExpiredToken", "The security token included in the request is expired"),
            "The credentials have expired; renew them and run again.",
        ),
        (("SomethingNew", "It is full"), "Fix the cause and run again."),
    ],
)
def test_a_refused_change_says_why_and_what_to_do(
    error: tuple[str, str], advice: str, cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    code, reason = error
    fault = Fault("error", MODIFY, code=code, message=f"{reason}.", times=None)
    assert refused(cloud, host, options, fault) == f"{reason}. {advice}"


def test_an_error_that_quotes_credentials_is_shown_without_them(
    cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    quoted = f"Denied for {SECRETS['aws:token']} of arn:aws:iam::{ACCOUNT}:user/{SECRETS['aws:accessKey']}."
    fault = Fault("error", MODIFY, code="UnauthorizedOperation", message=quoted, times=None)
    assert refused(cloud, host, options, fault).startswith(f"Denied for *** of arn:aws:iam::{ACCOUNT}:user/***. The ")
