"""What the alarms of a rollout do to a plan."""

from __future__ import annotations

from collections.abc import Mapping

from imds_provider.errors import AwsError
from imds_provider.rules.alarms import Alarm, AlarmReport, advice, judge

from .plan import FleetPlan, RegionPlan

Found = Mapping[str, Alarm] | AwsError
"""The alarms of a region by name, or why they are not known."""


def regions_to_watch(plan: FleetPlan) -> list[RegionPlan]:
    """The regions with instances to change, other than loosened ones: their change waits for no alarm."""
    return [
        region for region in plan.regions if any(each.is_managed and not each.is_loosened for each in region.to_change)
    ]


def with_alarms(plan: FleetPlan, found_in: Mapping[str, Found]) -> FleetPlan:
    """Add the alarms that are not OK, by region.

    They stop the run, unless it loosens instances, which waits for nothing: then the check before the first wave stops
    the waves.
    """
    key = plan.settings.spelled("rollout", "alarms")
    report, errors = AlarmReport(), []
    for region, found in found_in.items():
        if isinstance(found, AwsError):
            errors.append(f"the state of {key} is not known: {found}")
            continue
        judged = judge(plan.settings.rollout.alarm_rule, found, region, key)
        report.stopping.extend(judged.stopping)
        report.blocking.extend(judged.blocking)
        report.warnings.extend(judged.warnings)
    plan = plan.with_warnings(report.warnings)
    stopping = [*report.stopping, *report.blocking]
    lines = [*errors, *stopping, *(advice(key, without_data=bool(report.blocking)) if stopping else [])]
    if lines and any(each.is_loosened for each in plan.members):
        return plan.with_warnings([*lines, "Until then only the instances that are loosened are changed."])
    return plan.with_problems(lines)
