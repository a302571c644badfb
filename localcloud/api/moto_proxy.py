"""Calls that moto answers."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from localcloud.api import errors
from localcloud.api.answer import Answer

OWN_HEADERS = ("content-length", "date", "x-amzn-requestid")
"""Headers that localcloud sets itself."""


def forward(environ: Mapping[str, object], body: bytes, *, action: str, request_id: str) -> Answer:
    """Return moto's answer, with the request ID replaced.

    Raises:
        AWSError: InternalError, when moto fails or does not implement the action.
    """
    status, headers = "", list[tuple[str, str]]()

    def start_response(moto_status: str, moto_headers: list[tuple[str, str]], *_: object) -> None:
        nonlocal status
        status = moto_status
        headers.extend(moto_headers)

    try:
        answer_body = b"".join(_moto()({**environ, "wsgi.input": io.BytesIO(body)}, start_response))
    except (NotImplementedError, KeyError, AttributeError, TypeError, ValueError) as error:
        raise errors.AWSError(
            "InternalError", f"moto cannot answer {action}: {type(error).__name__}: {error}"
        ) from error
    code = int(status[:3])
    kept = [(name, value) for name, value in headers if name.lower() not in OWN_HEADERS]
    answer = Answer(code, answer_body, _error_code(answer_body) if code >= 400 else "OK", headers=tuple(kept))
    return with_request_id(answer, request_id)


def with_request_id(answer: Answer, request_id: str) -> Answer:
    pattern = rb"(<RequestI[dD]>|<requestId>)[^<]*(?=</)"
    return replace(answer, body=re.sub(pattern, rb"\g<1>" + request_id.encode(), answer.body))


def _error_code(body: bytes) -> str:
    match = re.search(rb"<Code>([^<]+)</Code>", body)
    return match[1].decode() if match else "Error"


@cache
def _moto() -> DomainDispatcherApplication:
    return DomainDispatcherApplication(create_backend_app)
