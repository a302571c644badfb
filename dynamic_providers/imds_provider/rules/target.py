"""What a barrier has to know of an instance, as one line of the state. Pure.

``i-0123456789abcdef0 httpTokens=required httpPutResponseHopLimit=2 change=965f4789-20261125T044012Z``: one line,
because that is what a preview shows of it when it changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

from .options import HTTP_TOKENS, OPTION_NAMES, Options, OptionValue, render

_CHANGE = "change"
_LOOSENED = "-loosened"
_TIME = "%Y%m%dT%H%M%SZ"
_MARK = re.compile(
    r"(?P<run>[0-9a-f]+)-(?P<at>\d{8}T\d{6}Z)(?P<wave>-wave-\d+)?(?:-required-(?P<required>\d{8}T\d{6}Z))?(-loosened)?"
)


def mark(run: str, at: datetime, required_at: datetime | None = None, *, loosened: bool = False) -> str:
    """The mark of a change: the run of Pulumi that made it, when, when tokens became required, or that it loosened."""
    required = f"-required-{_rendered(required_at)}" if required_at else ""
    return f"{run}-{_rendered(at)}{required}{_LOOSENED if loosened else ''}"


@dataclass(frozen=True)
class Target:
    """An instance, the options wanted of it, and the mark of the last operation that left something to wait for."""

    instance_id: str
    wanted: Options
    change: str = ""

    @property
    def changed_at(self) -> datetime | None:
        """When the change was made, to the second, in UTC; None for one that loosened, which can hurt nobody."""
        found = _MARK.fullmatch(self.change)
        return _parsed(found["at"]) if found and not self.change.endswith(_LOOSENED) else None

    @property
    def required_at(self) -> datetime | None:
        """When a change made tokens required, to the second, in UTC; None if none did.

        States of 0.2.0 do not say so. There it counts for each change of a fleet, which bears the number of a wave.
        """
        found = _MARK.fullmatch(self.change)
        if found is None or self.wanted.get(HTTP_TOKENS) != "required":
            return None
        return _parsed(found["required"] or (found["at"] if found["wave"] else None))

    def __str__(self) -> str:
        """The line that :meth:`parse` reads."""
        change = f"{_CHANGE}={self.change}" if self.change else ""
        return " ".join(part for part in (self.instance_id, render(self.wanted), change) if part)

    @classmethod
    def parse(cls, line: object) -> Target | None:
        """The target on a line, or None if it is none."""
        if not isinstance(line, str):
            return None
        instance_id, *parts = line.split(" ")
        marks = [part for part in parts if part.startswith(f"{_CHANGE}=")]
        wanted = parse_options(part for part in parts if part not in marks)
        if not instance_id or wanted is None:
            return None
        return cls(instance_id, wanted, marks[-1].partition("=")[2] if marks else "")


def _rendered(at: datetime) -> str:
    return f"{at.astimezone(timezone.utc):{_TIME}}"


def _parsed(at: str | None) -> datetime | None:
    return datetime.strptime(at, _TIME).replace(tzinfo=timezone.utc) if at else None


def parse_options(parts: Iterable[str]) -> dict[str, OptionValue] | None:
    """Options from ``name=value`` each, as :func:`.options.render` writes them, or None if one is not an option."""
    pairs = dict(part.partition("=")[::2] for part in parts)
    if not set(pairs) <= set(OPTION_NAMES):
        return None
    return {name: int(value) if value.isdecimal() else value for name, value in pairs.items()}
