"""The stack output ``report`` of a fleet. Its keys are a contract.

What a preview logs of a fleet is in ``preview``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .plan import FleetPlan


def fleet_report(
    plan: FleetPlan, *, applied: Sequence[str], pending_start: Sequence[str], unknown: Sequence[str]
) -> dict[str, Any]:
    """The fleet after a run.

    ``selected`` and ``applied`` count instances. ``pendingStart`` has the IDs of stopped ones, whose options apply at
    their next start, ``unknown`` those of which EC2 does not report all wanted options. ``exempt`` has each exemption
    with ``instance``, ``reason`` and ``until``, whether or not the instance is selected. ``notCompliant`` has the IDs
    in ``pendingStart`` and ``unknown``, and those of selected instances that are exempt, whatever their options are.
    ``launchSources`` has what groups may launch the next instance with that is looser than wanted, or not known, with
    ``region``, ``group``, ``launchedBy``, ``option``, ``value``, ``wanted`` and ``decidedBy``. ``serviceManaged`` has
    ``instance`` and ``operator`` of each instance that is left out, since an AWS service manages it.
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
        "launchSources": [
            {"region": region.region, **each.as_output()} for region in plan.regions for each in region.looser
        ],
        "serviceManaged": [{"instance": each.instance_id, "operator": each.operator} for each in plan.service_managed],
    }
