"""CloudWatch alarms of a rollout: which of them stop it, and its messages.

Source: CloudWatch API reference, ``DescribeAlarms``, ``MetricAlarm`` and ``CompositeAlarm``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from .imdsv1_usage import render_minute

InsufficientData = Literal["warn", "block", "ignore"]

ALARMS_PER_CALL = 100
"""The most names that one DescribeAlarms request takes, and the most alarms on one page of its answer."""
KEY = "rollout.alarms"
"""Where alarms are configured, if it is not known how the person spelled it."""

_REASON_CHARACTERS = 200
_LET_WARN = "Or let insufficientData warn instead of block."


@dataclass(frozen=True)
class Alarm:
    """An alarm as CloudWatch describes it; ``since`` is when its state last changed, ``reason`` is CloudWatch's."""

    name: str
    state: str
    reason: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class AlarmRule:
    """The names of the alarms that a rollout watches, and what one without enough data does to it."""

    names: Sequence[str] = ()
    insufficient_data: InsufficientData = "warn"


@dataclass(frozen=True)
class AlarmReport:
    """One line per alarm that is not OK."""

    stopping: list[str] = field(default_factory=list)
    """Those in ALARM, and the names that CloudWatch does not know."""
    blocking: list[str] = field(default_factory=list)
    """Those without enough data, where that blocks: a later look may find them OK."""
    warnings: list[str] = field(default_factory=list)
    """Those without enough data, where that is reported."""


def judge(rule: AlarmRule, found: Mapping[str, Alarm], region: str, key: str = KEY) -> AlarmReport:
    """Judge the alarms of a rollout by what CloudWatch found in the region. A missing one never counts as OK.

    ``key`` is where the names are configured.
    """
    report = AlarmReport()
    without_data = {"block": report.blocking, "warn": report.warnings, "ignore": []}[rule.insufficient_data]
    for name in rule.names:
        alarm = found.get(name)
        if alarm is None:
            report.stopping.append(
                f"alarm {name} does not exist in {region}: no metric or composite alarm there has this name. "
                f"Correct {key}, or create the alarm."
            )
        elif alarm.state != "OK":
            (report.stopping if alarm.state == "ALARM" else without_data).append(_line(alarm, region))
    return report


def advice(key: str, *, without_data: bool) -> list[str]:
    """What to do about alarms that stop a preview; ``without_data`` is whether one of them lacks data."""
    return [
        f"Fix the cause and run again once the alarms are OK. To continue without an alarm, remove it from {key}.",
        *([_LET_WARN] if without_data else []),
    ]


def rollout_stopped(title: str, lines: Sequence[str], *, without_data: bool) -> str:
    """The error for alarms that stop a rollout, one line per alarm."""
    what_to_do = [
        "Fix the cause and rerun `pulumi up`: it resumes here once the alarms are OK.",
        "To continue without an alarm, remove it from rollout.alarms.",
        *([_LET_WARN] if without_data else []),
    ]
    return "\n  ".join([f"{title}rollout stopped: these alarms are not OK:", *lines, *what_to_do])


def _line(alarm: Alarm, region: str) -> str:
    since = f" (since {render_minute(alarm.since)})" if alarm.since else ""
    # CloudWatch's reason has up to 1,023 characters, and that of a composite alarm may have several lines.
    reason = " ".join(alarm.reason.split()).rstrip(".")
    end = f": {reason}." if reason else "."
    if len(reason) > _REASON_CHARACTERS:
        end = f": {reason[:_REASON_CHARACTERS]}…"
    return f"alarm {alarm.name} in {region} is in {alarm.state}{since}{end}"
