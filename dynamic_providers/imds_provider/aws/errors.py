"""Translate botocore's errors into this project's: one line each, with AWS's reason and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004  botocore's own, the base of its connection errors
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
)
from botocore.parsers import ResponseParserError

from ..errors import (
    AwsError,
    ConfigurationError,
    ImdsError,
    InstanceGoneError,
    InstanceMissingError,
    MissingCredentialsError,
    OutcomeUnknownError,
)
from .error_advice import DENIED_CODES, THROTTLE_CODES, is_gone, reason_and_advice
from .redaction import redact

__all__ = ["DENIED_CODES", "THROTTLE_CODES", "translate"]

_LOST_ANSWER = (HTTPClientError, ConnectionError, IncompleteReadError, ResponseParserError)


def translate(
    error: Exception,
    *,
    action: str,
    subject: str,
    region: str,
    secrets: Iterable[str],
    service: str = "EC2",
    parameters: Mapping[str, object] | None = None,
) -> ImdsError:
    """Translate an error of ``action``, which concerned ``subject``, into one whose message holds no credentials.

    ``subject`` is such as an instance ID. ``secrets`` are strings that must not be shown. ``parameters`` are those of
    the request, for an action that policies can restrict by them.
    """
    if isinstance(error, _LOST_ANSWER):
        return OutcomeUnknownError(
            f"{subject}: {action} in {region} got no usable answer ({type(error).__name__}); "
            "check the network and run again."
        )
    if not isinstance(error, ClientError):
        kind = MissingCredentialsError if isinstance(error, NoCredentialsError) else ConfigurationError
        return kind(f"{subject}: {action} could not be sent: {redact(str(error), secrets)}")
    if error.operation_name == "AssumeRole":
        # botocore assumes a role when the first call needs its credentials.
        action, service, parameters = error.operation_name, "STS", None
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    reason = redact(error.response.get("Error", {}).get("Message", ""), secrets)
    if status >= 500 and code not in THROTTLE_CODES:
        return OutcomeUnknownError(
            f"{subject}: {action} in {region} failed inside {service} ({code or status}); run again.", code
        )
    code = code or f"status {status}"
    line = f"{subject}: {service} refused {action} in {region} with {code}: " + reason_and_advice(
        code, reason, service=service, action=action, region=region, parameters=parameters
    )
    if code == "InvalidInstanceID.NotFound":
        return InstanceMissingError(line, code)
    if is_gone(code, reason):
        return InstanceGoneError(line, code)
    return AwsError(line, code)
