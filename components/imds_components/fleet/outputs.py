"""What a stack's outputs say of a fleet. The keys are a contract. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .plan import FleetPlan


def fleet_report(
    plan: FleetPlan, *, applied: Sequence[str], pending_start: Sequence[str], unknown: Sequence[str] = ()
) -> dict[str, Any]:
    """The fleet after a run.

    ``selected`` and ``applied`` count instances; ``pendingStart`` has the ids of stopped ones that take up their
    options at their next start; ``unknown`` has those of which EC2 does not report all that is wanted; ``exempt`` has
    each exemption with ``instance``, ``reason`` and ``until``, also one of an instance that is not selected;
    ``notCompliant`` has the ids of those in ``pendingStart`` and ``unknown``, and of the selected ones that are exempt,
    whatever these have.
    """
    exempt = [
        {"instance": each.instance, "reason": each.reason, "until": each.last_day.isoformat()}
        for each in plan.settings.exemptions
    ]
    not_known = {*unknown, *(each.instance_id for each in plan.members if each.wanted and not each.is_managed)}
    return {
        "selected": len(plan.members),
        "applied": len(applied),
        "pendingStart": sorted(pending_start),
        "exempt": exempt,
        "unknown": sorted(not_known),
        "notCompliant": sorted(
            {*pending_start, *not_known, *(each.instance_id for each in plan.members if each.exempt)}
        ),
    }
