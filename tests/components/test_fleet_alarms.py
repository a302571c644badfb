"""The alarms of a fleet's rollout: when a program looks at them, what they do to it, and which checks watch them."""

from __future__ import annotations

from typing import Any

import pytest

from imds_components import Exemption, Rollout
from imds_provider.errors import AwsError
from imds_provider.rules.alarms import Alarm, InsufficientData
from imds_provider.rules.options import Options
from tests.components.fleets import TEN, WAVES, add, fleet
from tests.support.fake_fleets import NOW, FakeFleetCalls
from tests.support.fakes import LAX
from tests.support.mocked_programs import Programs, Run

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
REQUIRED: Options = {**LAX, "httpTokens": "required"}
NAMES = ["checkout-5xx", "latency"]
FIRING = Alarm("checkout-5xx", "ALARM", "Threshold Crossed: 12 > 10.", NOW)
IN_ALARM = "alarm checkout-5xx in eu-west-1 is in ALARM (since 2026-11-25 12:00 UTC): Threshold Crossed: 12 > 10."
ADVICE = (
    "Fix the cause and run again once the alarms are OK. To continue without an alarm, remove it from rollout.alarms."
)
BOTH = pytest.mark.parametrize("preview", [True, False], ids=["preview", "run"])


@pytest.fixture
def seen(programs: Programs) -> FakeFleetCalls:
    """The region of the fleet, with two alarms that are OK."""
    found = programs.aws.fleet("eu-west-1")
    found.states = {name: Alarm(name, "OK") for name in NAMES}
    return found


def run(
    programs: Programs,
    *,
    preview: bool = True,
    insufficient_data: InsufficientData = "warn",
    **given: Any,  # noqa: ANN401  whatever a program passes
) -> Run:
    rollout = Rollout(alarms=NAMES, insufficient_data=insufficient_data)
    return programs.run(lambda: fleet(rollout=rollout, **given), preview=preview)


def forbidden(found: Run) -> list[str]:
    """The lines below the heading that forbid a run, whose only resource is a check that fails with them."""
    (check,) = found.checks()
    assert (found.rows(), found.barriers()) == ({}, [])
    heading, *lines = str(check.inputs["forbidden"]).splitlines()
    assert heading == "FleetMetadata web cannot continue:"
    return [each.strip() for each in lines]


def warnings(found: Run) -> list[str]:
    return [line for each in found.log if each.startswith("warning: ") for line in each[9:].splitlines()]


@BOTH
def test_alarms_are_looked_up_once_in_each_region_with_instances_to_change(
    programs: Programs, seen: FakeFleetCalls, *, preview: bool
) -> None:
    add(programs, *TEN)
    there = programs.aws.fleet("us-east-1")
    there.add(API, REQUIRED, Team="web")
    found = run(programs, preview=preview, regions=["eu-west-1", "us-east-1"])
    assert (seen.asked_alarms, there.asked_alarms) == ([NAMES], [])
    assert (len(found.rows()), warnings(found)) == (11, [])


@BOTH
def test_without_alarms_or_without_a_change_none_are_looked_up(
    programs: Programs, seen: FakeFleetCalls, *, preview: bool
) -> None:
    seen.add(API, REQUIRED, Team="web")
    run(programs, preview=preview)
    seen.add(WEB, Team="web")
    programs.run(fleet, preview=preview)
    assert seen.asked_alarms == []


@BOTH
def test_an_alarm_forbids_the_run(programs: Programs, seen: FakeFleetCalls, *, preview: bool) -> None:
    add(programs, WEB)
    seen.states["checkout-5xx"] = FIRING
    assert forbidden(run(programs, preview=preview)) == [IN_ALARM, ADVICE]


def test_the_alarms_of_all_regions_are_listed_with_their_region(programs: Programs, seen: FakeFleetCalls) -> None:
    add(programs, WEB)
    add(programs, API, region="us-east-1")
    seen.states["checkout-5xx"] = FIRING
    first, *missing, last = forbidden(run(programs, regions=["eu-west-1", "us-east-1"]))
    assert (first, last) == (IN_ALARM, ADVICE)
    assert [each.partition(" does")[0] for each in missing] == [f"alarm {each}" for each in NAMES]
    assert all("does not exist in us-east-1: no metric or composite alarm" in each for each in missing)


