"""Some of the rollouts under each fault: `python -m tests.faults` plays all of them."""

from __future__ import annotations

import pytest

from tests.faults.fleet_cases import TROUBLES, FleetCell, FleetTrouble, every_fleet_cell, run_cells


@pytest.mark.parametrize("sick", [False, True], ids=["healthy", "sick"])
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_a_rollout_under_a_fault_changes_nobody_after_an_unhealthy_instance(
    trouble: FleetTrouble, *, sick: bool
) -> None:
    cells = [each for each in every_fleet_cell() if each.trouble is trouble and each.sick is sick]
    chosen: FleetCell = cells[TROUBLES.index(trouble) % len(cells)]
    (result,) = run_cells([chosen])
    assert result.violation == ""
