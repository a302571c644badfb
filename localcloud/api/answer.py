"""An HTTP answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """Status, body and headers of an answer.

    Attributes:
        code: for the call log: `OK`, an error code, or what a fault did (`Truncated`).
        content_length: the length to announce, where a fault makes it differ from the body's.
    """

    status: int
    body: bytes
    code: str = "OK"
    content_length: int | None = None
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/xml;charset=UTF-8"),)

    @classmethod
    def json(cls, body: str, *, status: int = 200, code: str = "OK") -> Answer:
        """In AWS's JSON protocol."""
        return cls(status, body.encode(), code, headers=(("Content-Type", "application/x-amz-json-1.0"),))