@pytest.mark.parametrize(
    ("insufficient_data", "stops", "warns"), [("block", True, False), ("warn", False, True), ("ignore", False, False)]
)
def test_what_an_alarm_without_enough_data_does_is_a_setting(
    programs: Programs, seen: FakeFleetCalls, insufficient_data: InsufficientData, *, stops: bool, warns: bool
) -> None:
    add(programs, WEB)
    seen.states["latency"] = Alarm("latency", "INSUFFICIENT_DATA", "no datapoints were received", NOW)
    found = run(programs, insufficient_data=insufficient_data)
    line = (
        "alarm latency in eu-west-1 is in INSUFFICIENT_DATA (since 2026-11-25 12:00 UTC): no datapoints were received."
    )
    assert warnings(found) == ([line] if warns else [])
    if stops:
        assert forbidden(found) == [line, ADVICE, "Or let insufficientData warn instead of block."]
    else:
        assert len(found.rows()) == 1


@pytest.mark.parametrize("preflight", ["on", "off"])
def test_a_failed_look_up_forbids_the_run_and_names_the_missing_permission(
    programs: Programs, seen: FakeFleetCalls, preflight: str
) -> None:
    add(programs, WEB)
    seen.alarm_error = AwsError("cloudwatch:DescribeAlarms is denied.", "AccessDenied")
    assert forbidden(run(programs, preflight=preflight)) == [
        "the state of rollout.alarms is not known: cloudwatch:DescribeAlarms is denied."
    ]


def _goes_off(seen: FakeFleetCalls) -> None:
    seen.states["checkout-5xx"] = FIRING


def _is_deleted(seen: FakeFleetCalls) -> None:
    del seen.states["checkout-5xx"]


def _is_not_answered(seen: FakeFleetCalls) -> None:
    seen.alarm_error = AwsError("CloudWatch did not answer.")


@BOTH
@pytest.mark.parametrize("happens", [_goes_off, _is_deleted, _is_not_answered])
def test_instances_that_are_loosened_wait_for_no_alarm_and_the_waves_do(
    programs: Programs, seen: FakeFleetCalls, happens: object, *, preview: bool
) -> None:
    add(programs, *TEN)
    seen.add(API, REQUIRED, Team="web")
    assert callable(happens)
    happens(seen)
    exemptions = [Exemption(API, "old agent", "9999-12-31", http_tokens="optional")]
    found = run(programs, preview=preview, exemptions=exemptions, allow_downgrade={API: "old agent"})
    assert len(found.rows()) == 11
    assert [each.inputs.get("alarms") for each in found.checks()] == [NAMES, None, NAMES]
    *_, last = warnings(found)
    assert last == "Until then only the instances that are loosened are changed."


def test_if_all_changes_loosen_no_alarm_is_looked_up(programs: Programs, seen: FakeFleetCalls) -> None:
    seen.add(API, REQUIRED, Team="web")
    found = run(programs, http_tokens="optional", allow_downgrade="rollback")
    assert seen.asked_alarms == []
    assert not any("alarms" in each.inputs for each in found.checks())


def test_the_check_of_each_wave_with_instances_watches_the_alarms_and_so_does_the_last_barrier(
    programs: Programs, seen: FakeFleetCalls
) -> None:
    add(programs, *TEN)
    assert list(WAVES) == [1, 3]
    found = run(programs, insufficient_data="block", preview=False)
    watched = [(each.inputs.get("alarms"), each.inputs.get("insufficientData")) for each in found.checks()]
    assert watched == [(NAMES, "block"), (None, None), (NAMES, "block")]
    watched = [(each.inputs.get("alarms"), each.inputs.get("insufficientData")) for each in found.barriers()]
    assert watched == [(None, None), (None, None), (NAMES, "block")]
    assert seen.asked_alarms == [NAMES]


def test_without_alarms_no_resource_has_these_inputs(programs: Programs) -> None:
    add(programs, *TEN)
    found = programs.run(fleet)
    assert not any({"alarms", "insufficientData"} & each.inputs.keys() for each in found.resources)


def test_where_nothing_is_to_change_no_check_watches_alarms(programs: Programs, seen: FakeFleetCalls) -> None:
    for each in TEN:
        seen.add(each, REQUIRED, Team="web")
    assert not any("alarms" in each.inputs for each in run(programs).checks())
