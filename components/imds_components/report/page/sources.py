"""What the sources of a report say of its completeness. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from ..posture import Source

_MEANINGS = {
    "failed": "the last update failed, so some instances may be as they were before it",
    "interrupted": "the last update was interrupted, so what it changed last may not be recorded",
    "running": "an update is running, so what it changes is not recorded yet",
    "never": "it was never updated, so it has no outputs",
    "unreadable": "it could not be read, so what it holds is missing from this report",
}


@dataclass(frozen=True)
class Sources:
    """The sources of a report."""

    every: Sequence[Source]

    @property
    def incomplete(self) -> list[Source]:
        """Those that may not show all that there is, in the order of their names."""
        return sorted(
            (each for each in self.every if not each.is_complete), key=lambda each: (each.environment, each.region)
        )

    @property
    def noun(self) -> str:
        """``stack``, ``region``, or ``source`` if there are both kinds."""
        kinds = {each.kind for each in self.every}
        return "source" if len(kinds) != 1 else "stack" if "stack" in kinds else "region"

    @property
    def count(self) -> str:
        """``40 stacks``."""
        return f"{len(self.every):,} {self.noun}{'' if len(self.every) == 1 else 's'}"

    @property
    def warning(self) -> str:
        """``3 of 40 stacks are not complete``."""
        incomplete = len(self.incomplete)
        return f"{incomplete:,} of {self.count} {'is' if incomplete == 1 else 'are'} not complete"

    @property
    def observed(self) -> tuple[str, str]:
        """When the oldest and the newest records were observed, each "" if nobody knows."""
        known = [each.at for each in self.every if each.at]
        return (minute(min(known)), minute(max(known))) if known else ("", "")

    @staticmethod
    def meaning(source: Source) -> str:
        """What the result of an incomplete source means for the report, as a clause."""
        return _MEANINGS.get(source.result, "some of what it holds is missing or out of date")


def minute(at: datetime) -> str:
    """A time for a person: ``2026-11-26 08:30 UTC``."""
    return f"{at.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"
