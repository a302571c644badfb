"""Whether a wave of a fleet has come through its change: the property bag of ``MetadataWaveHealthy``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .barrier import CHECKED_AT, TARGETS, TITLE, check_targets, checked_at, new_targets, titled
from .legacy_calls import LegacyCalls, told
from .options import HTTP_TOKENS, Violation
from .properties import REGION, WAVE, Bag, IsKnown
from .target import Target

SOAK_MINUTES = "soakMinutes"
FORBIDDEN = "forbidden"
"""Why nothing may be changed: such a check fails before anything is sent, in a preview too."""
PROPERTY_NAMES = (TARGETS, REGION, TITLE, WAVE, SOAK_MINUTES, FORBIDDEN, CHECKED_AT)

LONGEST_SOAK_MINUTES = 1440
WINDOW = timedelta(minutes=5)
"""How far back refused calls count at least: an instance tells CloudWatch every five minutes."""


def is_soak(value: object) -> bool:
    """Whether the value is a number of minutes from 0 to 1440."""
    return not isinstance(value, bool) and isinstance(value, int | float) and 0 <= value <= LONGEST_SOAK_MINUTES


def check(bag: Bag, is_known: IsKnown) -> list[Violation]:
    """Everything about the inputs that is not allowed."""
    if isinstance(forbidden := bag.get(FORBIDDEN), str):
        # Without a property, Pulumi shows the sentence alone.
        return [Violation("", forbidden)]
    found = check_targets(bag, is_known)
    if is_known(bag.get(SOAK_MINUTES)) and not is_soak(bag.get(SOAK_MINUTES)):
        allowed = f"a number of minutes from 0 to {LONGEST_SOAK_MINUTES}"
        found.append(Violation(SOAK_MINUTES, f"{SOAK_MINUTES} must be {allowed}."))
    return found


def to_check(recorded: Bag, wanted: Bag, run: str) -> dict[str, Target]:
    """The targets, by instance id, that have been changed since the last check."""
    found = new_targets(recorded, wanted, run).values()
    return {each.instance_id: each for each in found if each.changed_at is not None}


@dataclass(frozen=True)
class Watch:
    """Until when instances are left to themselves, and from when on a refused call counts."""

    until: datetime
    since: datetime


def watch(changed: Mapping[str, Target], soak_minutes: float, now: datetime) -> Watch:
    """The soak counts from the last change, so a run that goes on after a stop does not begin it anew."""
    times = [each.changed_at for each in changed.values() if each.changed_at is not None]
    soak = timedelta(minutes=soak_minutes)
    until = max([now, *(at + soak for at in times)])
    since = max(min(times, default=until), until - max(soak, WINDOW))
    return Watch(until, since)


def requires_tokens(target: Target) -> bool:
    """Whether calls without a token are refused on the instance."""
    return target.wanted.get(HTTP_TOKENS) == "required"


def progress_line(bag: Bag, count: int, seconds_left: float) -> str:
    """A line for the time of the soak."""
    noun = "instance" if count == 1 else "instances"
    return f"{titled(bag)}{count} {noun} applied, watched for {seconds_left:.0f} s more"


def verdict(bag: Bag, refused: Mapping[str, LegacyCalls | None], impaired: Mapping[str, str]) -> str | None:
    """Why the wave is bad, as one list that is short to read; None if it is not."""
    reasons: dict[str, list[str]] = {}
    for instance_id, calls in refused.items():
        if calls is not None and calls.count > 0:
            reasons.setdefault(instance_id, []).append(f"refused {told(calls)}")
    for instance_id, what in impaired.items():
        reasons.setdefault(instance_id, []).append(what)
    if not reasons:
        return None
    lines = "".join(f"\n  {instance_id}: {', '.join(what)}" for instance_id, what in sorted(reasons.items()))
    return (
        f"{titled(bag)}the rollout stops, since these instances do not do well with their new options:{lines}\n"
        "  Mend what runs on them and run `pulumi up` again: it goes on here.\n"
        "  Or exclude them: the next run goes on without them, and they stay as they are.\n"
        "  To let them use IMDSv1 again at once, exempt them with httpTokens: optional and a reason in allowDowngrade."
    )


def outputs(inputs: Bag, at: datetime) -> dict[str, object]:
    """The outputs to record."""
    return {
        **{name: inputs[name] for name in (TARGETS, REGION, TITLE, WAVE, SOAK_MINUTES) if name in inputs},
        CHECKED_AT: checked_at(at),
    }
