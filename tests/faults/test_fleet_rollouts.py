"""Some of the rollouts in each scenario: `python -m tests.faults` runs all cases."""

from __future__ import annotations

import pytest

from tests.faults.fleet_cases import SCENARIOS, FleetCase, FleetScenario, all_fleet_cases, run_fleet_cases


@pytest.mark.parametrize("unhealthy", [False, True], ids=["healthy", "unhealthy"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_whatever_goes_wrong_a_rollout_changes_nothing_after_an_unhealthy_instance(
    scenario: FleetScenario, *, unhealthy: bool
) -> None:
    cases = [each for each in all_fleet_cases() if each.scenario is scenario and each.unhealthy is unhealthy]
    chosen: FleetCase = cases[SCENARIOS.index(scenario) % len(cases)]
    (result,) = run_fleet_cases([chosen])
    assert result.violation == ""
