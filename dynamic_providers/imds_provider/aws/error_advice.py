"""Advise what to do about an error of AWS, by its code and AWS's own reason.

Sources:

- EC2 API reference, "Error codes for the Amazon EC2 API".
- IAM user guide, "Troubleshoot access denied error messages": the wording of each policy type, with an explicit deny
  and without an allow. An error may end with the policy's ARN.
- EC2 user guide, "Work with instance metadata" and "Use the Instance Metadata Service": the condition keys, and that
  they are compared with the parameters of the call. "Modify instance metadata options for existing instances": the
  wording of ``HttpTokensEnforced``.
- EC2 user guide, "Amazon EC2 managed instances". EKS Auto Mode denies changes to its instances in a resource-based
  policy (github.com/aws/eks-node-monitoring-agent, pull request 151), which no customer can attach to an instance.
- Organizations user guide, "Declarative policies", and AWS's announcement of them: the wording. Neither names the code.
- "… is not yet supported in this region": github.com/terraform-aws-modules/terraform-aws-ec2-instance, issue 291.
  Tag keys: github.com/aws-controllers-k8s/community, issue 1789.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from .redaction import ARN

THROTTLE_CODES = frozenset({"RequestLimitExceeded", "Throttling"})
DENIED_CODES = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "NotAuthorized"})
_STATE_CODES = frozenset({"IncorrectInstanceState", "IncorrectState"})

_VALUE_CODES = frozenset(
    {"UnsupportedOperation", "InvalidParameter", "InvalidParameterCombination", "InvalidParameterValue"}
)
_INSTANCE_CODES = DENIED_CODES | _STATE_CODES | {"OperationNotPermitted", "UnsupportedOperation"}

_GONE = r"\bterminated\b|\bshutting-down\b"


class Advice(NamedTuple):
    """What to do about errors with one of ``codes``, or with any for an empty set, whose reason matches ``pattern``.

    Case is ignored, and ARNs are not searched. ``advice`` is the rest of a sentence, in which ``{permission}``,
    ``{region}`` and ``{service}`` are filled in. ``conditional`` is set where a condition on the request itself may
    be what denies it.
    """

    codes: frozenset[str]
    pattern: str
    advice: str
    conditional: bool = False


def _for(code: str, advice: str) -> Advice:
    return Advice(frozenset({code}), "", advice)


ADVICE: tuple[Advice, ...] = (
    Advice(
        frozenset(),
        r"declarative policy|organizational policy",
        "an organization's declarative policy decides this, whatever the account's own policies grant: remove it from "
        "the program there, or ask the organization's administrators to change the policy, then run again",
    ),
    # Denied: what helps depends on whose policy it is.
    Advice(
        DENIED_CODES,
        r"(service|resource) control policy",
        "the AWS organization decides this, whatever the account's own policies grant: ask the organization's "
        "administrators to change the policy, then run again",
        conditional=True,
    ),
    Advice(
        DENIED_CODES,
        r"permissions boundary",
        "the permissions boundary of the role or user decides this, whatever its other policies grant: ask whoever "
        "manages the boundary to allow it there, then run again",
        conditional=True,
    ),
    Advice(
        DENIED_CODES,
        r"session policy",
        "the policy passed for the session decides this: whoever passes it (policy and policyArns of aws:assumeRoles, "
        "or what issued the credentials) must allow it there; then run again",
        conditional=True,
    ),
    Advice(
        DENIED_CODES,
        r"VPC endpoint policy",
        "the policy of the VPC endpoint in use decides this: ask its owner to allow it there, then run again",
        conditional=True,
    ),
    Advice(
        _INSTANCE_CODES,
        r"resource-based policy|\bmanaged (by|instances?|resources?)\b|\bservice provider\b",
        "the instance is managed by an AWS service (its operator, such as EKS Auto Mode), which alone can change its "
        "settings: remove it from the program",
    ),
    Advice(
        DENIED_CODES,
        r"explicit deny in an identity-based policy",
        "a policy of the role or user in use denies this, and no permission overrides that: change the policy or use "
        "other credentials, then run again",
        conditional=True,
    ),
    Advice(
        DENIED_CODES,
        r"explicit deny",
        "a policy denies this, and no permission overrides that: find out whose policy it is and have it changed, then "
        "run again",
        conditional=True,
    ),
    Advice(
        DENIED_CODES,
        r"no identity-based policy allows",
        "the credentials in use lack the permission {permission}; grant it and run again",
        conditional=True,
    ),
    Advice(
        DENIED_CODES,
        "",
        "the credentials in use lack the permission {permission}, or a policy denies it; check their policies and run "
        "again",
        conditional=True,
    ),
    # Credentials, account and pace.
    _for("AuthFailure", "AWS did not accept the credentials; check them and run again"),
    _for("InvalidClientTokenId", "AWS does not know the access key; check the credentials and run again"),
    _for(
        "SignatureDoesNotMatch",
        "the secret key does not belong to the access key; check the credentials and run again",
    ),
    _for("ExpiredToken", "the credentials have expired; renew them and run again"),
    _for(
        "RequestExpired",
        "the credentials have expired, or this machine's clock is wrong; renew them and run again",
    ),
    _for("OptInRequired", "this account has not enabled the region; enable it or check aws:region"),
    _for("RequestLimitExceeded", "EC2 throttled the call and every retry of it; run again, or lower imds:throttle"),
    Advice(
        frozenset({"Throttling", "TooManyRequestsException"}),
        "",
        "{service} throttled the call and every retry of it; run again",
    ),
    _for(
        "AWSOrganizationsNotInUseException",
        "the account of the credentials in use is in no organization; use those of its management account or of a "
        "delegated administrator",
    ),
    # The instance.
    Advice(
        _STATE_CODES | {"UnsupportedOperation"},
        r"hibernat",
        "the instance is hibernating or hibernated: start it, wait until it is running, and run again",
    ),
    Advice(_STATE_CODES, _GONE, "the instance is gone: remove it from the program, or run `pulumi refresh`"),
    Advice(
        _STATE_CODES,
        r"^(?!.*\bmust be\b).*\b(pending|stopping)\b",
        "the instance is starting or stopping: wait until it is running or stopped, and run again",
    ),
    Advice(_STATE_CODES, "", "the instance is in a state that takes no changes; check it and run again"),
    Advice(
        frozenset({"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"}),
        "",
        "check the instance ID, the region and the account of the credentials, then run again",
    ),
    # The options.
    Advice(
        frozenset({"UnsupportedOperation"}),
        r"httpTokensEnforced",
        "in {region} the account enforces IMDSv2 (HttpTokensEnforced), so httpTokens cannot be optional there: set it "
        "to required, or have the account's default (ModifyInstanceMetadataDefaults, or the organization's declarative "
        "policy) changed, then run again",
    ),
    Advice(
        _VALUE_CODES,
        r"not (yet )?supported in this region",
        "this option does not exist in {region} yet; remove it from the program there and run again",
    ),
    _for(
        "UnknownParameter", "EC2 in {region} does not know this option; remove it from the program there and run again"
    ),
    _for(
        "InvalidAction",
        "EC2 in {region} does not have this action; remove what needs it from the program there and run again",
    ),
    Advice(
        _VALUE_CODES,
        r"not a valid tag key",
        "rename the tag, or set instanceMetadataTags to disabled, then run again",
    ),
    _for("UnsupportedOperation", "EC2 does not allow this change to the instance; set another value and run again"),
)
"""The first that matches applies."""

MAY_NOT_ASSUME = (
    "the credentials in use may not assume the role; check aws:assumeRoles, the role's trust policy and the permission "
    "{permission}"
)
NO_ADVICE = "fix the cause and run again"
NO_REASON = "{service} gave no reason; run again"

CONDITION_PARAMETERS = ("HttpTokens", "HttpEndpoint", "HttpPutResponseHopLimit")
"""The parameters of ``ModifyInstanceMetadataOptions`` that have a condition key, ``ec2:Metadata…``."""


def reason_and_advice(
    code: str,
    reason: str,
    *,
    service: str,
    action: str,
    region: str,
    parameters: Mapping[str, object] | None = None,
) -> str:
    """Combine AWS's reason, without credentials, with advice: one or more sentences.

    ``service`` is a name such as ``EC2``. ``parameters`` are those of the request, if conditions can apply to them.
    """
    found = advice_for(code, reason)
    reason = "" if reason == code else reason.rstrip(". ")
    advice = found.advice if found else NO_ADVICE if reason else NO_REASON
    if action == "AssumeRole" and code in DENIED_CODES:
        advice = MAY_NOT_ASSUME
    advice = advice.format(permission=f"{service.lower()}:{action}", region=region, service=service)
    sentences = [reason, advice[:1].upper() + advice[1:]] if reason else [advice]
    if found and found.conditional and parameters is not None:
        sentences += _describe_request(parameters)
    return " ".join(f"{each}." for each in sentences)


def advice_for(code: str, reason: str) -> Advice | None:
    """The entry of :data:`ADVICE` for the error, if there is one."""
    return next(
        (each for each in ADVICE if (not each.codes or code in each.codes) and _matches(reason, each.pattern)), None
    )


def is_gone(code: str, reason: str) -> bool:
    """Whether the error says that the instance is terminated or shutting down."""
    return code in _STATE_CODES and _matches(reason, _GONE)


def _matches(reason: str, pattern: str) -> bool:
    # An ARN holds names that people chose, such as that of a role.
    return re.search(pattern, ARN.sub("", reason), re.IGNORECASE) is not None


def _describe_request(parameters: Mapping[str, object]) -> list[str]:
    """List what a policy's condition could see, as sentences without their full stops."""
    carried = ", ".join(f"{name}={value}" for name, value in parameters.items()) or "no option"
    missing = [name for name in CONDITION_PARAMETERS if name not in parameters]
    without = f" (no {', no '.join(missing)})" if missing else ""
    note = "condition keys such as ec2:MetadataHttpTokens see that alone, not the instance"
    sentences = [f"The request carried {carried}{without}; {note}"]
    if "HttpTokens" in missing:
        sentences.append("To send the tokens as well, set httpTokens to required")
    return sentences
