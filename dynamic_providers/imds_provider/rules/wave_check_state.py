"""The properties of ``MetadataWaveHealthy``: which instances must be healthy before the next wave of a fleet starts."""

from __future__ import annotations

from datetime import datetime, timedelta

from . import allowed_values
from .alarms import AlarmRule
from .barrier_state import (
    ALARMS,
    CHECKED_AT,
    INSUFFICIENT_DATA,
    SOAK_MINUTES,
    TARGETS,
    TITLE,
    UNKNOWN,
    check_targets,
    has_unknown_targets,
    new_targets,
)
from .readiness import Readiness
from .resource_state import DAYS, REGION, WAVE, IsKnown, Properties, forbidden
from .target import render_time
from .validation import Key, Violation, violations
from .wave_health import HealthRule

LEGACY_CALLS = "legacyCalls"
BEFORE = "before"
"""The IDs of the instances that change next. Without any there is nothing to check, and no change."""
REQUIRING = "requiring"
"""Those of them whose IMDSv1 calls are counted again, since they will be refused."""

_RECORDED_INPUTS = (TARGETS, REGION, TITLE, WAVE, SOAK_MINUTES)
_KEYS = (
    Key(REGION, allowed_values.REGION_OF_RESOURCE, required=True),
    Key(SOAK_MINUTES, allowed_values.SOAK_MINUTES),
    Key(DAYS, allowed_values.DAYS),
    Key(UNKNOWN, allowed_values.UNKNOWN),
    Key(LEGACY_CALLS, allowed_values.LEGACY_CALLS),
    Key(ALARMS, allowed_values.ALARM_NAMES),
    Key(INSUFFICIENT_DATA, allowed_values.INSUFFICIENT_DATA),
)


def check(inputs: Properties, is_known: IsKnown) -> list[Violation]:
    """Everything about the inputs that is not allowed."""
    if why := forbidden(inputs):
        return why
    return [*check_targets(inputs, is_known), *violations(inputs, _KEYS, is_known=is_known)]


def changed(recorded: Properties, inputs: Properties, is_known: IsKnown) -> bool:
    """Whether there is anything to check: instances that change next, or new targets."""
    return bool(inputs.get(BEFORE)) or has_unknown_targets(inputs, is_known) or bool(new_targets(recorded, inputs))


def rule(inputs: Properties) -> HealthRule:
    """What the instances must show, in the checked inputs of any of the three resources."""
    soak, days = inputs.get(SOAK_MINUTES), inputs.get(DAYS)
    given = {
        "legacy_calls": inputs.get(LEGACY_CALLS),
        "days": int(days) if isinstance(days, int | float) else None,
        "unknown": inputs.get(UNKNOWN),
    }
    readiness = Readiness(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # checked
    return HealthRule(timedelta(minutes=soak) if isinstance(soak, int | float) else None, readiness)


def alarms(inputs: Properties) -> AlarmRule:
    """The alarms to watch, in the checked inputs of a check or barrier."""
    names, insufficient_data = inputs.get(ALARMS), inputs.get(INSUFFICIENT_DATA)
    if not isinstance(names, list):
        return AlarmRule()
    return AlarmRule(tuple(map(str, names)), insufficient_data or "warn")  # type: ignore[arg-type]  # checked


def requiring(inputs: Properties) -> list[str]:
    """The IDs of the instances whose IMDSv1 calls are counted again."""
    ids = inputs.get(REQUIRING)
    return sorted(map(str, ids)) if isinstance(ids, list) else []


def outputs(inputs: Properties, at: datetime) -> dict[str, object]:
    """The outputs to record."""
    return {**{name: inputs[name] for name in _RECORDED_INPUTS if name in inputs}, CHECKED_AT: render_time(at)}
