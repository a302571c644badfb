"""What a preview reports of live instances: what each has, what it is to have, and what prevents that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imds_provider.rules.loosening import loosened, refusal
from imds_provider.rules.observation import (
    GONE_STATES,
    STOPPED_STATES,
    Observation,
    gone_reason,
    missing_reason,
    unreported_reason,
)
from imds_provider.rules.options import Options, render, render_changes, unknown, unknown_reason


@dataclass(frozen=True)
class Report:
    """The lines to log, and one line per instance that a run could not succeed on."""

    lines: list[str]
    problems: list[str]


def report(
    ids: Mapping[str, str],
    seen: Mapping[str, Observation],
    wanted: Options,
    region: str,
    to_launch: Sequence[str] = (),
    *,
    may_loosen: bool = False,
) -> Report:
    """Compare the observed options with the wanted ones.

    ``ids`` has the instance ID for each logical name; ``to_launch`` has the names of instances without one yet.
    ``may_loosen`` is whether there is a reason for loosening; without one a run would refuse it.
    """
    to_change: list[tuple[str, str, str]] = []
    not_known: list[tuple[str, str, str]] = []
    right: list[str] = []
    problems: list[str] = []
    for name, instance_id in ids.items():
        observation = seen.get(instance_id)
        if observation is None:
            problems.append(_labelled(name, instance_id, missing_reason(instance_id, region)))
        elif observation.instance_state in GONE_STATES:
            problems.append(_labelled(name, instance_id, gone_reason(observation)))
        elif not observation.options:
            problems.append(_labelled(name, instance_id, unreported_reason(instance_id, region)))
        elif loosened(observation.options, wanted) and not may_loosen:
            problems.append(_labelled(name, instance_id, refusal(instance_id, observation.options, wanted)))
        elif names := unknown(observation.options, wanted):
            reasons = [unknown_reason(observation.options, names), render_changes(observation.options, wanted)]
            not_known.append((name, instance_id, "; ".join(filter(None, reasons))))
        elif difference := render_changes(observation.options, wanted):
            stopped = " (stopped: applies at the next start)" if observation.instance_state in STOPPED_STATES else ""
            to_change.append((name, instance_id, difference + stopped))
        else:
            right.append(name)
    return Report(_lines(to_change, not_known, right, to_launch, wanted), problems)


def _labelled(name: str, instance_id: str, reason: str) -> str:
    return reason if name == instance_id else f"{name}: {reason}"


def _lines(
    to_change: Sequence[tuple[str, str, str]],
    not_known: Sequence[tuple[str, str, str]],
    right: Sequence[str],
    to_launch: Sequence[str],
    wanted: Options,
) -> list[str]:
    total = len(to_change) + len(not_known) + len(right) + len(to_launch)
    lines = []
    if to_change:
        lines.append(f"{len(to_change)} of {total} instances will change:")
        lines += _table(to_change)
    if not_known:
        lines.append(f"{len(not_known)} of {total} are not known to comply:")
        lines += _table(not_known)
    if right:
        lines.append(f"{len(right)} of {total} already have {render(wanted)}: {', '.join(right)}")
    if to_launch:
        lines.append(f"{len(to_launch)} of {total} will get {render(wanted)} once launched: {', '.join(to_launch)}")
    return lines


def _table(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    width = max(len(name) for name, _, _ in rows)
    return [f"  {name:<{width}}  {instance_id}  {what}" for name, instance_id, what in rows]
