"""The property bag of ``MetadataWaveHealthy``: what must be healthy before the next wave of a fleet begins. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from .barrier_state import CHECKED_AT, TARGETS, TITLE, check_targets, checked_at, new_targets, targets
from .options import Violation
from .readiness import LEGACY_CALLS, UNKNOWN, Readiness, is_days
from .resource_state import REGION, WAVE, Bag, IsKnown
from .target import Target
from .wave_health import DAYS, LONGEST_SOAK_MINUTES, Rule, is_soak

SOAK_MINUTES = "soakMinutes"
READINESS_DAYS = "days"
READINESS_UNKNOWN = "unknown"
READINESS_LEGACY_CALLS = "legacyCalls"
BEFORE = "before"
"""The ids of the instances that are changed next: without any there is nothing to protect, and no difference."""
REQUIRING = "requiring"
"""Those of them whose IMDSv1 calls are looked for again, since they are about to be refused."""
FORBIDDEN = "forbidden"
"""Why nothing may be changed: such a check fails before anything is sent, in a preview too."""
_RECORDED = (TARGETS, REGION, TITLE, WAVE, SOAK_MINUTES)
_READINESS = (READINESS_DAYS, READINESS_UNKNOWN, READINESS_LEGACY_CALLS)
PROPERTY_NAMES = (*_RECORDED, *_READINESS, BEFORE, REQUIRING, FORBIDDEN, CHECKED_AT)


def check(bag: Bag, is_known: IsKnown) -> list[Violation]:
    """Everything about the inputs that is not allowed."""
    if isinstance(forbidden := bag.get(FORBIDDEN), str):
        # Without a property, Pulumi shows the sentence alone.
        return [Violation("", forbidden)]
    found = check_targets(bag, is_known)
    soak, days = bag.get(SOAK_MINUTES), bag.get(READINESS_DAYS)
    if soak is not None and is_known(soak) and not is_soak(soak):
        allowed = f"a number of minutes from 0 to {LONGEST_SOAK_MINUTES}"
        found.append(Violation(SOAK_MINUTES, f"{SOAK_MINUTES} must be {allowed}."))
    if days is not None and is_known(days) and not is_days(_whole(days)):
        found.append(Violation(READINESS_DAYS, f"{READINESS_DAYS} must be a whole number of days from 1 to 455."))
    for name, allowed_values in ((READINESS_UNKNOWN, UNKNOWN), (READINESS_LEGACY_CALLS, LEGACY_CALLS)):
        value = bag.get(name)
        if value is not None and is_known(value) and value not in allowed_values:
            found.append(Violation(name, f"{name} must be {' or '.join(allowed_values)}."))
    return found


def _whole(number: object) -> object:
    """The number as Pulumi was given it: it has floats alone."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


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
    soak, days = bag.get(SOAK_MINUTES), bag.get(READINESS_DAYS)
    return Rule(
        soak=timedelta(minutes=soak) if isinstance(soak, int | float) else None,
        days=int(days) if isinstance(days, int | float) else DAYS,
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
    return {**{name: inputs[name] for name in _RECORDED if name in inputs}, CHECKED_AT: checked_at(at)}
