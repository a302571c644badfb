"""In which order a fleet is changed: waves, assigned by a stable hash of the instance id. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from imds_provider.rules.options import quote
from imds_provider.rules.wave_health import LONGEST_SOAK_MINUTES, is_soak

_PERCENT = re.compile(r"([1-9]\d?|100)%")


@dataclass(frozen=True)
class Rollout:
    """How far each wave goes, and how many minutes (0 to 1440) to watch one before the next.

    Sizes are cumulative, of the instances that a run changes: ``(1, "10%", "100%")`` is one instance, then as many as
    make a tenth of them with it (rounded up), then all. The last wave takes all that is left, whatever it says. Counts
    and percentages each ascend.

    Without ``soak_minutes`` a wave is watched until CloudWatch covers the time after its change: about ten minutes, or
    one to two with detailed monitoring. With 0 it is not watched: only what is known at once counts.

    Raises ``ValueError`` with one line for each thing that is wrong.
    """

    waves: Sequence[int | str] = (1, "10%", "100%")
    soak_minutes: float | None = None

    def __post_init__(self) -> None:
        problems = list(_wrong_waves(self.waves))
        if self.soak_minutes is not None and not is_soak(self.soak_minutes):
            problems.append(f"soak_minutes must be 0 to {LONGEST_SOAK_MINUTES}, got {quote(self.soak_minutes)}.")
        if problems:
            raise ValueError("\n".join(f"Rollout: {problem}" for problem in problems))


def is_wave(value: object) -> bool:
    """Whether the value can be the size of a wave: a whole number from 1, or text from 1% to 100%."""
    if isinstance(value, str):
        return _PERCENT.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


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
    return -(-total * int(size.rstrip("%")) // 100) if isinstance(size, str) else min(size, total)


def _wrong_waves(waves: object) -> Iterator[str]:
    if not isinstance(waves, list | tuple) or not waves:
        yield f"waves must be a list of at least one size, got {quote(waves)}."
        return
    wrong = [size for size in waves if not is_wave(size)]
    yield from (f"a wave must be a whole number from 1, or 1% to 100% as text, got {quote(size)}." for size in wrong)
    if not wrong:
        for kind in (int, str):
            sizes = [size for size in waves if isinstance(size, kind)]
            for one, following in pairwise(sizes):
                if int(str(following).rstrip("%")) <= int(str(one).rstrip("%")):
                    yield f"waves are cumulative, so {quote(following)} cannot come after {quote(one)}."
