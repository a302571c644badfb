"""Every scenario in some of the operations: `python -m tests.faults` runs all cases."""

from __future__ import annotations

import pytest

from tests.faults.case import OPERATIONS, all_cases, run
from tests.faults.scenarios import SCENARIOS, Scenario

CASES_OF_EACH = 2


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_whatever_goes_wrong_a_run_converges_or_reports_why_not_and_the_next_one_repairs(
    scenario: Scenario,
) -> None:
    cases = [case for case in all_cases() if case.scenario is scenario]
    # Different ones for each scenario, so that together they cover every operation and position.
    turn = SCENARIOS.index(scenario) * len(OPERATIONS) // CASES_OF_EACH
    chosen = {(turn + number * len(cases) // CASES_OF_EACH) % len(cases) for number in range(CASES_OF_EACH)}
    results = [run(cases[index]) for index in sorted(chosen)]
    assert [(str(each.case), each.violations) for each in results if each.violations] == []


def test_every_scenario_has_a_case_in_every_operation() -> None:
    assert len(SCENARIOS) >= 24
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    assert {(case.operation, case.scenario.name) for case in all_cases()} == {
        (operation, scenario.name) for operation in OPERATIONS for scenario in SCENARIOS
    }
