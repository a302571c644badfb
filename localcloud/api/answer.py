"""What the server answers with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    Attributes:
        code: `OK`, the error's, or what a fault did to the answer.
        promised: the length that the headers announce, where it is not the body's.
    """

    status: int
    body: bytes
    code: str = "OK"
    promised: int | None = None
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/xml;charset=UTF-8"),)
