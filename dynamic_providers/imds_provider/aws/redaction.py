"""Redact what AWS's messages may hold: credentials, and strings that decode to them."""

from __future__ import annotations

import re
from collections.abc import Iterable

ARN = re.compile(r"\barn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]*:[\w+=,.@:/*-]+")
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_-]{32,}|\b(?:AKIA|ASIA)[A-Z0-9]{8,}")
_OPAQUE_IN_ARN = re.compile(r"[A-Za-z0-9+=]{32,}|\b(?:AKIA|ASIA)[A-Z0-9]{8,}")
_NOT_SHOWN = re.compile(
    r"[\s.;,]*(?:Encoded authorization failure message|The Canonical String for this request|The String-to-Sign)\b.*",
    re.IGNORECASE,
)


def redact(message: str, secrets: Iterable[str]) -> str:
    """Put a message of AWS on one line, without anything that could be, or decode to, a credential.

    The encoded authorization message is left out, and so is what the request was signed as, which quotes the session
    token. ARNs stay, since they say who was denied and by which policy.
    """
    for secret in secrets:
        message = message.replace(secret, "***")
    message = _NOT_SHOWN.sub("", " ".join(message.split()))
    shown, rest = "", 0
    for arn in ARN.finditer(message):
        shown += _OPAQUE.sub("***", message[rest : arn.start()]) + _OPAQUE_IN_ARN.sub("***", arn.group())
        rest = arn.end()
    return shown + _OPAQUE.sub("***", message[rest:])
