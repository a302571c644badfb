from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from typing import Any

import pytest

from imds_components.exemptions import Exemption
from imds_components.fleet_config import FleetSettings
from imds_components.fleet_plan import ADVICE, FleetPlan, plan, with_legacy_calls
from imds_components.readiness import Readiness
from imds_components.waves import Rollout
from imds_provider.legacy_calls import LegacyCalls
from imds_provider.options import Options
from imds_provider.settling import Observation
from tests.support.fakes import LAX, observe

A, B, C, D = (f"i-0000000{letter}" for letter in "abcd")
TODAY = date(2026, 11, 25)
REQUIRED: Options = {**LAX, "httpTokens": "required"}
WANTED: Options = {"httpTokens": "required"}


def instance(instance_id: str, options: Options = LAX, *, state: str = "running") -> Observation:
    return observe(instance_id, options, instance_state=state)


def planned(
    found: Sequence[Observation] | Mapping[str, Sequence[Observation]],
    **given: Any,  # noqa: ANN401  whatever the settings take
) -> FleetPlan:
    """The plan for the instances of the team web, which are to require tokens."""
    settings = {"select": {"tag:Team": ["web"]}, "options": WANTED, **given}
    found_in = found if isinstance(found, Mapping) else {"eu-west-1": found}
    return plan("web", FleetSettings(**settings), found_in, TODAY)


def exemption(instance_id: str, until: str = "2027-06-30", **options: Any) -> Exemption:  # noqa: ANN401  see above
    return Exemption(instance_id, "old agent", until, **options)


def ids(found: FleetPlan) -> list[str]:
    return [each.instance_id for each in found.members]


def test_what_is_selected_is_to_have_the_options_of_the_fleet_and_nothing_stands_in_the_way() -> None:
    found = planned([instance(A), instance(B, REQUIRED), instance(C, {**LAX, **WANTED})])
    (region,) = found.regions
    assert region.region == "eu-west-1"
    assert region.wanted == {A: WANTED, B: WANTED, C: WANTED}
    assert [each.instance_id for each in region.to_change] == [A]
    assert region.about_to_require == [A]
    assert (found.problems, found.warnings) == ([], [])


def test_every_managed_instance_is_in_one_wave() -> None:
    found = planned([instance(each) for each in (A, B, C, D)], rollout=Rollout([1, "50%", "100%"]))
    assert [len(each) for each in found.regions[0].waves.values()] == [1, 1, 2]
    assert sorted(each for wave in found.regions[0].waves.values() for each in wave) == [A, B, C, D]


def test_an_exempt_instance_is_left_as_it_is_and_in_no_wave() -> None:
    found = planned([instance(A), instance(B)], exemptions=[exemption(B)])
    (region,) = found.regions
    assert ids(found) == [A, B]
    assert [each.exempt for each in found.members] == [False, True]
    assert region.wanted == {A: WANTED}
    assert list(region.waves.values()) == [[A]]
    assert region.about_to_require == [A]


def test_an_exemption_with_options_puts_them_over_those_of_the_fleet() -> None:
    given = [exemption(A, http_put_response_hop_limit=3), exemption(B, http_tokens="optional")]
    (region,) = planned([instance(A), instance(B)], exemptions=given).regions
    assert region.wanted == {A: {"httpTokens": "required", "httpPutResponseHopLimit": 3}, B: {"httpTokens": "optional"}}
    assert sorted(each for wave in region.waves.values() for each in wave) == [A, B]
    assert region.about_to_require == [A]


@pytest.mark.parametrize(
    ("setting", "problems", "warnings"),
    [("fail", 1, 0), ("warn", 0, 1)],
)
def test_an_expired_exemption_fails_or_warns_and_holds_all_the_same(setting: str, problems: int, warnings: int) -> None:
    found = planned([instance(A), instance(B)], exemptions=[exemption(A, "2026-11-24")], expired_exemptions=setting)
    sentence = f"the exemption of {A} (old agent) ended on 2026-11-24: remove it, or give it a later date."
    assert list(found.problems) == [sentence] * problems
    assert list(found.warnings) == [sentence] * warnings
    assert found.regions[0].wanted == {B: WANTED}


@pytest.mark.parametrize(
    ("given", "warning"),
    [
        (
            {"exemptions": [exemption(A, "2026-11-26")]},
            f"the exemption of {A} (old agent) ends on 2026-11-26, tomorrow.",
        ),
        (
            {"exemptions": [exemption(D)]},
            f"the exemption of {D} (old agent) has no effect: the fleet does not select the instance.",
        ),
        ({"exclude": [D]}, f"{D} is excluded, but would not be selected."),
        ({"exclude": [A]}, "selects no instance in eu-west-1: check select, instances and the region."),
    ],
)
def test_what_should_be_known_is_a_warning_and_no_problem(given: dict[str, Any], warning: str) -> None:
    found = planned([instance(A)], **given)
    assert (list(found.problems), list(found.warnings)) == ([], [warning])


def test_an_instance_that_does_not_exist_or_is_gone_is_a_problem() -> None:
    found = planned([instance(A, state="terminated")], select=None, instances=[A, B])
    assert [problem.split(":")[0] for problem in found.problems] == [
        f"{A} does not exist in eu-west-1",
        f"{B} does not exist in eu-west-1",
    ]


