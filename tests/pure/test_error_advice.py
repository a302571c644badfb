from __future__ import annotations

import pytest

from imds_provider.aws.error_advice import ADVICE, MAY_NOT_ASSUME, advice_for, is_gone, reason_and_advice
from imds_provider.aws.redaction import redact

ACTION = "ModifyInstanceMetadataOptions"
PERMISSION = f"ec2:{ACTION}"
POLICY = "arn:aws:organizations::210987654321:policy/o-a1b2c3d4e5/service_control_policy/p-x1y2z3w4"
USER = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Platform_a7491ea25c15715b/jo@example.com"
DENIED = (
    f"You are not authorized to perform this operation. User: {USER} is not authorized to perform: {PERMISSION} on "
    "resource: arn:aws:ec2:eu-west-1:123456789012:instance/i-0123456789abcdef0"
)
TAG_KEY = "'a/b' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255})"
ENFORCED = "You can't launch instances with IMDSv1 because httpTokensEnforced is enabled for this account."
OPAQUE = "Q3VyaW91cyB3aGF0IHRoaXMgZGVjb2RlcyB0bz8gTm90aGluZyBhdCBhbGwu"
ENCODED = f"Encoded authorization failure message: {OPAQUE}"


def denied(by: str) -> str:
    return f"{DENIED} {by}"


