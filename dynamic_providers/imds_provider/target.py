"""What a barrier has to know of an instance, as one line of the state. Pure.

``i-0123456789abcdef0 httpTokens=required httpPutResponseHopLimit=2 change=965f4789-20261125T044012Z``: one line,
because that is what a preview shows of it when it changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

from .options import OPTION_NAMES, Options, OptionValue, render

_CHANGE = "change"
_TIME = "%Y%m%dT%H%M%SZ"
_MARK = re.compile(r"(?P<run>[0-9a-f]+)-(?P<at>\d{8}T\d{6}Z)(?:-wave-(?P<wave>\d+))?")


def mark(run: str, at: datetime, wave: object = None) -> str:
    """The mark of a change: the run of Pulumi that made it, when, and in which wave of a fleet."""
    of_wave = f"-wave-{wave:.0f}" if isinstance(wave, int | float) else ""
    return f"{run}-{at.astimezone(timezone.utc):{_TIME}}{of_wave}"


@dataclass(frozen=True)
class Target:
    """An instance, the options wanted of it, and the mark of the last operation that left something to wait for."""

    instance_id: str
    wanted: Options
    change: str = ""

    @property
    def run(self) -> str:
        """The run of Pulumi that made the change, or an empty text."""
        found = _MARK.fullmatch(self.change)
        return found["run"] if found else ""

    @property
    def wave(self) -> int | None:
        """The number of the wave in which the change was made, if it was one of a fleet."""
        found = _MARK.fullmatch(self.change)
        return int(found["wave"]) if found and found["wave"] else None

    @property
    def changed_at(self) -> datetime | None:
        """When the change was made, to the second, in UTC."""
        found = _MARK.fullmatch(self.change)
        return datetime.strptime(found["at"], _TIME).replace(tzinfo=timezone.utc) if found else None

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


def parse_options(parts: Iterable[str]) -> dict[str, OptionValue] | None:
    """Options from ``name=value`` each, as :func:`.options.render` writes them, or None if one is not an option."""
    pairs = dict(part.partition("=")[::2] for part in parts)
    if not set(pairs) <= set(OPTION_NAMES):
        return None
    return {name: int(value) if value.isdecimal() else value for name, value in pairs.items()}
