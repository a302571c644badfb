"""What a stack's outputs say of a fleet. The keys are a contract. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .fleet_plan import FleetPlan


def fleet_report(plan: FleetPlan, *, applied: Sequence[str], pending_start: Sequence[str]) -> dict[str, Any]:
    """The fleet after a run.

    ``selected`` and ``applied`` count instances; ``pendingStart`` has the ids of stopped ones that take up their
    options at their next start; ``exempt`` has each exemption with ``instance``, ``reason`` and ``until``;
    ``notCompliant`` has the ids of all that do not, or do not yet, have what the fleet demands.
    """
    exempt = [
        {"instance": each.instance, "reason": each.reason, "until": each.last_day.isoformat()}
        for each in plan.exemptions
    ]
    return {
        "selected": len(plan.ids),
        "applied": len(applied),
        "pendingStart": sorted(pending_start),
        "exempt": exempt,
        "notCompliant": sorted({*pending_start, *(each.instance for each in plan.exemptions)}),
    }
