"""EC2's errors: code, HTTP status and wording.

Codes and statuses are those of the EC2 API reference ("Error codes"). Where the reference gives no wording, the
sentence keeps EC2's manner: what was given, for which parameter, what is expected.
"""

from __future__ import annotations

from collections.abc import Sequence

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
"""HTTP status per code; every other code answers 400."""


class EC2Error(Exception):
    """An error answer of the API."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status if status is not None else STATUSES.get(code, 400)


def dry_run() -> EC2Error:
    return EC2Error("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")


THROTTLED = ("RequestLimitExceeded", "Throttling")
"""The codes that say so: EC2's, and the other services'."""


def throttled(service: str) -> EC2Error:
    if service == "ec2":
        return EC2Error("RequestLimitExceeded", "Request limit exceeded.")
    return EC2Error("Throttling", "Rate exceeded")


def missing_parameter(name: str) -> EC2Error:
    return EC2Error("MissingParameter", f"The request must contain the parameter {name}")


def invalid_value(name: str, given: str, expected: str) -> EC2Error:
    return EC2Error("InvalidParameterValue", f"Value ({given}) for parameter {name} is invalid. {expected}")


def invalid_combination(message: str) -> EC2Error:
    return EC2Error("InvalidParameterCombination", message)


def unknown_parameter(name: str) -> EC2Error:
    return EC2Error("UnknownParameter", f"The parameter {name} is not recognized")


def malformed_instance_id(given: str) -> EC2Error:
    return EC2Error("InvalidInstanceID.Malformed", f'Invalid id: "{given}"')


def unknown_instances(ids: Sequence[str]) -> EC2Error:
    if len(ids) == 1:
        message = f"The instance ID '{ids[0]}' does not exist"
    else:
        message = f"The instance IDs '{', '.join(ids)}' do not exist"
    return EC2Error("InvalidInstanceID.NotFound", message)


def wrong_state(instance_id: str, state: str, action: str) -> EC2Error:
    return EC2Error(
        "IncorrectInstanceState",
        f"The instance '{instance_id}' is in the state '{state}', in which it cannot be {action}.",
    )


def tokens_enforced(doing: str) -> EC2Error:
    return EC2Error(
        "UnsupportedOperation",
        f"You can't {doing} because httpTokensEnforced is enabled for this account. Either use httpTokens=required "
        "or contact your account owner to disable httpTokensEnforced using the ModifyInstanceMetadataDefaults API or "
        "the account settings in the EC2 console.",
    )


def unauthorized(
    action: str, arn: str, *, resource: str | None = None, reason: str | None = None, encoded: str | None = None
) -> EC2Error:
    """A denied call, worded as in "Troubleshoot access denied error messages" (IAM user guide).

    `reason` says which policy denies it, such as "with an explicit deny in a service control policy"; unless given, no
    policy allows it. `resource` is the ARN of what would have been changed, and `encoded` the encoded authorization
    failure message to attach, which EC2 gives to allowed callers only.
    """
    where = f" on resource: {resource}" if resource else ""
    reason = reason or f"because no identity-based policy allows the ec2:{action} action"
    message = (
        "You are not authorized to perform this operation. "
        f"User: {arn} is not authorized to perform: ec2:{action}{where} {reason}"
    )
    if encoded is not None:
        message += f". Encoded authorization failure message: {encoded}"
    return EC2Error("UnauthorizedOperation", message)


def access_denied(action: str, arn: str, *, reason: str | None = None) -> EC2Error:
    """What services other than EC2 answer; `action` is IAM's, such as `cloudwatch:GetMetricData`."""
    reason = reason or f"because no identity-based policy allows the {action} action"
    return EC2Error("AccessDenied", f"User: {arn} is not authorized to perform: {action} {reason}")
