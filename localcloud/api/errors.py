"""AWS's errors: code, HTTP status and wording.

Codes and statuses follow the EC2 API reference ("Error codes"). Where it gives no wording, the message follows EC2's
style: the value, the parameter, what is expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

STATUSES = {
    "DryRunOperation": 412,
    "UnauthorizedOperation": 403,
    "AccessDenied": 403,
    "AuthFailure": 401,
    "RequestLimitExceeded": 503,
    "Unavailable": 503,
    "ServiceUnavailable": 503,
    "InternalError": 500,
    "InternalFailure": 500,
}
"""HTTP status by code; any other code has 400."""

THROTTLED = ("RequestLimitExceeded", "Throttling")
"""The codes of throttled calls: EC2's and the other services'."""


class AWSError(Exception):
    """An error answer of the API."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status if status is not None else STATUSES.get(code, 400)


def throttled(service: str) -> AWSError:
    code = "RequestLimitExceeded" if service == "ec2" else "Throttling"
    return AWSError(code, MESSAGES[code])


def missing_parameters(names: Sequence[str]) -> AWSError:
    return AWSError("MissingParameter", f"The request must contain at least one of the parameters {', '.join(names)}")


def invalid_value(name: str, value: str, expected: str) -> AWSError:
    return AWSError("InvalidParameterValue", f"Value ({value}) for parameter {name} is invalid. {expected}")


def unknown_parameter(name: str) -> AWSError:
    return AWSError("UnknownParameter", f"The parameter {name} is not recognized")


def invalid_filter(name: str) -> AWSError:
    return AWSError("InvalidParameterValue", f"The filter '{name}' is invalid")


def unknown_instances(ids: Sequence[str]) -> AWSError:
    if len(ids) == 1:
        message = f"The instance ID '{ids[0]}' does not exist"
    else:
        message = f"The instance IDs '{', '.join(ids)}' do not exist"
    return AWSError("InvalidInstanceID.NotFound", message)


def wrong_state(instance_id: str, state: str, participle: str) -> AWSError:
    """An action that the instance's state does not allow; `participle` is the action's, such as `modified`."""
    return AWSError(
        "IncorrectInstanceState",
        f"The instance '{instance_id}' is in the state '{state}', in which it cannot be {participle}.",
    )


def tokens_enforced(request: str) -> AWSError:
    """Optional tokens where the account requires IMDSv2; `request` completes "You can't"."""
    return AWSError(
        "UnsupportedOperation",
        f"You can't {request} because httpTokensEnforced is enabled for this account. Either use httpTokens=required "
        "or contact your account owner to disable httpTokensEnforced using the ModifyInstanceMetadataDefaults API or "
        "the account settings in the EC2 console.",
    )


def declarative_policy(exception_message: str) -> AWSError:
    """A change of what a declarative policy of the organization decides.

    The EC2 API reference names no error for it. The wording is that of AWS's announcement ("Simplify governance with
    declarative policies"), the message without a custom one that of the Organizations user guide; the code is an
    assumption.
    """
    reason = exception_message or "This action is denied due to an organizational policy in effect"
    return AWSError(
        "DeclarativePolicyViolation",
        f"This functionality has been disabled by a Declarative Policy. Custom Message: {reason}",
        403,
    )


def unauthorized(
    action: str,
    caller_arn: str,
    *,
    service: str = "ec2",
    resource: str | None = None,
    reason: str | None = None,
    encoded: str | None = None,
) -> AWSError:
    """A denied EC2 call, worded as in "Troubleshoot access denied error messages" (IAM user guide).

    `service` is another one where EC2 calls it for the caller. `resource` is the ARN of what the call would change.
    `reason` says which policy denies the call, such as "with an explicit deny in a service control policy"; by default,
    no policy allows it. `encoded` is the encoded authorization failure message.
    """
    where = f" on resource: {resource}" if resource else ""
    reason = reason or f"because no identity-based policy allows the {service}:{action} action"
    message = (
        "You are not authorized to perform this operation. "
        f"User: {caller_arn} is not authorized to perform: {service}:{action}{where} {reason}"
    )
    if encoded is not None:
        message += f". Encoded authorization failure message: {encoded}"
    return AWSError("UnauthorizedOperation", message)


def access_denied(iam_action: str, caller_arn: str, *, reason: str | None = None) -> AWSError:
    """A denied call of a service other than EC2."""
    reason = reason or f"because no identity-based policy allows the {iam_action} action"
    return AWSError("AccessDenied", f"User: {caller_arn} is not authorized to perform: {iam_action} {reason}")


MESSAGES: Mapping[str, str] = {
    "ExpiredToken": "The security token included in the request is expired",
    "RequestExpired": "Request has expired.",
    "AuthFailure": "AWS was not able to validate the provided access credentials",
    "RequestLimitExceeded": "Request limit exceeded.",
    "Throttling": "Rate exceeded",
    "UnsupportedOperation": tokens_enforced("enable IMDSv1 on this instance").message,
    "InternalError": "An internal error has occurred",
    "Unavailable": "The service is unavailable. Please try again shortly.",
    "ServiceUnavailable": "The request has failed due to a temporary failure of the server.",
}
"""AWS's message by code, for errors that need no details."""
