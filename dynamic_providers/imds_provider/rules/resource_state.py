"""The property bag of ``InstanceMetadataOptions``: what may go in, what counts as a change, what comes out.

The property names are a contract with the state of every stack that uses the resource.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from . import validation
from .loosening import loosened
from .observation import STOPPED_STATES, Observation, Verdict, judge
from .options import (
    HTTP_TOKENS,
    OPTION_NAMES,
    Options,
    OptionValue,
    changes,
    decode,
    option_violations,
    unknown,
)
from .planned_change import asks_for_change
from .target import Change, Target
from .validation import Key, Violation, violations

INSTANCE_ID = "instanceId"
REGION = "region"
ON_DESTROY = "onDestroy"
WAIT = "wait"
TIMEOUT_SECONDS = "timeoutSeconds"
WAVE = "wave"
"""The wave of a fleet that the instance belonged to; recorded by 0.2.0, and no difference."""
ALLOW_DOWNGRADE = "allowDowngrade"
"""Why the options may be loosened. Recorded, since a restore needs it when the program no longer has the resource."""

CHANGE = "change"
"""What the program saw that will change: a difference for as long as it is given, recorded in no output."""
FOUND = "found"
"""What the program saw of an instance that has what is wanted, so that it need not be described again."""
UNHEALTHY = "unhealthy"
"""What the program saw to be wrong with an instance that is to be changed again; recorded in no output."""
DAYS = "days"
"""For how many days a change is remembered; recorded in no output."""
IF_GONE = "ifGone"
"""What an instance that is terminated, or does not exist, is to the run; recorded in no output."""

STATE = "state"
PREVIOUS = "previous"
OWNER_ID = "ownerId"
TARGET = "target"
PENDING_START = "pending-start"
UNFINISHED = "unfinished"
"""Why a change that EC2 has taken, or may have, was not seen through: the next run does so."""

SETTINGS = (INSTANCE_ID, REGION, ON_DESTROY, WAIT, TIMEOUT_SECONDS, WAVE, ALLOW_DOWNGRADE)
PROPERTY_NAMES = (*SETTINGS, CHANGE, FOUND, UNHEALTHY, IF_GONE, STATE, PREVIOUS, OWNER_ID, TARGET, UNFINISHED)
"""All but the options."""

IDENTITY = (INSTANCE_ID, REGION)
"""A change of one of these means another instance, hence a replacement."""

WARN = "warn"
RESTORE = "restore"
DEFAULT_TIMEOUT_SECONDS = 120

Bag = Mapping[str, object]
IsKnown = Callable[[object], bool]
InstanceKey = tuple[object, object]


_KEYS = (
    Key(INSTANCE_ID, validation.INSTANCE_ID, required=True),
    Key(REGION, validation.REGION_OF_RESOURCE, required=True),
    Key(ON_DESTROY, validation.ON_DESTROY, required=True),
    Key(WAIT, validation.FLAG, required=True),
    Key(TIMEOUT_SECONDS, validation.TIMEOUT_SECONDS, required=True),
    *(Key(name, validation.LINE) for name in (CHANGE, FOUND, UNHEALTHY)),
    Key(DAYS, validation.DAYS),
    Key(IF_GONE, validation.IF_GONE),
    Key(ALLOW_DOWNGRADE, validation.REASON),
)


def check(bag: Bag, is_known: IsKnown) -> list[Violation]:
    """Everything about the inputs that is not allowed. ``is_known`` is false for a value not known before the run."""
    return [*violations(bag, _KEYS, is_known=is_known), *option_violations(bag, is_known=is_known)]


@dataclass(frozen=True)
class Difference:
    """What the engine has to know of a difference: whether there is one, and which properties force a replacement."""

    changed: bool
    replaces: list[str]


def diff(recorded: Bag, wanted: Bag, is_known: IsKnown) -> Difference:
    """Compare the recorded outputs with the new inputs, without looking at the instance.

    ``wait`` and ``timeoutSeconds`` are no differences: they say how to carry out one.
    """
    replaces = [name for name in IDENTITY if wanted.get(name) != recorded.get(name)]
    given = {name: wanted[name] for name in OPTION_NAMES if wanted.get(name) is not None}
    changed = (
        not all(is_known(value) for value in given.values())
        or set(given) != set(managed(recorded))
        or bool(changes(decode(recorded), decode(given)))
        or any(wanted.get(name) != recorded.get(name) for name in (ON_DESTROY, ALLOW_DOWNGRADE))
        or bool(recorded.get(UNFINISHED))
        or asks_for_change(wanted.get(CHANGE), wanted)
    )
    return Difference(changed or bool(replaces), replaces)


def needs_ec2(recorded: Bag, inputs: Bag) -> bool:
    """Whether an update has to look at the instance.

    It has when an option is newly set, or differs from what was recorded or from what the program saw, or when the
    last change was not seen through.
    """
    wanted = decode(inputs)
    return (
        not set(wanted) <= set(managed(recorded))
        or bool(changes(decode(recorded), wanted))
        or bool(recorded.get(UNFINISHED))
        or asks_for_change(inputs.get(CHANGE), inputs)
    )


def instance_key(bag: Bag) -> InstanceKey:
    """The region and ID that identify the instance in a run."""
    return bag.get(REGION), bag.get(INSTANCE_ID)


def option_names(bag: Bag) -> list[str]:
    """The options that are set, known or not."""
    return [name for name in OPTION_NAMES if bag.get(name) is not None]


def managed(recorded: Bag) -> Options:
    """The options that the program set when the outputs were recorded, with the values it wanted."""
    target = Target.parse(recorded.get(TARGET))
    return target.wanted if target else decode(recorded)


def previous(recorded: Bag) -> dict[str, OptionValue]:
    """The recorded values from before the options were first managed."""
    values = recorded.get(PREVIOUS)
    return decode(values) if isinstance(values, Mapping) else {}


def merge_previous(recorded: Options, before: Options, wanted: Options) -> dict[str, OptionValue]:
    """``previous`` after a create or update: kept where there is one, what was there before for a newly managed option.

    An option that is no longer managed is dropped, so that nothing is ever restored that the program does not manage.
    """
    known = {**before, **recorded}
    return {name: known[name] for name in wanted if name in known}


def settings(bag: Bag) -> dict[str, object]:
    """The inputs that are not options."""
    return {name: bag[name] for name in SETTINGS if bag.get(name) is not None}


def outputs(
    inputs: Bag, seen: Observation, was: Options, change: Change | None, unfinished: str = "", *, changed: bool = False
) -> dict[str, object]:
    """The outputs to record: the inputs that are not options, and what was observed.

    ``change`` is another after every operation that leaves something to wait for; ``changed`` says whether this one
    has sent anything.
    """
    return {
        **({UNFINISHED: unfinished} if unfinished else {}),
        **settings(inputs),
        **_observed(inputs, seen, decode(inputs), changed=changed),
        PREVIOUS: dict(was),
        TARGET: str(Target(seen.instance_id, decode(inputs), change)),
    }


def outputs_if_gone(inputs: Bag, recorded: Bag) -> dict[str, object]:
    """The outputs to record of an instance that is gone: what was known of it."""
    kept = {name: value for name, value in recorded.items() if name not in (*SETTINGS, UNFINISHED)}
    target = Target(str(inputs[INSTANCE_ID]), decode(inputs), change_of(recorded))
    return {**kept, **settings(inputs), PREVIOUS: previous(recorded), TARGET: str(target)}


def refreshed_outputs(recorded: Bag, seen: Observation) -> dict[str, object]:
    """The outputs after a look at the instance. Without recorded ones (``opts.id``) it counts as managed from now."""
    wanted = managed(recorded)
    changed = recorded.get(STATE) == PENDING_START
    finished = judge(seen, wanted, changed=changed) is not Verdict.PENDING
    dropped = (*OPTION_NAMES, UNFINISHED) if finished else OPTION_NAMES
    kept = {name: value for name, value in recorded.items() if name not in dropped}
    return {
        PREVIOUS: merge_previous({}, seen.options, wanted),
        TARGET: str(Target(seen.instance_id, wanted)),
        **kept,
        **_observed(recorded, seen, wanted, changed=changed),
    }


def refreshed_inputs(recorded: Bag, seen: Observation) -> dict[str, object]:
    """The inputs that would describe the instance as it is now, so that the next preview shows the way back."""
    wanted = managed(recorded)
    return {**settings(recorded), **wanted, **{name: seen.options[name] for name in wanted if name in seen.options}}


def _observed(bag: Bag, seen: Observation, wanted: Options, *, changed: bool) -> dict[str, object]:
    """What was seen. Nothing has waited for ``state`` where ``wait`` is false, so it would soon be wrong there."""
    state = {STATE: state_of(seen, wanted, changed=changed)} if bag.get(WAIT) is not False else {}
    return {**seen.options, OWNER_ID: seen.owner_id, **state}


def state_of(seen: Observation, wanted: Options, *, changed: bool) -> str:
    """``applied`` or ``pending`` as EC2 says, ``pending-start`` or ``unknown``.

    ``pending-start`` is for a stopped instance with a change to take up, ``unknown`` for one of which EC2 does not
    report all that is wanted.
    """
    if seen.instance_state in STOPPED_STATES and (changed or seen.is_pending):
        return PENDING_START
    return "unknown" if unknown(seen.options, wanted) else seen.state or "applied"


def change_of(recorded: Bag) -> Change | None:
    """The recorded change."""
    target = Target.parse(recorded.get(TARGET))
    return target.change if target else None


def last_change(
    run: str, at: datetime, recorded: Bag, before: Options, after: Options, *, changed: bool
) -> Change | None:
    """The change to record after an operation: this one if it ``changed`` anything, else the recorded one.

    A run that was killed may have required tokens without recording it, which shows by what is recorded.
    """
    old = Target.parse(recorded.get(TARGET))
    is_required = after.get(HTTP_TOKENS) == "required"
    became_required = is_required and "optional" in (before.get(HTTP_TOKENS), recorded.get(HTTP_TOKENS))
    if not changed and not became_required:
        return old.change if old else None
    required_at = at if became_required else old.required_at if old and is_required else None
    return Change(run, None if loosened(before, after) else at, required_at)


def refreshed_target(recorded: Bag, seen: Observation, run: str, at: datetime) -> dict[str, object]:
    """The target after a refresh, if tokens have become required: that may be the change of a run that was killed."""
    target = Target.parse(recorded.get(TARGET))
    if target is None or target.wanted.get(HTTP_TOKENS) != "required":
        return {}
    change = last_change(run, at, recorded, {}, seen.options, changed=False)
    return {TARGET: str(replace(target, change=change))} if change != target.change else {}


def carried_over(recorded: Bag, inputs: Bag) -> dict[str, object]:
    """The outputs after a change of the inputs that the instance does not have to hear of."""
    wanted = decode(inputs)
    dropped = SETTINGS if inputs.get(WAIT) is not False else (*SETTINGS, STATE)
    kept = {name: value for name, value in recorded.items() if name not in dropped}
    return {
        **kept,
        **settings(inputs),
        PREVIOUS: merge_previous(previous(recorded), {}, wanted),
        TARGET: str(Target(str(inputs[INSTANCE_ID]), wanted, change_of(recorded))),
    }
