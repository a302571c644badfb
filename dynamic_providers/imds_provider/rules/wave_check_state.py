"""The property bag of ``MetadataWaveHealthy``: what must be healthy before the next wave of a fleet begins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from . import validation
from .barrier_state import (
    CHECKED_AT,
    READINESS_UNKNOWN,
    SOAK_MINUTES,
    TARGETS,
    TITLE,
    check_targets,
    new_targets,
    targets,
)
from .readiness import Readiness
from .resource_state import DAYS, REGION, WAVE, Bag, IsKnown
from .target import Target, render_time
from .validation import DEFAULT_DAYS, Key, Violation, violations
from .wave_health import Rule

READINESS_LEGACY_CALLS = "legacyCalls"
BEFORE = "before"
"""The ids of the instances that are changed next: without any there is nothing to protect, and no difference."""
REQUIRING = "requiring"
"""Those of them whose IMDSv1 calls are looked for again, since they are about to be refused."""
FORBIDDEN = "forbidden"
"""Why nothing may be changed: such a check fails before anything is sent, in a preview too."""
_RECORDED = (TARGETS, REGION, TITLE, WAVE, SOAK_MINUTES)
_READINESS = (DAYS, READINESS_UNKNOWN, READINESS_LEGACY_CALLS)
PROPERTY_NAMES = (*_RECORDED, *_READINESS, BEFORE, REQUIRING, FORBIDDEN, CHECKED_AT)


_KEYS = (
    Key(REGION, validation.REGION_OF_RESOURCE, required=True),
    Key(SOAK_MINUTES, validation.SOAK_MINUTES),
    Key(DAYS, validation.DAYS),
    Key(READINESS_UNKNOWN, validation.UNKNOWN),
    Key(READINESS_LEGACY_CALLS, validation.LEGACY_CALLS),
)


def check(bag: Bag, is_known: IsKnown) -> list[Violation]:
    """Everything about the inputs that is not allowed."""
    if isinstance(forbidden := bag.get(FORBIDDEN), str):
        # Without a path, Pulumi shows the sentence alone.
        return [Violation((), forbidden)]
    return [*check_targets(bag, is_known), *violations(bag, _KEYS, is_known=is_known)]


def changed(recorded: Bag, wanted: Bag, is_known: IsKnown) -> bool:
    """Whether there is anything to look at: instances that are changed next, or targets that are new."""
    if wanted.get(BEFORE):
        return True
    given = wanted.get(TARGETS)
    if not isinstance(given, Mapping) or not all(is_known(each) for each in given.values()):
        return True
    return bool(new_targets(recorded, wanted))


def rule(bag: Bag) -> Rule:
    """What the instances must show."""
    soak, days = bag.get(SOAK_MINUTES), bag.get(DAYS)
    return Rule(
        soak=timedelta(minutes=soak) if isinstance(soak, int | float) else None,
        days=int(days) if isinstance(days, int | float) else DEFAULT_DAYS,
        unknown=str(bag.get(READINESS_UNKNOWN) or "warn"),
    )


def to_judge(bag: Bag) -> list[Target]:
    """The instances that must be healthy."""
    return list(targets(bag).values())


def requiring(bag: Bag) -> list[str]:
    """The ids of the instances whose IMDSv1 calls are looked for again."""
    ids = bag.get(REQUIRING)
    return sorted(map(str, ids)) if isinstance(ids, list) else []


def readiness(bag: Bag) -> Readiness:
    """What IMDSv1 calls of those instances do."""
    return Readiness(
        legacy_calls=bag.get(READINESS_LEGACY_CALLS) or "block",  # type: ignore[arg-type]  # judged by check
        days=rule(bag).days,
        unknown=bag.get(READINESS_UNKNOWN) or "warn",  # type: ignore[arg-type]  # judged by check
    )


def outputs(inputs: Bag, at: datetime) -> dict[str, object]:
    """The outputs to record."""
    return {**{name: inputs[name] for name in _RECORDED if name in inputs}, CHECKED_AT: render_time(at)}
