"""Bodies of answers in AWS's XML and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from xml.sax.saxutils import escape

from localcloud.api.errors import AWSError

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def ec2_response(action: str, request_id: str, inner: str) -> str:
    return f'{_HEAD}<{action}Response xmlns="{NAMESPACE}"><requestId>{request_id}</requestId>{inner}</{action}Response>'


def ec2_error(error: AWSError, request_id: str) -> str:
    return (
        f"{_HEAD}<Response><Errors><Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        f"</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )


def query_error(error: AWSError, request_id: str) -> str:
    """In the query protocol of services such as STS."""
    return (
        f"{_HEAD}<ErrorResponse><Error><Type>{'Sender' if error.status < 500 else 'Receiver'}</Type>"
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def json_error(error: AWSError) -> str:
    """In the JSON protocol of services such as CloudWatch."""
    return json.dumps({"__type": error.code, "message": error.message})


def timestamp(moment: datetime) -> str:
    """A UTC time in EC2's format."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"


def elements(values: Mapping[str, str]) -> str:
    """XML elements named as in requests, with the first letter in lower case, as EC2 does."""
    tagged = ((name[0].lower() + name[1:], escape(value)) for name, value in values.items())
    return "".join(f"<{tag}>{text}</{tag}>" for tag, text in tagged)
