"""The properties of ``InstanceMetadataOptions``: which inputs are valid, what counts as a change, what is recorded.

The property names are a contract with the state of every stack that uses the resource.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from . import allowed_values
from .loosening import loosened
from .observation import STOPPED_STATES, Observation, Verdict, judge
from .options import HTTP_TOKENS, OPTION_NAMES, Options, OptionValue, changes, decode, option_violations, unknown
from .planned_change import asks_for_change
from .target import Change, Target
from .validation import Key, Violation, violations

INSTANCE_ID = "instanceId"
REGION = "region"
ON_DESTROY = "onDestroy"
WAIT = "wait"
TIMEOUT_SECONDS = "timeoutSeconds"
WAVE = "wave"
"""The wave of a fleet that the instance belonged to. Recorded by 0.2.0; a difference in it is not a change."""
ALLOW_DOWNGRADE = "allowDowngrade"
"""Why the options may be loosened. Recorded, since a restore needs it when the program no longer has the resource."""

CHANGE = "change"
"""What will change, as the program found. It makes an update for as long as it is given, and is not recorded."""
FOUND = "found"
"""An instance that the program found to have the wanted options, so that it is not described again. Not recorded."""
UNHEALTHY = "unhealthy"
"""Why the program found an instance unhealthy that is to be changed again. Not recorded."""
DAYS = "days"
"""For how many days a change counts in a health check. Not recorded."""
IF_GONE = "ifGone"
"""Whether a terminated or missing instance fails the resource or is warned of. Not recorded."""

FORBIDDEN = "forbidden"
"""Why nothing may be changed: the check fails before anything is sent, in a preview too. Not recorded."""

STATE = "state"
PREVIOUS = "previous"
OWNER_ID = "ownerId"
TARGET = "target"
PENDING_START = "pending-start"
UNFINISHED = "unfinished"
"""Why a change was not completed that EC2 has accepted, or may have; the next run completes it."""

SETTINGS = (INSTANCE_ID, REGION, ON_DESTROY, WAIT, TIMEOUT_SECONDS, WAVE, ALLOW_DOWNGRADE)
"""The recorded inputs that are not options."""
IDENTITY = (INSTANCE_ID, REGION)
"""A change of one of these means another instance, hence a replacement."""

WARN = "warn"
RESTORE = "restore"
DEFAULT_TIMEOUT_SECONDS = 120

Properties = Mapping[str, object]
InstanceKey = tuple[object, object]
IsKnown = Callable[[object], bool]
"""False for an output whose value is known only during the run."""

_KEYS = (
    Key(INSTANCE_ID, allowed_values.INSTANCE_ID, required=True),
    Key(REGION, allowed_values.REGION_OF_RESOURCE, required=True),
    Key(ON_DESTROY, allowed_values.ON_DESTROY, required=True),
    Key(WAIT, allowed_values.FLAG, required=True),
    Key(TIMEOUT_SECONDS, allowed_values.TIMEOUT_SECONDS, required=True),
    *(Key(name, allowed_values.LINE) for name in (CHANGE, FOUND, UNHEALTHY)),
    Key(DAYS, allowed_values.DAYS),
    Key(IF_GONE, allowed_values.IF_GONE),
    Key(ALLOW_DOWNGRADE, allowed_values.REASON),
)


def forbidden(inputs: Properties) -> list[Violation]:
    """The violation of inputs that say why nothing may be changed."""
    reason = inputs.get(FORBIDDEN)
    # Without a path, Pulumi shows the message alone.
    return [Violation((), reason)] if isinstance(reason, str) else []


def check(inputs: Properties, is_known: IsKnown) -> list[Violation]:
    """Everything about the inputs that is not allowed."""
    return [*option_violations(inputs, is_known=is_known), *violations(inputs, _KEYS, is_known=is_known)]


def replaces(recorded: Properties, inputs: Properties) -> list[str]:
    """The properties that differ and replace the resource."""
    return [name for name in IDENTITY if inputs.get(name) != recorded.get(name)]


def changed(recorded: Properties, inputs: Properties, is_known: IsKnown) -> bool:
    """Whether the new inputs differ from the recorded outputs, without describing the instance.

    ``wait`` and ``timeoutSeconds`` are compared with nothing: they say how to carry out a change.
    """
    return (
        bool(replaces(recorded, inputs))
        or manages_otherwise(recorded, inputs, is_known, given=option_names(inputs), managed=managed(recorded))
        or needs_ec2(recorded, inputs)
    )


def manages_otherwise(
    recorded: Properties, inputs: Properties, is_known: IsKnown, *, given: Collection[str], managed: Iterable[str]
) -> bool:
    """Whether values other than ``managed`` are ``given``, one is not known yet, or what a restore needs differs."""
    return (
        not all(is_known(inputs[name]) for name in given)
        or set(given) != set(managed)
        or any(inputs.get(name) != recorded.get(name) for name in (ON_DESTROY, ALLOW_DOWNGRADE))
    )


def needs_ec2(recorded: Properties, inputs: Properties) -> bool:
    """Whether an update has to describe the instance.

    It does if an option is newly set, or differs from the recorded or live value, or if the last change is unfinished.
    """
    wanted = decode(inputs)
    return (
        not set(wanted) <= set(managed(recorded))
        or bool(changes(decode(recorded), wanted))
        or bool(recorded.get(UNFINISHED))
        or asks_for_change(inputs.get(CHANGE), wanted)
    )


def instance_key(properties: Properties) -> InstanceKey:
    """The region and ID that identify the instance in a run."""
    return properties.get(REGION), properties.get(INSTANCE_ID)


def option_names(inputs: Properties) -> list[str]:
    """The options that are set, known or not."""
    return [name for name in OPTION_NAMES if inputs.get(name) is not None]


def managed(recorded: Properties) -> Options:
    """The options that the program set when the outputs were recorded, with the values it wanted."""
    target = Target.parse(recorded.get(TARGET))
    return target.wanted if target else decode(recorded)


def previous(recorded: Properties) -> dict[str, OptionValue]:
    """The recorded values from before the options were first managed."""
    values = recorded.get(PREVIOUS)
    return decode(values) if isinstance(values, Mapping) else {}


def merge_previous(recorded: Options, before: Options, wanted: Options) -> dict[str, OptionValue]:
    """``previous`` after a create or update: the recorded values, and ``before`` for newly managed options.

    An option that is no longer managed is dropped, so that nothing is ever restored that the program does not manage.
    """
    known = {**before, **recorded}
    return {name: known[name] for name in wanted if name in known}


def settings(inputs: Properties) -> dict[str, object]:
    """The inputs to record that are not options."""
    return {name: inputs[name] for name in SETTINGS if inputs.get(name) is not None}


def outputs(
    inputs: Properties,
    seen: Observation,
    before: Options,
    change: Change | None,
    unfinished: str = "",
    *,
    changed: bool = False,
) -> dict[str, object]:
    """The outputs to record: the inputs that are not options, and what was observed.

    ``changed`` says whether this operation sent a modification.
    """
    return {
        **({UNFINISHED: unfinished} if unfinished else {}),
        **settings(inputs),
        **_observed(inputs, seen, decode(inputs), changed=changed),
        PREVIOUS: dict(before),
        TARGET: str(Target(seen.instance_id, decode(inputs), change)),
    }


def outputs_if_gone(inputs: Properties, recorded: Properties) -> dict[str, object]:
    """The outputs to record of an instance that is gone: its last known ones."""
    kept = {name: value for name, value in recorded.items() if name not in (*SETTINGS, UNFINISHED)}
    return {**kept, **settings(inputs), PREVIOUS: previous(recorded), TARGET: _carried_target(recorded, inputs)}


def carried_over(recorded: Properties, inputs: Properties) -> dict[str, object]:
    """The outputs after an update that does not need the instance."""
    dropped = SETTINGS if inputs.get(WAIT) is not False else (*SETTINGS, STATE)
    kept = {name: value for name, value in recorded.items() if name not in dropped}
    before = merge_previous(previous(recorded), {}, decode(inputs))
    return {**kept, **settings(inputs), PREVIOUS: before, TARGET: _carried_target(recorded, inputs)}


def refreshed_outputs(recorded: Properties, seen: Observation) -> dict[str, object]:
    """The outputs after a refresh. Without recorded ones (``opts.id``) the instance counts as managed from now on."""
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


def refreshed_target(recorded: Properties, seen: Observation, run: str, at: datetime) -> dict[str, object]:
    """The target after a refresh if tokens have become required: a run that was killed may have changed them."""
    target = Target.parse(recorded.get(TARGET))
    if target is None or target.wanted.get(HTTP_TOKENS) != "required":
        return {}
    change = last_change(run, at, recorded, {}, seen.options, changed=False)
    return {TARGET: str(replace(target, change=change))} if change != target.change else {}


def refreshed_inputs(recorded: Properties, seen: Observation) -> dict[str, object]:
    """Inputs that match the instance as it is, so that the next preview shows the difference to the program."""
    wanted = managed(recorded)
    return {**settings(recorded), **wanted, **{name: seen.options[name] for name in wanted if name in seen.options}}


def last_change(
    run: str, at: datetime, recorded: Properties, before: Options, after: Options, *, changed: bool
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


def _carried_target(recorded: Properties, inputs: Properties) -> str:
    """The target for new inputs, with the recorded change."""
    old = Target.parse(recorded.get(TARGET))
    return str(Target(str(inputs[INSTANCE_ID]), decode(inputs), old.change if old else None))


def _observed(properties: Properties, seen: Observation, wanted: Options, *, changed: bool) -> dict[str, object]:
    """What was observed. With ``wait`` false nothing waits for ``state``, so it would soon be out of date."""
    state = {STATE: _state(seen, wanted, changed=changed)} if properties.get(WAIT) is not False else {}
    return {**seen.options, OWNER_ID: seen.owner_id, **state}


def _state(seen: Observation, wanted: Options, *, changed: bool) -> str:
    """``applied`` or ``pending`` as EC2 reports, ``pending-start`` or ``unknown``.

    ``pending-start`` is for a stopped instance whose change applies at its next start, ``unknown`` for an instance of
    which EC2 does not report everything that is wanted.
    """
    if seen.instance_state in STOPPED_STATES and (changed or seen.is_pending):
        return PENDING_START
    return "unknown" if unknown(seen.options, wanted) else seen.state or "applied"
