"""What an error of a call to EC2 means: which of our errors it is, and what a person can do about it.

Source: EC2 API reference, "Error codes for the Amazon EC2 API".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004  botocore's own, the base of its connection errors
    HTTPClientError,
    IncompleteReadError,
)
from botocore.parsers import ResponseParserError

from ..errors import (
    ConfigurationError,
    Ec2Error,
    ImdsError,
    InstanceGoneError,
    InstanceMissingError,
    OutcomeUnknownError,
)

_LOST_ANSWER = (HTTPClientError, ConnectionError, IncompleteReadError, ResponseParserError)

_WHAT_TO_DO = {
    "UnauthorizedOperation": "the credentials in use lack the permission {permission}; grant it and run again",
    "AccessDenied": "the credentials in use lack the permission {permission}; grant it and run again",
    "AuthFailure": "AWS did not accept the credentials; check them and run again",
    "InvalidClientTokenId": "AWS does not know the access key; check the credentials and run again",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key; check the credentials and run again",
    "ExpiredToken": "the credentials have expired; renew them and run again",
    "RequestExpired": "the credentials have expired, or this machine's clock is wrong; renew them and run again",
    "OptInRequired": "this account has not enabled the region; enable it or check aws:region",
    "RequestLimitExceeded": "EC2 throttled the call longer than we kept trying; run again, or lower imds:throttle",
    "IncorrectInstanceState": "the instance is in a state that takes no changes; check it and run again",
    "IncorrectState": "the instance is in a state that takes no changes; check it and run again",
    "UnsupportedOperation": (
        "EC2 does not allow this value here, for example because the account enforces IMDSv2 (HttpTokensEnforced); "
        "want another value, or change that"
    ),
}

_MAY_NOT_ASSUME = (
    "the credentials in use may not assume the role; check aws:assumeRoles, the role's trust policy and the permission "
    "{permission}"
)

_OPAQUE = re.compile(r"[A-Za-z0-9+/=_-]{32,}|\b(?:AKIA|ASIA)[A-Z0-9]{8,}")


THROTTLE_CODES = frozenset({"RequestLimitExceeded", "Throttling"})
DENIED_CODES = frozenset({"UnauthorizedOperation", "AccessDenied"})


def explain(
    error: Exception, *, action: str, subject: str, region: str, secrets: Iterable[str], service: str = "EC2"
) -> ImdsError:
    """The error to raise for one of botocore's, as a sentence about ``subject`` that holds none of ``secrets``."""
    if isinstance(error, _LOST_ANSWER):
        return OutcomeUnknownError(
            f"{subject}: {action} in {region} got no usable answer ({type(error).__name__}); "
            "check the network and run again."
        )
    if not isinstance(error, ClientError):
        return ConfigurationError(f"{subject}: {action} could not be sent: {presentable(str(error), secrets)}")
    if error.operation_name == "AssumeRole":
        # botocore assumes a role when the first call needs its credentials.
        action, service = error.operation_name, "STS"
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    message = presentable(error.response.get("Error", {}).get("Message", ""), secrets)
    if status >= 500 and code not in THROTTLE_CODES:
        return OutcomeUnknownError(
            f"{subject}: {action} in {region} failed inside {service} ({code or status}); run again.", code
        )
    code = code or f"status {status}"
    known = _MAY_NOT_ASSUME if action == "AssumeRole" and code in DENIED_CODES else _WHAT_TO_DO.get(code, "")
    advice = known.format(permission=f"{service.lower()}:{action}") or message.rstrip(". ") or "it gave no reason"
    sentence = f"{subject}: {service} refused {action} in {region} with {code}: {advice}."
    if code == "InvalidInstanceID.NotFound":
        return InstanceMissingError(sentence, code)
    if code == "IncorrectInstanceState" and "terminated" in message:
        return InstanceGoneError(sentence, code)
    return Ec2Error(sentence, code)


def presentable(message: str, secrets: Iterable[str]) -> str:
    """A message of AWS without anything that could be, or decode to, a credential."""
    for secret in secrets:
        message = message.replace(secret, "***")
    return _OPAQUE.sub("***", " ".join(message.split()))
