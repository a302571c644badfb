"""Rollouts of a fleet that watches an alarm, against the invariants of each run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

import pytest

from imds_provider.host import alarm_watch
from imds_provider.rules.alarms import AlarmReport
from tests.model.fleet_stack import Ended
from tests.model.rollout_fleet import ALARM
from tests.model.rollouts import RolloutSimulation
from tests.model.simulation import ViolationError

IN_ALARM = f"alarm {ALARM} in eu-west-1 is in ALARM (since "


@pytest.fixture
def watching(simulation: RolloutSimulation) -> RolloutSimulation:
    """A fleet of six in waves of 1 + 1 + 4 that watches the alarm."""
    simulation.fleet = replace(simulation.fleet, alarms=(ALARM,))
    return simulation


def changed(simulation: RolloutSimulation) -> list[str]:
    """The instances that the last run changed."""
    return [each.instance_id for each in simulation.cloud.sent]


def stopped(ended: Ended) -> str:
    """Why the run was stopped."""
    (reason,) = ended.failed.values()
    return reason


def test_an_alarm_that_is_in_alarm_before_stops_preview_and_run(watching: RolloutSimulation) -> None:
    watching.set_alarm("ALARM")
    assert IN_ALARM in stopped(watching.up())
    assert changed(watching) == []
    watching.set_alarm("OK")
    assert not watching.up().failed


@pytest.mark.parametrize("soak", [None, 0, 60])
def test_an_alarm_that_goes_off_after_the_first_wave_stops_the_rollout_until_it_is_ok(
    watching: RolloutSimulation, soak: float | None
) -> None:
    watching.fleet = replace(watching.fleet, soak=soak)
    ended = watching.up(alarm_after=0.5)
    assert stopped(ended).startswith("before wave 2/3 of web: rollout stopped: these alarms are not OK:\n  alarm ")
    assert changed(watching) == watching.in_order()[:1]
    for _ in range(2):
        assert stopped(watching.up()).startswith(f"FleetMetadata web cannot continue:\n  {IN_ALARM}")
        assert changed(watching) == []
        watching.cloud.advance(86400)
    watching.set_alarm("OK")
    assert not watching.up().failed
    assert changed(watching) == watching.in_order()[1:]


@pytest.mark.parametrize(
    ("soak", "goes_off", "looks"),
    [
        pytest.param(600, 3700, 65, id="each minute of a long soak"),
        pytest.param(None, 60, 35, id="each time that CloudWatch is asked for data"),
    ],
)
def test_an_alarm_stops_a_rollout_in_the_middle_of_a_soak(
    watching: RolloutSimulation, soak: float | None, goes_off: float, looks: float
) -> None:
    watching.fleet = replace(watching.fleet, soak=soak)
    ended = watching.up(alarm_after=goes_off)
    assert IN_ALARM in stopped(ended)
    assert goes_off <= ended.seconds <= goes_off + looks


def test_an_alarm_that_goes_off_after_the_last_wave_stops_each_run_until_it_is_ok(watching: RolloutSimulation) -> None:
    watching.fleet = replace(watching.fleet, waves=("100%",), soak=30)
    ended = watching.up(alarm_after=600)
    assert stopped(ended).startswith("wave 1/1 of web: rollout stopped: these alarms are not OK:")
    assert sorted(changed(watching)) == watching.living()
    assert IN_ALARM in stopped(watching.up())
    watching.set_alarm("OK")
    assert not watching.up().failed
    watching.set_alarm("ALARM")
    assert watching.up().steps == {}


def test_a_name_that_no_alarm_has_stops_the_rollout(watching: RolloutSimulation) -> None:
    watching.fleet = replace(watching.fleet, alarms=("checkout-5xy",))
    reason = stopped(watching.up())
    assert "alarm checkout-5xy does not exist in eu-west-1: no metric or composite alarm there has this name." in reason
    assert changed(watching) == []


@pytest.mark.parametrize(("setting", "stops"), [("block", True), ("warn", False), ("ignore", False)])
def test_missing_data_counts_at_the_end_of_a_soak_and_the_setting_decides(
    watching: RolloutSimulation, setting: str, *, stops: bool
) -> None:
    watching.fleet = replace(watching.fleet, soak=60, insufficient_data=setting)
    watching.cloud.schedule(600, lambda: watching.set_alarm("INSUFFICIENT_DATA"))
    ended = watching.up()
    assert bool(ended.failed) is stops
    if stops:
        assert ended.seconds >= 3600, "data may come back before the end of the soak"
        assert "insufficientData" in stopped(ended)
    warned = [each for each in ended.messages if each.startswith(f"alarm {ALARM} in eu-west-1 is in INSUFFICIENT_DATA")]
    assert len(warned) == (3 if setting == "warn" else 0), "once for each wave"


def test_missing_data_that_comes_back_within_a_soak_stops_nothing(watching: RolloutSimulation) -> None:
    watching.fleet = replace(watching.fleet, waves=("100%",), soak=60, insufficient_data="block")
    watching.cloud.schedule(600, lambda: watching.set_alarm("INSUFFICIENT_DATA"))
    watching.cloud.schedule(1200, lambda: watching.set_alarm("OK"))
    assert not watching.up().failed


def test_an_exemption_takes_effect_though_an_alarm_stops_the_waves(watching: RolloutSimulation) -> None:
    first = watching.in_order()[0]
    watching.up(alarm_after=0.5)
    watching.fleet = replace(watching.fleet, exempt=frozenset([first]))
    ended = watching.up()
    assert stopped(ended).startswith("before wave 1/3 of web: rollout stopped: these alarms are not OK:")
    assert "Until then only the instances that are loosened are changed." in ended.text
    assert [(each.instance_id, each.tokens) for each in watching.cloud.sent] == [(first, "optional")]


def test_an_instance_that_complies_already_joins_without_a_look_at_alarms(watching: RolloutSimulation) -> None:
    watching.up()
    watching.set_alarm("ALARM")
    joined = f"i-{'a' * 17}"
    watching.cloud.seed(
        [{"id": joined, "region": "eu-west-1", "tags": {"Team": "web"}, "options": {"HttpTokens": "required"}}]
    )
    ended = watching.up()
    assert not ended.failed
    assert f"InstanceMetadataOptions web-{joined}" in ended.steps
    assert watching.cloud.calls("DescribeAlarms") == 0


def test_each_wave_costs_one_look_before_it_and_one_for_each_round_of_its_watch(watching: RolloutSimulation) -> None:
    watching.fleet = replace(watching.fleet, waves=("100%",), soak=0)
    watching.up()
    watching.cloud.reset()
    watching.launch(1)
    program = watching.fleet.program(watching.living())
    watching.stack.preview(program)
    assert watching.cloud.calls("DescribeAlarms") == 1
    watching.stack.up(program)
    assert watching.cloud.calls("DescribeAlarms") == 1 + 3, "by the program, before the wave and after it"


def _goes_off_in_the_first_soak(simulation: RolloutSimulation) -> None:
    simulation.up(alarm_after=100)


def _blocks_at_the_end(simulation: RolloutSimulation) -> None:
    simulation.fleet = replace(simulation.fleet, insufficient_data="block", soak=10)
    simulation.cloud.schedule(100, lambda: simulation.set_alarm("INSUFFICIENT_DATA"))
    simulation.up()


@pytest.mark.parametrize("rollout", [_goes_off_in_the_first_soak, _blocks_at_the_end])
def test_the_invariants_detect_a_run_that_does_not_look_at_alarms(
    watching: RolloutSimulation, rollout: Callable[[RolloutSimulation], None]
) -> None:
    def sees_nothing(*_: object) -> AlarmReport:
        return AlarmReport()

    # The rule is a pure function that the watch calls by name: there is nothing that could be passed in.
    with patch.object(alarm_watch, "judge", sees_nothing), pytest.raises(ViolationError, match="stops the rollout"):
        rollout(watching)
