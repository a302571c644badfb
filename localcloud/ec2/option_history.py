"""The metadata options of one instance over time: when they changed, and when each change was applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The options from `since` on. `applied_at` is infinite while they wait for the next start."""

    since: float
    values: Mapping[str, str]
    applied_at: float

    def state(self, at: float) -> str:
        return "applied" if at >= self.applied_at else "pending"


class OptionHistory:
    """One instance's snapshots, and when it ran. Times are those of `Clock.now`.

    Attributes:
        launched_at: minus infinity for an instance without a launch time.
        pending: seconds that a change of this instance stays pending; None for the setting's.
    """

    def __init__(
        self, values: Mapping[str, str], *, launched_at: float, applied_at: float, pending: float | None
    ) -> None:
        self.launched_at = launched_at
        self.pending = pending
        self._snapshots = [Snapshot(launched_at, dict(values), applied_at)]
        self._running = [(launched_at, True)]

    @property
    def latest(self) -> Snapshot:
        return self._snapshots[-1]

    def at(self, moment: float) -> Snapshot:
        """The snapshot at that time; the first one for a time before the launch."""
        return next((each for each in reversed(self._snapshots) if each.since <= moment), self._snapshots[0])

    def change(self, options: Mapping[str, str], *, now: float, applied_at: float) -> None:
        self._snapshots.append(Snapshot(now, {**self.latest.values, **options}, applied_at))

    def set_running(self, now: float, *, running: bool) -> None:
        self._running.append((now, running))

    def hold(self, now: float) -> None:
        """Make pending options wait for the next start."""
        if self.latest.state(now) == "pending":
            self.change({}, now=now, applied_at=inf)

    def release(self, now: float, delay: float) -> None:
        """Apply pending options `delay` seconds after a start."""
        if self.latest.state(now) == "pending":
            self.change({}, now=now, applied_at=now + delay)

    def spans(self, until: float) -> list[tuple[float, float, Mapping[str, str] | None]]:
        """Start, end and applied values of each span up to `until`, in order; None while the instance did not run."""
        superseded = [*(each.since for each in self._snapshots[1:]), inf]
        applied = [
            (each.applied_at, each.values)
            for each, end in zip(self._snapshots, superseded, strict=True)
            if each.applied_at <= end
        ]
        boundaries = {self.launched_at, until, *(at for at, _ in applied), *(at for at, _ in self._running)}
        return [
            (
                start,
                end,
                _value_at(start, applied, default=self._snapshots[0].values)
                if _value_at(start, self._running, default=True)
                else None,
            )
            for start, end in pairwise(sorted(boundaries))
            if self.launched_at <= start < end <= until
        ]


def _value_at(moment: float, timed: Sequence[tuple[float, T]], *, default: T) -> T:
    """The value that was set last at or before the moment."""
    return next((value for at, value in reversed(timed) if at <= moment), default)