REASONS: list[tuple[str, str, str]] = [
    # Organizations.
    ("TooManyRequestsException", "AWS Organizations can't complete your request.", "throttled the call"),
    ("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.", "in no organization"),
    # By whose policy it is denied.
    ("UnauthorizedOperation", denied(f"with an explicit deny in a service control policy: {POLICY}"), "administrators"),
    ("AccessDenied", denied("because no service control policy allows the action"), "organization's administrators"),
    ("UnauthorizedOperation", denied("with an explicit deny in a resource control policy"), "administrators"),
    (
        "UnauthorizedOperation",
        denied("with an explicit deny in a permissions boundary"),
        "whoever manages the boundary",
    ),
    ("UnauthorizedOperation", denied("because no permissions boundary allows the action"), "to allow it there"),
    ("UnauthorizedOperation", denied("with an explicit deny in a session policy"), "aws:assumeRoles"),
    ("UnauthorizedOperation", denied("because no session policy allows the action"), "whoever passes it"),
    ("UnauthorizedOperation", denied("because no VPC endpoint policy allows the action"), "VPC endpoint in use"),
    ("UnauthorizedOperation", denied("with an explicit deny in a resource-based policy"), "remove it from the program"),
    ("UnauthorizedOperation", denied("with an explicit deny in an identity-based policy"), "no permission overrides"),
    ("UnauthorizedOperation", denied("with an explicit deny"), "find out whose policy it is"),
    ("UnauthorizedOperation", denied(f"because no identity-based policy allows the {PERMISSION} action"), "grant it"),
    (
        "AccessDenied",
        denied(f"because no identity-based policy allows the {PERMISSION} action"),
        "grant it and run again",
    ),
    ("UnauthorizedOperation", "You are not authorized to perform this operation.", "or a policy denies it; check"),
    # A declarative policy decides. AWS documents the wording, and no code.
    (
        "DeclarativePolicyViolation",
        "This functionality has been disabled by a Declarative Policy. Custom Message: Ask the platform team.",
        "an organization's declarative policy decides this",
    ),
    (
        "UnauthorizedOperation",
        "This action is denied due to an organizational policy in effect",
        "ask the organization's administrators to change the policy",
    ),
    # The instance belongs to a service.
    (
        "OperationNotPermitted",
        "This operation is not permitted on managed instances.",
        "its operator, such as EKS Auto",
    ),
    ("UnsupportedOperation", "The instance is managed by eks.amazonaws.com.", "remove it from the program"),
    # Credentials, account and pace.
    ("AuthFailure", "AWS was not able to validate the provided access credentials", "did not accept the credentials"),
    ("InvalidClientTokenId", "The security token included in the request is invalid.", "does not know the access key"),
    ("SignatureDoesNotMatch", "The request signature we calculated does not match.", "the secret key does not belong"),
    ("ExpiredToken", "The security token included in the request is expired", "have expired; renew them"),
    ("RequestExpired", "Request has expired.", "this machine's clock is wrong"),
    ("OptInRequired", "You are not subscribed to this service.", "enable it or check aws:region"),
    ("RequestLimitExceeded", "Request limit exceeded.", "lower imds:throttle"),
    ("Throttling", "Rate exceeded", "EC2 throttled the call and every retry"),
    # The instance's state.
    ("IncorrectInstanceState", "The instance is hibernating.", "start it, wait until it is running"),
    ("UnsupportedOperation", "You cannot change an instance while it is hibernated.", "start it, wait until"),
    ("IncorrectInstanceState", "The instance is in the state 'terminated'.", "remove it from the program"),
    ("IncorrectInstanceState", "The instance is in the state 'shutting-down'.", "run `pulumi refresh`"),
    ("IncorrectInstanceState", "The instance is in the state 'stopping'.", "wait until it is running or stopped"),
    ("IncorrectState", "The instance is pending.", "wait until it is running or stopped"),
    ("IncorrectInstanceState", "It must be in a 'running', 'pending', 'stopping' or 'stopped' state.", "check it and"),
    ("InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist", "check the instance ID, the region"),
    ("InvalidInstanceID.Malformed", 'Invalid id: "web"', "check the instance ID, the region"),
    # The options.
    ("UnsupportedOperation", ENFORCED, "in eu-west-1 the account enforces IMDSv2"),
    (
        "UnsupportedOperation",
        "Specifying InstanceMetadataTags is not yet supported in this region",
        "does not exist in",
    ),
    (
        "InvalidParameterValue",
        "HttpProtocolIpv6 is not supported in this region.",
        "does not exist in eu-west-1 yet",
    ),
    ("UnknownParameter", "The parameter HttpProtocolIpv6 is not recognized", "does not know this option"),
    (
        "InvalidAction",
        "The action GetInstanceMetadataDefaults is not valid for this web service.",
        "does not have this",
    ),
    ("UnknownParameter", "The parameter HttpTokensEnforced is not recognized", "remove it from the program there"),
    ("InvalidParameterValue", TAG_KEY, "rename the tag, or set instanceMetadataTags to disabled"),
    ("UnsupportedOperation", "This instance type does not do that.", "set another value"),
]


def line_of(code: str, reason: str, **parameters: object) -> str:
    return reason_and_advice(
        code, reason, service="EC2", action=ACTION, region="eu-west-1", parameters=parameters or None
    )


@pytest.mark.parametrize(("code", "message", "advice"), REASONS)
def test_aws_reason_comes_first_and_then_what_fits_it(code: str, message: str, advice: str) -> None:
    reason = redact(f"{message} {ENCODED}", ())
    line = line_of(code, reason)
    assert line.startswith(message.rstrip(". ") + ". ")
    after = line.removeprefix(message.rstrip(". ") + ". ")
    assert after[0].isupper()
    assert advice.lower() in after.lower()
    assert line.endswith(".")
    assert not line.endswith("..")
    assert ("{" in after, "\n" in line) == (False, False)


@pytest.mark.parametrize(("code", "message", "advice"), REASONS)
def test_granting_is_advised_only_where_no_policy_of_the_identity_allows_the_call(
    code: str, message: str, advice: str
) -> None:
    assert ("grant it" in line_of(code, message)) is (advice.startswith("grant it"))


def test_every_advice_has_an_error_that_leads_to_it() -> None:
    assert {advice_for(code, message) for code, message, _ in REASONS} == set(ADVICE)


