"""Rollouts of a fleet with changes in between, recorded and random ones, against the invariants of each run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

import pytest

from imds_provider.host import health_watch
from tests.model.rollouts import RolloutSimulation, search
from tests.model.simulation import ViolationError

ROLLOUTS = 6


def first(simulation: RolloutSimulation) -> str:
    return simulation.in_order()[0]


def _launch_one_that_comes_first(simulation: RolloutSimulation) -> None:
    old = first(simulation)
    while first(simulation) == old:
        simulation.launch(1)


def _terminate_the_last(simulation: RolloutSimulation) -> None:
    simulation.cloud.terminate(simulation.in_order()[-1])


def _exclude_the_last(simulation: RolloutSimulation) -> None:
    simulation.fleet = replace(simulation.fleet, excluded=frozenset(simulation.in_order()[-1:]))


def _set_waves(*waves: int | str) -> Callable[[RolloutSimulation], None]:
    def change(simulation: RolloutSimulation) -> None:
        simulation.fleet = replace(simulation.fleet, waves=waves)

    return change


def _set_the_hop_limit(simulation: RolloutSimulation) -> None:
    simulation.fleet = replace(simulation.fleet, hop_limit=2)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_launch_one_that_comes_first, id="an instance that comes first joins"),
        pytest.param(_terminate_the_last, id="another instance is terminated"),
        pytest.param(_exclude_the_last, id="another instance is excluded"),
        pytest.param(_set_waves(3, "100%"), id="the first wave grows"),
        pytest.param(_set_waves("100%"), id="only one wave is left"),
        pytest.param(lambda simulation: simulation.rename("shop"), id="the fleet is renamed with an alias"),
        pytest.param(_set_the_hop_limit, id="another option changes for all"),
        pytest.param(lambda simulation: simulation.cloud.advance(86400), id="a day passes"),
        pytest.param(lambda simulation: simulation.stack.refresh(), id="the stack is refreshed"),
    ],
)
def test_a_rollout_stays_stopped_until_the_unhealthy_instance_is_fixed(
    simulation: RolloutSimulation, change: Callable[[RolloutSimulation], None]
) -> None:
    unhealthy = first(simulation)
    simulation.call(unhealthy)
    assert unhealthy in simulation.up().text
    simulation.cloud.advance(600)
    change(simulation)
    for _ in range(2):
        ended = simulation.up()
        assert f"{unhealthy}: refused" in ended.text
        assert [each.instance_id for each in simulation.cloud.sent if each.required] == []
    simulation.fix(unhealthy)
    assert not simulation.up().failed


@pytest.mark.parametrize("killed_after", range(1, 6))
def test_a_soak_that_was_cut_off_is_completed_first(simulation: RolloutSimulation, killed_after: int) -> None:
    simulation.fleet = replace(simulation.fleet, soak=60)
    simulation.up(killed_after=killed_after)
    simulation.cloud.advance(60)
    assert not simulation.up().failed


@pytest.mark.parametrize("delay", [0.0, 60.0, 240.0])
@pytest.mark.parametrize("skew", [-200.0, 0.0, 200.0])
@pytest.mark.parametrize("soak", [None, 5, 6])
def test_refused_calls_are_noticed_before_the_second_wave(
    simulation: RolloutSimulation, soak: float | None, skew: float, delay: float
) -> None:
    simulation.cloud.settings(metrics_delay=delay, clock_skew=skew)
    simulation.fleet = replace(simulation.fleet, soak=soak)
    for each in simulation.living():
        simulation.call(each)
    assert simulation.up().failed
    assert [each.instance_id for each in simulation.cloud.sent] == [first(simulation)]


def test_without_data_an_instance_is_unknown_and_the_settings_decide(simulation: RolloutSimulation) -> None:
    simulation.fleet = replace(simulation.fleet, unknown="block")
    assert "CloudWatch has no data since the change of" in simulation.up("no-data").text
    assert len(simulation.cloud.sent) == 1
    simulation.fleet = replace(simulation.fleet, unknown="warn")
    assert not simulation.up("no-data").failed


def test_an_instance_that_is_terminated_while_it_is_changed_does_not_stop_the_others(
    simulation: RolloutSimulation,
) -> None:
    ended = simulation.up("terminated")
    assert (ended.failed, ended.program_error) == ({}, "")
    assert any("terminated" in message for message in ended.messages)


def test_an_exemption_takes_effect_though_another_instance_stops_the_rollout(simulation: RolloutSimulation) -> None:
    simulation.fleet = replace(simulation.fleet, waves=(2, "100%"))
    unhealthy, other = simulation.in_order()[:2]
    simulation.call(unhealthy)
    simulation.call(other)
    assert simulation.up().failed
    simulation.cloud.advance(900)
    simulation.fleet = replace(simulation.fleet, exempt=frozenset([other]))
    assert f"{unhealthy}: refused" in simulation.up().text
    assert [(each.instance_id, each.tokens) for each in simulation.cloud.sent] == [(other, "optional")]


def test_the_invariants_hold_of_each_run_of_random_rollouts() -> None:
    found = search(ROLLOUTS, 0)
    assert found.violated is None, found.violated


def _none(*_: object) -> list[object]:
    return []


def _no_reasons(*_: object) -> dict[str, object]:
    return {}


def _first_instance_refuses_calls(simulation: RolloutSimulation) -> None:
    simulation.call(first(simulation))
    simulation.up()


def _first_wave_is_cut_off(simulation: RolloutSimulation) -> None:
    simulation.up(killed_after=3)
    simulation.cloud.advance(60)
    simulation.up()


def _soak_of_an_hour(simulation: RolloutSimulation) -> None:
    simulation.fleet = replace(simulation.fleet, soak=60)
    simulation.up()


# The rules are pure functions that the providers call by name, and breaking one is what a test of the model is about:
# there is nothing that could be passed in.
@pytest.mark.parametrize(
    ("rule", "broken", "rollout", "violation"),
    [
        pytest.param("unhealthy", _no_reasons, _first_instance_refuses_calls, "refuses calls", id="never stops"),
        pytest.param("recently_changed", _none, _first_wave_is_cut_off, "did not cover", id="forgets what was changed"),
        pytest.param("not_covered", _none, _first_wave_is_cut_off, "did not cover", id="takes no data for healthy"),
        pytest.param("soaking", _none, _soak_of_an_hour, "before its soak was over", id="cuts a soak short"),
    ],
)
def test_the_invariants_detect_a_broken_rule(
    simulation: RolloutSimulation,
    rule: str,
    broken: Callable[..., object],
    rollout: Callable[[RolloutSimulation], None],
    violation: str,
) -> None:
    rollout(simulation)
    other = RolloutSimulation(simulation.cloud, simulation.runs)
    with patch.object(health_watch, rule, broken), pytest.raises(ViolationError, match=violation):
        rollout(other)