def test_what_would_be_loosened_is_a_problem_without_a_reason() -> None:
    given = {"options": {"httpTokens": "optional"}}
    (problem,) = planned([instance(A, REQUIRED), instance(B)], **given).problems
    assert problem.startswith(f"{A} would be loosened (httpTokens: required -> optional): ")
    assert planned([instance(A, REQUIRED)], **given, allow_downgrade="rollback").problems == []


def test_an_exemption_that_loosens_needs_a_reason_as_well() -> None:
    given = {"exemptions": [exemption(A, http_tokens="optional")]}
    assert len(planned([instance(A, REQUIRED)], **given).problems) == 1
    assert planned([instance(A, REQUIRED)], **given, allow_downgrade={A: "rollback"}).problems == []


def test_an_instance_excluded_or_exempt_without_options_is_not_loosened_by_the_run() -> None:
    given = {"options": {"httpTokens": "optional"}}
    assert planned([instance(A, REQUIRED), instance(B)], **given, exclude=[A]).problems == []
    assert planned([instance(A, REQUIRED)], **given, exemptions=[exemption(A)]).problems == []


def test_one_of_which_ec2_reports_nothing_is_left_as_it_is_with_a_warning_and_in_no_wave() -> None:
    found = planned([instance(A, {}), instance(B), instance(C, {"httpEndpoint": "enabled"})])
    (region,) = found.regions
    assert sorted(region.wanted) == [B, C], "what is partly reported is managed as far as it is"
    assert sorted(each for wave in region.waves.values() for each in wave) == [B, C]
    assert region.about_to_require == [B]
    assert list(found.problems) == []
    assert list(found.warnings) == [
        f"{A} is left as it is: EC2 reports no metadata options of it, so they cannot be compared."
    ]


def test_an_exempt_instance_of_which_ec2_reports_nothing_is_no_warning() -> None:
    found = planned([instance(A, {})], exemptions=[exemption(A)])
    assert (list(found.problems), list(found.warnings)) == ([], [])


def test_each_region_has_its_own_waves_and_an_id_must_be_in_one_of_them() -> None:
    found = planned({"eu-west-1": [instance(A), instance(B)], "us-east-1": [instance(C)]}, instances=[C, D], exclude=[])
    assert [(each.region, list(each.wanted)) for each in found.regions] == [("eu-west-1", [A, B]), ("us-east-1", [C])]
    assert [sum(map(len, each.waves.values())) for each in found.regions] == [2, 1]
    assert ids(found) == [A, B, C]
    assert [problem.split(":")[0] for problem in found.problems] == [f"{D} does not exist in eu-west-1 or us-east-1"]


def test_an_exclusion_has_its_use_if_it_has_one_in_any_region() -> None:
    found = planned({"eu-west-1": [instance(A)], "us-east-1": [instance(C)]}, exclude=[C, D])
    assert found.warnings == [f"{D} is excluded, but would not be selected."]


def test_the_summary_is_headed_by_the_region_where_there_are_several() -> None:
    assert planned([instance(A)]).lines()[0] == "fleet web: 1 selected"
    lines = planned({"eu-west-1": [instance(A)], "us-east-1": []}).lines()
    assert [line for line in lines if line.startswith("fleet")] == [
        "fleet web in eu-west-1: 1 selected",
        "fleet web in us-east-1: 0 selected",
    ]


def test_further_problems_stand_after_the_others() -> None:
    found = planned([], instances=[A]).with_problems(["more."])
    assert [problem.split(" ")[0] for problem in found.problems] == [A, "more."]


CALLS = LegacyCalls(7, datetime(2026, 11, 24, 9, 0, tzinfo=timezone.utc))


@pytest.mark.parametrize(
    ("readiness", "blocked", "warned"),
    [
        (Readiness(), [A], [B]),
        (Readiness(unknown="block"), [A, B], []),
        (Readiness("warn"), [], [A, B]),
        (Readiness("warn", unknown="block"), [B], [A]),
        (Readiness("warn", unknown="ignore"), [], [A]),
        (Readiness("off", unknown="block"), [], []),
    ],
)
def test_who_uses_imdsv1_is_blocked_or_told_as_the_settings_say(
    readiness: Readiness, blocked: list[str], warned: list[str]
) -> None:
    found = planned([instance(each) for each in (A, B, C)], readiness=readiness)
    found = with_legacy_calls(found, {A: CALLS, B: None, C: LegacyCalls(0)})
    assert [each.instance_id for each in found.members if each.blocked] == blocked
    assert [named(problem) for problem in found.problems if problem != ADVICE] == blocked
    assert list(found.problems[-1:]) == ([ADVICE] if blocked else [])
    assert [named(warning) for warning in found.warnings] == warned


def test_nobody_else_is_blocked_for_calls_that_will_not_be_refused() -> None:
    inventory = [instance(A, REQUIRED), instance(B), instance(C)]
    found = planned(inventory, exemptions=[exemption(B), exemption(C, http_tokens="optional")])
    found = with_legacy_calls(found, dict.fromkeys((A, B, C), CALLS))
    assert (list(found.problems), list(found.warnings)) == ([], [])
    assert not any(each.blocked for each in found.members)


def named(sentence: str) -> str:
    """The instance that a sentence is about."""
    (found,) = (each for each in (A, B, C) if each in sentence)
    return found