def test_names_in_arns_are_not_taken_for_reasons() -> None:
    role = "arn:aws:sts::123456789012:assumed-role/hibernator/session"
    assert "check it and run again" in line_of("IncorrectState", f"{role} cannot do that now.")


def test_the_case_of_a_reason_does_not_matter() -> None:
    assert line_of("UnsupportedOperation", ENFORCED.upper()) == line_of("UnsupportedOperation", ENFORCED).replace(
        ENFORCED, ENFORCED.upper()
    )


def test_an_unknown_error_shows_aws_message_and_a_next_step() -> None:
    assert line_of("SomethingNew", "It is full.") == "It is full. Fix the cause and run again."


@pytest.mark.parametrize("reason", ["", "SomethingNew"])
def test_an_error_without_a_message_still_says_what_to_do(reason: str) -> None:
    assert line_of("SomethingNew", reason) == "EC2 gave no reason; run again."
    assert line_of("AuthFailure", "AuthFailure" if reason else "").startswith(
        "AWS did not accept the credentials; check"
    )


@pytest.mark.parametrize("by", ["with an explicit deny in a session policy", "because no session policy allows the"])
def test_a_role_that_may_not_be_assumed_keeps_its_own_advice(by: str) -> None:
    message = f"User: {USER} is not authorized to perform: sts:AssumeRole {by}"
    line = reason_and_advice("AccessDenied", message, service="STS", action="AssumeRole", region="eu-west-1")
    advice = MAY_NOT_ASSUME.format(permission="sts:AssumeRole")
    assert line == f"{message}. {advice[0].upper()}{advice[1:]}."


BY_ORGANIZATION = denied("with an explicit deny in a service control policy")
ON_REQUEST = "condition keys such as ec2:MetadataHttpTokens see that alone, not the instance."


def test_a_denial_says_what_a_condition_on_the_request_has_seen() -> None:
    line = line_of("UnauthorizedOperation", BY_ORGANIZATION, HttpTokens="required", HttpEndpoint="enabled")
    assert line.endswith(
        f" The request carried HttpTokens=required, HttpEndpoint=enabled (no HttpPutResponseHopLimit); {ON_REQUEST}"
    )
    everything = line_of(
        "UnauthorizedOperation",
        BY_ORGANIZATION,
        HttpTokens="required",
        HttpPutResponseHopLimit=2,
        HttpEndpoint="enabled",
    )
    assert everything.endswith(
        f" The request carried HttpTokens=required, HttpPutResponseHopLimit=2, HttpEndpoint=enabled; {ON_REQUEST}"
    )


def test_a_denial_of_a_request_without_tokens_says_how_they_are_sent() -> None:
    line = line_of("UnauthorizedOperation", BY_ORGANIZATION, HttpPutResponseHopLimit=2, HttpEndpoint="enabled")
    assert line.endswith(
        " The request carried HttpPutResponseHopLimit=2, HttpEndpoint=enabled (no HttpTokens); "
        f"{ON_REQUEST} To send the tokens as well, set httpTokens to required."
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("UnauthorizedOperation", denied("with an explicit deny in a resource-based policy")),
        ("UnsupportedOperation", ENFORCED),
        ("ExpiredToken", "The security token included in the request is expired"),
    ],
)
def test_what_no_condition_decides_says_nothing_of_the_request(code: str, message: str) -> None:
    assert "The request carried" not in line_of(code, message, HttpTokens="required")


@pytest.mark.parametrize(
    ("code", "reason", "gone"),
    [
        ("IncorrectInstanceState", "it is terminated", True),
        ("IncorrectState", "The instance is in the state 'shutting-down'", True),
        ("IncorrectInstanceState", "it is stopping", False),
        ("UnsupportedOperation", "it is terminated", False),
    ],
)
def test_an_instance_is_gone_when_ec2_says_so_of_its_state(code: str, reason: str, *, gone: bool) -> None:
    assert is_gone(code, reason) is gone
