"""The summary of a fleet that a preview logs. What a run exports is in ``outputs``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from imds_provider.rules.observation import STOPPED_STATES, Observation
from imds_provider.rules.options import OPTION_NAMES
from imds_provider.rules.wording import shorten

from .member import Member


def fleet_lines(
    name: str,
    members: Sequence[Member],
    waves: Mapping[int, Sequence[str]],
    service_managed: Sequence[Observation] = (),
) -> list[str]:
    """A heading, and one line for each group of instances.

    Stopped and blocked instances count among those to change as well; exempt ones without options count nowhere else.
    ``waves`` has the instances of each wave by its number. ``service_managed`` are instances that are left out.
    """
    to_change = [each for each in members if each.changes]
    unknown = [each for each in members if each.is_unknown]
    right = [each for each in members if each.wanted and not each.changes and not each.is_unknown]
    stopped = [each for each in to_change if each.observation.instance_state in STOPPED_STATES]
    exempt = [each for each in members if each.exempt]
    blocked = [each for each in members if each.blocked]
    groups = [
        ("already right", right, ""),
        ("to change", to_change, _counted_changes(to_change)),
        ("stopped", stopped, f"apply at the next start: {_ids(stopped)}"),
        ("unknown", unknown, f"EC2 does not report all wanted options: {_ids(unknown)}"),
        ("exempt", exempt, _ids(exempt)),
        ("blocked", blocked, _ids(blocked)),
    ]
    shown = [(label, str(len(some)), text) for label, some, text in groups if some]
    if service_managed:
        left_out = shorten([f"{each.instance_id} ({each.operator})" for each in service_managed])
        shown.append(("left out", str(len(service_managed)), f"managed by an AWS service: {left_out}"))
    if waves:
        shown.append(("waves", str(len(waves)), " + ".join(str(len(waves[number])) for number in sorted(waves))))
    labels, counts = (max((len(row[column]) for row in shown), default=0) for column in (0, 1))
    return [
        f"fleet {name}: {len(members)} selected",
        *(f"  {label:<{labels}}  {count:>{counts}}  {text}".rstrip() for label, count, text in shown),
    ]


def _ids(members: Sequence[Member]) -> str:
    return shorten([each.instance_id for each in members])


def _counted_changes(members: Sequence[Member]) -> str:
    """``httpTokens: optional -> required 31, httpPutResponseHopLimit: 1 -> 2 12``, in the order of the options."""
    counted = Counter(
        (OPTION_NAMES.index(name), f"{name}: {each.observation.options[name]} -> {value}")
        for each in members
        for name, value in each.changes.items()
    )
    return ", ".join(f"{change} {count}" for (_, change), count in sorted(counted.items()))
