"""The check before a wave: which inputs are valid, when there is anything to check, and what is recorded."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from imds_provider.rules import wave_check_state
from imds_provider.rules.alarms import AlarmRule
from imds_provider.rules.readiness import Readiness
from imds_provider.rules.target import Change, Target
from imds_provider.rules.wave_health import HealthRule
from tests.pure.bags import UNKNOWN, is_known

WEB, API = "i-0123456789abcdef0", "i-0123456789abcdef1"
NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)


def target(instance_id: str = WEB, change: str = "c0ffee") -> str:
    return str(Target(instance_id, {"httpTokens": "required"}, Change(change, NOON)))


def bag(*lines: object, **given: object) -> dict[str, object]:
    named = {str(number): line for number, line in enumerate(lines)}
    return {"targets": named, "region": "eu-west-1", **given}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"soakMinutes": 0.0, "days": 14.0, "unknown": "ignore", "legacyCalls": "off"},
        {"soakMinutes": 1440, "days": 455, "unknown": "block", "legacyCalls": "warn"},
        {"soakMinutes": 0.5, "days": 1, "unknown": "warn", "legacyCalls": "block"},
        {"soakMinutes": None, "days": None, "unknown": None, "legacyCalls": None, "before": None, "requiring": None},
        {"soakMinutes": UNKNOWN, "days": UNKNOWN, "unknown": UNKNOWN, "legacyCalls": UNKNOWN},
        {"alarms": ["checkout-5xx"], "insufficientData": "block"},
        {"alarms": UNKNOWN, "insufficientData": UNKNOWN},
        {"before": [WEB], "requiring": [WEB], "title": "before wave 1/3 of web", "wave": 2.0},
    ],
)
def test_everything_but_the_targets_may_be_left_out_or_be_unknown(given: dict[str, object]) -> None:
    assert wave_check_state.check(bag(target(), **given), is_known) == []


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("soakMinutes", 1441, "soak_minutes must be a number of minutes from 0 to 1440, got 1441."),
        ("days", 14.5, "days must be a whole number of days from 1 to 455, got 14.5."),
        ("unknown", "off", 'unknown must be "warn", "block" or "ignore", got "off".'),
        ("insufficientData", "off", 'insufficient_data must be "warn", "block" or "ignore", got "off".'),
        (
            "alarms",
            ["x", "x"],
            'alarms must be a list of different names of CloudWatch alarms, got ["x", "x"].',
        ),
        ("legacyCalls", "ignore", 'legacy_calls must be "block", "warn" or "off", got "ignore".'),
        (
            "region",
            None,
            'region is missing; it must be the name of an AWS region such as "eu-west-1", given here or as aws:region.',
        ),
        ("targets", None, "targets must map names to the targets of InstanceMetadataOptions resources."),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(name: str, value: object, sentence: str) -> None:
    found = wave_check_state.check({**bag(target()), name: value}, is_known)
    assert [(each.path, each.in_python()) for each in found] == [((name,), sentence)]


def test_every_violation_is_found_at_once() -> None:
    given = {"soakMinutes": -1, "days": 0, "unknown": "x", "legacyCalls": "x", "region": None}
    found = [".".join(map(str, each.path)) for each in wave_check_state.check(bag("x", **given), is_known)]
    assert found == ["targets.0", "region", "soakMinutes", "days", "unknown", "legacyCalls"]


def test_what_forbids_the_run_is_the_only_thing_reported() -> None:
    assert wave_check_state.check(bag("x", forbidden="no.", soakMinutes=-1), is_known) == [((), "no.")]


@pytest.mark.parametrize(
    ("recorded", "wanted", "changed"),
    [
        pytest.param(bag(), bag(), False, id="nothing to protect and nobody to look at"),
        pytest.param(bag(target()), bag(), False, id="those that are no more in a wave"),
        pytest.param(bag(), bag(before=[WEB]), True, id="something is changed next"),
        pytest.param(bag(target()), bag(target(), before=[WEB]), True, id="something is changed next, known targets"),
        pytest.param(bag(target()), bag(target(), before=[]), False, id="nothing is changed next"),
        pytest.param(bag(target()), bag(target()), False, id="known targets"),
        pytest.param(bag(target()), bag(target(change="0ddba11")), True, id="a target that was changed"),
        pytest.param(bag(target()), bag(target(), target(API)), True, id="one more target"),
        pytest.param(bag(target(), target(API)), bag(target()), False, id="one target less"),
        pytest.param(bag(target()), {**bag(target()), "region": "us-east-1"}, True, id="in another region"),
        pytest.param(bag(target()), {**bag(), "targets": UNKNOWN}, True, id="all targets unknown"),
        pytest.param(bag(target()), bag(UNKNOWN), True, id="one target unknown"),
        pytest.param(bag(target()), bag(target(), UNKNOWN), True, id="one more target, unknown"),
        pytest.param(
            bag(target()),
            bag(target(), soakMinutes=9, days=3, title="x", wave=1, alarms=["a"]),
            False,
            id="other settings",
        ),
    ],
)
def test_there_is_something_to_check_before_a_change_or_with_new_targets(
    recorded: dict[str, object], wanted: dict[str, object], *, changed: bool
) -> None:
    assert wave_check_state.changed(recorded, wanted, is_known) is changed


def test_what_020_recorded_of_a_wave_is_not_a_difference_where_nothing_changes() -> None:
    line = f"{WEB} httpTokens=required change=965f4789-20261125T044012Z-wave-2"
    recorded = bag(line, soakMinutes=0, wave=2.0, title="wave 2/3 of web", checkedAt="2026-11-25T04:45:00Z")
    assert not wave_check_state.changed(recorded, bag(title="before wave 2/3 of web"), is_known)
    assert not wave_check_state.changed(recorded, bag(line, soakMinutes=0, wave=2.0, title="wave 2/3 of web"), is_known)


def test_the_rule_is_that_of_the_readiness_and_the_rollout() -> None:
    assert wave_check_state.rule(bag()) == HealthRule(soak=None, readiness=Readiness(days=14, unknown="warn"))
    given = {"soakMinutes": 30.0, "days": 7.0, "unknown": "block"}
    assert wave_check_state.rule(bag(**given)) == HealthRule(timedelta(minutes=30), Readiness(days=7, unknown="block"))
    assert wave_check_state.rule(bag(soakMinutes=0)).soak == timedelta(0)
    assert type(wave_check_state.rule(bag(days=7.0)).readiness.days) is int


def test_the_alarms_are_those_of_the_inputs_and_without_any_nothing_is_watched() -> None:
    assert wave_check_state.alarms(bag()) == AlarmRule((), "warn")
    assert wave_check_state.alarms(bag(alarms=["a", "b"])) == AlarmRule(("a", "b"), "warn")
    assert wave_check_state.alarms(bag(alarms=["a"], insufficientData="ignore")) == AlarmRule(("a",), "ignore")


def test_imdsv1_usage_is_counted_again_on_instances_that_will_refuse_calls() -> None:
    assert wave_check_state.requiring(bag(before=[WEB, API])) == []
    assert wave_check_state.requiring(bag(before=[WEB, API], requiring=[API, WEB])) == [WEB, API]
    assert wave_check_state.rule(bag()).readiness == Readiness()
    given = {"legacyCalls": "warn", "days": 7.0, "unknown": "ignore"}
    assert wave_check_state.rule(bag(**given)).readiness == Readiness("warn", days=7, unknown="ignore")


def test_the_outputs_are_the_checked_targets_and_the_time_and_nothing_of_the_next_wave() -> None:
    kept = bag(target(), soakMinutes=15, title="before wave 2/3 of web", wave=2.0)
    rest = {"before": [API], "requiring": [API], "days": 7, "unknown": "warn", "legacyCalls": "block"}
    rest |= {"alarms": ["a"], "insufficientData": "block"}
    assert wave_check_state.outputs({**kept, **rest}, NOON) == {**kept, "checkedAt": "2026-11-25T12:00:00Z"}
