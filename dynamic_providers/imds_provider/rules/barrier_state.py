"""What a barrier waits for, and what it says: the property bag of ``MetadataOptionsApplied``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from . import validation
from .observation import Observation, Verdict, WaitResult, judge
from .released import Leaver, leavers
from .resource_state import DAYS, IF_GONE, REGION, TIMEOUT_SECONDS, WAVE, Bag, IsKnown
from .target import Target, render_time
from .validation import Key, Violation, violations

TARGETS = "targets"
TITLE = "title"
"""What the progress is told of, such as ``wave 2/3 of web``; no difference."""
CHECKED_AT = "checkedAt"
"""When all members of a wave were last seen through, to the second, in UTC."""
OWNER = "owner"
"""Whose targets these are, such as ``fleet web``, for what is said of those that leave; no difference."""
RESTORES = "restores"
"""What is restored on an instance that leaves, by its name among the targets."""
REGIONS = "regions"
"""The regions of instances that know their own, by their name among the targets; no difference."""
SOAK_MINUTES = "soakMinutes"
READINESS_UNKNOWN = "unknown"
APPLIED_IDS = "appliedIds"
PENDING_START_IDS = "pendingStartIds"
UNKNOWN_IDS = "unknownIds"
_INPUTS = (TARGETS, REGION, REGIONS, TIMEOUT_SECONDS, TITLE, OWNER, RESTORES, WAVE)
PROPERTY_NAMES = (*_INPUTS, CHECKED_AT, APPLIED_IDS, PENDING_START_IDS, UNKNOWN_IDS)


_KEYS = (
    Key(REGION, validation.REGION_OF_RESOURCE, required=True),
    Key(TIMEOUT_SECONDS, validation.TIMEOUT_SECONDS, required=True),
    Key(IF_GONE, validation.IF_GONE),
    Key(SOAK_MINUTES, validation.SOAK_MINUTES),
    Key(DAYS, validation.DAYS),
    Key(READINESS_UNKNOWN, validation.UNKNOWN),
)


def check(bag: Bag, is_known: IsKnown) -> list[Violation]:
    """Everything about the inputs that is not allowed."""
    return [*check_targets(bag, is_known), *violations(bag, _KEYS, is_known=is_known)]


def check_targets(bag: Bag, is_known: IsKnown) -> list[Violation]:
    """What is not allowed about the targets: each a line that is a target, and no instance twice."""
    given = bag.get(TARGETS)
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
        if target is None or not validation.is_instance_id(target.instance_id):
            reason = f"must be the target of an InstanceMetadataOptions resource, got {validation.quote(value)}."
            found.append(Violation((TARGETS, name), reason))
        elif target.instance_id in names:
            reason = f"is {target.instance_id}, as is {names[target.instance_id]}: give each instance once."
            found.append(Violation((TARGETS, name), reason))
        else:
            names[target.instance_id] = name
    return found


def changed(recorded: Bag, wanted: Bag, is_known: IsKnown) -> bool:
    """Whether the targets or the region differ from what was recorded; an unknown target does.

    So does what is restored: a deletion is told only what was recorded. Older states record neither that nor an owner,
    which is no difference. A wave consists of what its run changes, so one that is in it no more is no difference.
    """
    given = wanted.get(TARGETS)
    if not isinstance(given, Mapping) or not all(is_known(each) for each in given.values()):
        return True
    if wanted.get(REGION) != recorded.get(REGION):
        return True
    if wanted.get(WAVE) is not None:
        return bool(new_targets(recorded, wanted))
    if recorded.get(OWNER) is not None and wanted.get(RESTORES) != recorded.get(RESTORES):
        return True
    return targets(recorded) != targets(wanted)


def new_targets(recorded: Bag, wanted: Bag) -> dict[str, Target]:
    """The targets, by name, that are new or others than recorded."""
    known = targets(recorded) if recorded.get(REGION) == wanted.get(REGION) else {}
    return {name: target for name, target in targets(wanted).items() if known.get(name) != target}


def to_wait_for(recorded: Bag, wanted: Bag) -> dict[str, Target]:
    """The instances with new targets, by id."""
    return {target.instance_id: target for target in new_targets(recorded, wanted).values()}


def region_of(bag: Bag) -> dict[str, object]:
    """The region of each instance, by id: its own, or that of the barrier."""
    regions = _mapping(bag, REGIONS)
    return {target.instance_id: regions.get(name) or bag.get(REGION) for name, target in targets(bag).items()}


def leaving(recorded: Bag, wanted: Bag, managed: Callable[[str], Collection[str]]) -> list[Leaver]:
    """The instances whose resources will be deleted. ``managed`` gives what resources of the program manage of one."""
    known = targets(wanted)
    undecided = set(_mapping(wanted, TARGETS)) - set(known)
    return leavers(targets(recorded), known, undecided, _mapping(recorded, RESTORES), managed)


def outputs(inputs: Bag, recorded: Bag, result: WaitResult, now: datetime) -> dict[str, object]:
    """The outputs to record: what was just seen, and what was recorded of the targets that did not change."""

    def still(name: str, verdict: Verdict) -> set[str]:
        return _ids(recorded, name) - set(result.verdicts) | set(result.ids(verdict))

    return {
        **{name: inputs[name] for name in _INPUTS if name in inputs},
        **({CHECKED_AT: render_time(now)} if inputs.get(WAVE) is not None else {}),
        **_sorted_out(
            inputs,
            still(PENDING_START_IDS, Verdict.PENDING_START),
            still(UNKNOWN_IDS, Verdict.UNKNOWN),
            result.gone,
        ),
    }


def after_another_look(recorded: Bag, found: Mapping[str, Observation]) -> dict[str, object]:
    """The outputs with those that were not in force, now judged by another observation."""
    wanted = {target.instance_id: target.wanted for target in targets(recorded).values()}
    # A stopped one was changed while it was stopped, or it would not be among them.
    verdicts = {each: judge(seen, wanted.get(each, {})) for each, seen in found.items()}
    stopped = {each for each in _ids(recorded, PENDING_START_IDS) if verdicts.get(each) is not Verdict.APPLIED}
    unknown = {each for each in _ids(recorded, UNKNOWN_IDS) if verdicts.get(each) is not Verdict.APPLIED}
    others = {name: value for name, value in recorded.items() if name != UNKNOWN_IDS}
    return {**others, **_sorted_out(recorded, stopped, unknown)}


def not_in_force(recorded: Bag) -> list[str]:
    """The recorded instances that had yet to start, or that EC2 did not report all of."""
    return sorted(_ids(recorded, PENDING_START_IDS) | _ids(recorded, UNKNOWN_IDS))


def progress_line(bag: Bag, applied: int, pending: int, total: int, seconds: float) -> str:
    """A line for the time of waiting."""
    return f"{titled(bag)}{applied} of {total} applied, {pending} pending, {seconds:.0f} s"


def titled(bag: Bag) -> str:
    """The beginning of a line about what the bag is titled as."""
    return f"{bag[TITLE]}: " if bag.get(TITLE) else ""


def failure(reasons: Mapping[str, str], total: int) -> str:
    """Which instances did not get their options applied, and why: one line per instance."""
    if len(reasons) == 1:
        return next(iter(reasons.values()))
    lines = "".join(f"\n  {reason}" for _, reason in sorted(reasons.items()))
    return f"{len(reasons)} of {total} instances did not get their metadata options applied:{lines}"


def _sorted_out(bag: Bag, stopped: set[str], unknown: set[str], gone: Collection[str] = ()) -> dict[str, object]:
    ids = {target.instance_id for target in targets(bag).values()} - set(gone)
    return {
        APPLIED_IDS: sorted(ids - stopped - unknown),
        PENDING_START_IDS: sorted(ids & stopped),
        # Older states have no such list, and need none where it is empty.
        **({UNKNOWN_IDS: sorted(ids & unknown)} if ids & unknown else {}),
    }


def targets(bag: Bag) -> dict[str, Target]:
    """The targets by name."""
    pairs = _mapping(bag, TARGETS).items()
    return {name: target for name, value in pairs if (target := Target.parse(value)) is not None}


def _mapping(bag: Bag, name: str) -> dict[str, object]:
    given = bag.get(name)
    return {str(key): value for key, value in given.items()} if isinstance(given, Mapping) else {}


def _ids(bag: Bag, name: str) -> set[str]:
    ids = bag.get(name)
    return {str(each) for each in ids} if isinstance(ids, list) else set()
