"""The properties of ``MetadataOptionsApplied``: what a barrier waits for, and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from . import allowed_values, validation
from .observation import Observation, Verdict, WaitResult, judge
from .released import Released, released
from .resource_state import DAYS, IF_GONE, REGION, TIMEOUT_SECONDS, WAVE, IsKnown, Properties
from .target import Target, render_time
from .validation import Key, Violation, violations

TARGETS = "targets"
TITLE = "title"
"""The subject of progress lines and errors, such as ``wave 2/3 of web``; a difference in it is not a change."""
CHECKED_AT = "checkedAt"
"""When the barrier of a wave was last passed, to the second, in UTC."""
OWNER = "owner"
"""The owner of the targets in reports on released instances, such as ``fleet web``; a difference is not a change."""
RESTORES = "restores"
"""What is restored on an instance when it is released, by its name among the targets."""
REGIONS = "regions"
"""The regions of instances that are not in ``region``, by their name; a difference is not a change."""
SOAK_MINUTES = "soakMinutes"
UNKNOWN = "unknown"
ALARMS = "alarms"
"""The names of the alarms that must be OK while instances are watched; a difference is not a change."""
INSUFFICIENT_DATA = "insufficientData"
APPLIED_IDS = "appliedIds"
PENDING_START_IDS = "pendingStartIds"
UNKNOWN_IDS = "unknownIds"

_RECORDED_INPUTS = (TARGETS, REGION, REGIONS, TIMEOUT_SECONDS, TITLE, OWNER, RESTORES, WAVE)
_KEYS = (
    Key(REGION, allowed_values.REGION_OF_RESOURCE, required=True),
    Key(TIMEOUT_SECONDS, allowed_values.TIMEOUT_SECONDS, required=True),
    Key(IF_GONE, allowed_values.IF_GONE),
    Key(SOAK_MINUTES, allowed_values.SOAK_MINUTES),
    Key(DAYS, allowed_values.DAYS),
    Key(UNKNOWN, allowed_values.UNKNOWN),
    Key(ALARMS, allowed_values.ALARM_NAMES),
    Key(INSUFFICIENT_DATA, allowed_values.INSUFFICIENT_DATA),
)


def check(inputs: Properties, is_known: IsKnown) -> list[Violation]:
    """Everything about the inputs that is not allowed."""
    return [*check_targets(inputs, is_known), *violations(inputs, _KEYS, is_known=is_known)]


def check_targets(inputs: Properties, is_known: IsKnown) -> list[Violation]:
    """What is not allowed about the targets: each must be the target of a resource, and no instance may come twice."""
    given = inputs.get(TARGETS)
    if not is_known(given):
        return []
    if not isinstance(given, Mapping):
        return [Violation((TARGETS,), "must map names to the targets of InstanceMetadataOptions resources.")]
    found: list[Violation] = []
    names: dict[str, str] = {}
    for name, value in sorted(given.items()):
        if not is_known(value):
            continue
        target = Target.parse(value)
        if target is None or not allowed_values.is_instance_id(target.instance_id):
            reason = f"must be the target of an InstanceMetadataOptions resource, got {validation.quote(value)}."
            found.append(Violation((TARGETS, name), reason))
        elif target.instance_id in names:
            reason = f"is {target.instance_id}, as is {names[target.instance_id]}: give each instance once."
            found.append(Violation((TARGETS, name), reason))
        else:
            names[target.instance_id] = name
    return found


def changed(recorded: Properties, inputs: Properties, is_known: IsKnown) -> bool:
    """Whether the targets or the region differ from the recorded ones; an unknown target does.

    So does what is restored, since a deletion sees only what is recorded; states before 0.3.0 record neither that nor
    an owner. The barrier of a wave has the instances that its run changes, so one that is missing is not a difference.
    """
    if has_unknown_targets(inputs, is_known) or inputs.get(REGION) != recorded.get(REGION):
        return True
    if inputs.get(WAVE) is not None:
        return bool(new_targets(recorded, inputs))
    if recorded.get(OWNER) is not None and inputs.get(RESTORES) != recorded.get(RESTORES):
        return True
    return targets(recorded) != targets(inputs)


def has_unknown_targets(inputs: Properties, is_known: IsKnown) -> bool:
    """Whether a target is known only during the run."""
    given = inputs.get(TARGETS)
    return not isinstance(given, Mapping) or not all(is_known(each) for each in given.values())


def new_targets(recorded: Properties, inputs: Properties) -> dict[str, Target]:
    """The targets that are new or differ from the recorded ones, by instance ID."""
    known = targets(recorded) if recorded.get(REGION) == inputs.get(REGION) else {}
    return {target.instance_id: target for name, target in targets(inputs).items() if known.get(name) != target}


def newly_changed(recorded: Properties, inputs: Properties) -> list[Target]:
    """The targets with a change that is not recorded yet, other than one that loosened the instance."""
    known = {(each.instance_id, each.change.id) for each in targets(recorded).values() if each.change}
    return [
        each
        for each in targets(inputs).values()
        if each.change and each.change.at and (each.instance_id, each.change.id) not in known
    ]


def region_of(properties: Properties) -> dict[str, object]:
    """The region of each instance by ID: its own, or that of the barrier."""
    regions = _mapping(properties, REGIONS)
    return {
        target.instance_id: regions.get(name) or properties.get(REGION) for name, target in targets(properties).items()
    }


def released_instances(
    recorded: Properties, inputs: Properties, managed: Callable[[str], Collection[str]]
) -> list[Released]:
    """The instances whose resources will be deleted.

    ``managed`` gives the options of an instance that resources of the program manage.
    """
    known = targets(inputs)
    undecided = set(_mapping(inputs, TARGETS)) - set(known)
    return released(targets(recorded), known, undecided, _mapping(recorded, RESTORES), managed)


def outputs(inputs: Properties, recorded: Properties, result: WaitResult, now: datetime) -> dict[str, object]:
    """The outputs to record: what was just observed, and the recorded state of targets that did not change."""

    def still(name: str, verdict: Verdict) -> set[str]:
        return _ids(recorded, name) - set(result.verdicts) | set(result.ids(verdict))

    return {
        **{name: inputs[name] for name in _RECORDED_INPUTS if name in inputs},
        **({CHECKED_AT: render_time(now)} if inputs.get(WAVE) is not None else {}),
        **_ids_by_state(
            {target.instance_id for target in targets(inputs).values()} - set(result.gone),
            still(PENDING_START_IDS, Verdict.PENDING_START),
            still(UNKNOWN_IDS, Verdict.UNKNOWN),
        ),
    }


def refreshed_outputs(recorded: Properties, found: Mapping[str, Observation]) -> dict[str, object]:
    """The outputs after a refresh that described the instances of :func:`not_in_force`."""
    wanted = {target.instance_id: target.wanted for target in targets(recorded).values()}
    # A stopped one was changed while it was stopped, or it would not be among them.
    applied = {each for each, seen in found.items() if judge(seen, wanted.get(each, {})) is Verdict.APPLIED}
    others = {name: value for name, value in recorded.items() if name != UNKNOWN_IDS}
    known = {name: _ids(recorded, name) for name in (APPLIED_IDS, PENDING_START_IDS, UNKNOWN_IDS)}
    stopped, unknown = known[PENDING_START_IDS] - applied, known[UNKNOWN_IDS] - applied
    return {**others, **_ids_by_state(set().union(*known.values()), stopped, unknown)}


def not_in_force(recorded: Properties) -> list[str]:
    """The recorded instances that were stopped, or of which EC2 did not report everything that is wanted."""
    return sorted(_ids(recorded, PENDING_START_IDS) | _ids(recorded, UNKNOWN_IDS))


def progress(inputs: Properties, applied: int, pending: int, total: int, seconds: float) -> str:
    """The progress line of the wait."""
    return f"{title(inputs)}{applied} of {total} applied, {pending} pending, {seconds:.0f} s"


def title(inputs: Properties) -> str:
    """The start of a line about the barrier or wave check; empty without a title."""
    return f"{inputs[TITLE]}: " if inputs.get(TITLE) else ""


def failure(reasons: Mapping[str, str], total: int) -> str:
    """The error for instances whose options were not applied, one line per instance."""
    if len(reasons) == 1:
        return next(iter(reasons.values()))
    lines = "".join(f"\n  {reason}" for _, reason in sorted(reasons.items()))
    return f"metadata options not applied on {len(reasons)} of {total} instances:{lines}"


def targets(properties: Properties) -> dict[str, Target]:
    """The known targets by name."""
    pairs = _mapping(properties, TARGETS).items()
    return {name: target for name, value in pairs if (target := Target.parse(value)) is not None}


def _ids_by_state(ids: set[str], stopped: set[str], unknown: set[str]) -> dict[str, object]:
    return {
        APPLIED_IDS: sorted(ids - stopped - unknown),
        PENDING_START_IDS: sorted(ids & stopped),
        # Older states have no such list, and need none where it is empty.
        **({UNKNOWN_IDS: sorted(ids & unknown)} if ids & unknown else {}),
    }


def _mapping(properties: Properties, name: str) -> dict[str, object]:
    given = properties.get(name)
    return {str(key): value for key, value in given.items()} if isinstance(given, Mapping) else {}


def _ids(properties: Properties, name: str) -> set[str]:
    ids = properties.get(name)
    return {str(each) for each in ids} if isinstance(ids, list) else set()
