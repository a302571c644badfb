"""What a barrier and a health check must know of an instance, as one line of the state.

``i-0123456789abcdef0 httpTokens=required change=965f4789 changedAt=2026-11-25T04:40:12Z requiredAt=…``: one line,
because a preview shows it when it changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from .options import HTTP_TOKENS, Options, parse_options, render

_CHANGE, _CHANGED_AT, _REQUIRED_AT = "change", "changedAt", "requiredAt"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_ID_WITH_TIME = re.compile(r"(?P<id>[0-9a-f]+)-(?P<at>\d{8}T\d{6}Z)(?P<wave>-wave-\d+)?")
"""The change of 0.2.0 and 0.3.0: one word, and with the wave of a fleet's instance, whose tokens became required."""


@dataclass(frozen=True)
class Change:
    """The last operation that left something to wait for.

    ``id`` differs for each run. ``at`` is None for an operation that loosened the instance, which cannot break a
    workload, and for one of 0.1.0. ``required_at`` is when tokens last became required, in this operation or before.
    """

    id: str
    at: datetime | None = None
    required_at: datetime | None = None

    def __str__(self) -> str:
        times = ((_CHANGED_AT, self.at), (_REQUIRED_AT, self.required_at))
        return " ".join([f"{_CHANGE}={self.id}", *(f"{name}={render_time(at)}" for name, at in times if at)])


@dataclass(frozen=True)
class Target:
    """An instance, the options wanted of it, and its last change."""

    instance_id: str
    wanted: Options
    change: Change | None = None

    @property
    def required_at(self) -> datetime | None:
        """When tokens became required; None if they are not managed, or were required before."""
        return self.change.required_at if self.change and self.wanted.get(HTTP_TOKENS) == "required" else None

    def __str__(self) -> str:
        """The line that :meth:`parse` reads."""
        return " ".join(part for part in (self.instance_id, render(self.wanted), str(self.change or "")) if part)

    @classmethod
    def parse(cls, line: object) -> Target | None:
        """The target on a line, or None if the line is not one."""
        if not isinstance(line, str):
            return None
        instance_id, *words = line.split(" ")
        of_change = [word for word in words if word.startswith((f"{_CHANGE}=", f"{_CHANGED_AT}=", f"{_REQUIRED_AT}="))]
        wanted = parse_options(word for word in words if word not in of_change)
        if not instance_id or wanted is None:
            return None
        try:
            return cls(instance_id, wanted, _parse_change(dict(word.split("=", 1) for word in of_change)))
        except ValueError:
            return None


def _parse_change(values: Mapping[str, str]) -> Change | None:
    """The change, if the line has one. Raises ``ValueError`` for a time that is not one."""
    change_id = values.get(_CHANGE, "")
    if old := _ID_WITH_TIME.fullmatch(change_id):
        at = _parse_time(old["at"], "%Y%m%dT%H%M%SZ")
        return Change(old["id"], at, at if old["wave"] else None)
    at, required_at = (_parse_time(values.get(name), _TIME) for name in (_CHANGED_AT, _REQUIRED_AT))
    return Change(change_id, at, required_at) if change_id else None


def render_time(at: datetime) -> str:
    """A time as states have it: to the second, in UTC."""
    return f"{at.astimezone(timezone.utc):{_TIME}}"


def _parse_time(at: str | None, time_format: str) -> datetime | None:
    return datetime.strptime(at, time_format).replace(tzinfo=timezone.utc) if at else None
