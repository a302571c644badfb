"""In which order a fleet is changed: waves, assigned by a stable hash of the instance ID."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from imds_provider.rules.alarms import AlarmRule, InsufficientData
from imds_provider.rules.allowed_values import ALARM_NAMES, INSUFFICIENT_DATA, SOAK_MINUTES
from imds_provider.rules.validation import (
    Key,
    Rule,
    Violation,
    either,
    field_violations,
    list_of,
    matching,
    quote,
    raise_for,
    whole_number,
)

_COUNT = whole_number(1, 1_000_000)
_PERCENTAGE = matching("a percentage", r"(?:[1-9]\d?|100)%")
_SIZE = either(_COUNT, _PERCENTAGE, 'a whole number from 1, or a string from "1%" to "100%"')


def _wrong_waves(sizes: object) -> Iterator[Violation]:
    if not isinstance(sizes, list | tuple):
        return
    wrong = [found.within(position) for position, size in enumerate(sizes) for found in _SIZE.check(size)]
    yield from wrong
    if not wrong:
        for kind in (_COUNT, _PERCENTAGE):
            for one, following in pairwise([size for size in sizes if kind.accepts(size)]):
                if _digits(following) <= _digits(one):
                    reason = (
                        f"must ascend, since sizes are cumulative: {quote(following)} cannot come after {quote(one)}."
                    )
                    yield Violation((), reason)


_LIST = list_of(_SIZE, "a list of at least one size", empty=False)
WAVES = Rule(_LIST.allowed, _LIST.accepts, _LIST.schema, _wrong_waves)
KEYS = (
    Key("waves", WAVES),
    Key("soakMinutes", SOAK_MINUTES),
    Key("alarms", ALARM_NAMES),
    Key("insufficientData", INSUFFICIENT_DATA),
)


@dataclass(frozen=True)
class Rollout:
    """How far each wave goes, and how many minutes (0 to 1440) to watch one before the next.

    Sizes are cumulative, of the instances that a run changes: ``(1, "10%", "100%")`` is one instance, then as many as
    make a tenth of them with it (rounded up), then all. The last wave takes all that is left, whatever it says. Counts
    and percentages each ascend.

    Without ``soak_minutes`` a wave is watched until CloudWatch covers the time after its change: about ten minutes, or
    one to two with detailed monitoring. With 0 it is not watched: only what is known at once counts.

    ``alarms`` are names of CloudWatch alarms, metric or composite ones, in each region with instances to change. One in
    ALARM before the first wave fails the preview; one that goes into ALARM stops the rollout, and so does one that does
    not exist. ``insufficient_data`` is what an alarm in INSUFFICIENT_DATA does.

    Raises :class:`InvalidInputError`, a ``ValueError``, with one line per value that is not allowed.
    """

    waves: Sequence[int | str] = (1, "10%", "100%")
    soak_minutes: float | None = None
    alarms: Sequence[str] = ()
    insufficient_data: InsufficientData = "warn"

    def __post_init__(self) -> None:
        raise_for("Rollout", field_violations(self, KEYS))

    @property
    def alarm_rule(self) -> AlarmRule:
        """What the alarms must show."""
        return AlarmRule(tuple(self.alarms), self.insufficient_data)


def assign(ids: Collection[str], rollout: Rollout) -> dict[int, list[str]]:
    """The instances of each wave, by the wave's number from 1; empty waves are left out, and numbers stay.

    The order of the hashes decides who goes first, so that no name or age does.
    """
    ordered = sorted(set(ids), key=lambda instance_id: (hashlib.sha256(instance_id.encode()).digest(), instance_id))
    ends = [_end(size, len(ordered)) for size in rollout.waves[:-1]]
    waves: dict[int, list[str]] = {}
    start = 0
    for number, end in enumerate([*ends, len(ordered)], start=1):
        if end > start:
            waves[number] = ordered[start:end]
            start = end
    return waves


def _end(size: int | str, total: int) -> int:
    """How many instances are done after a wave of that size."""
    return -(-total * _digits(size) // 100) if isinstance(size, str) else min(_digits(size), total)


def _digits(size: object) -> int:
    return int(float(str(size).rstrip("%")))
