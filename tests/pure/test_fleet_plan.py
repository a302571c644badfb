from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from imds_components.fleet.exemptions import Exemption
from imds_components.fleet.plan import FleetPlan, RegionPlan, plan
from imds_components.fleet.settings import FleetSettings
from imds_components.fleet.waves import Rollout
from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from imds_provider.rules.observation import Observation
from imds_provider.rules.options import Options
from imds_provider.rules.readiness import ADVICE, Readiness
from tests.support.fakes import LAX, observe

A, B, C, D = (f"i-0000000{letter}" for letter in "abcd")
TODAY = date(2026, 11, 25)
REQUIRED: Options = {**LAX, "httpTokens": "required"}
WANTED: Options = {"httpTokens": "required"}


def wanted(region: RegionPlan) -> dict[str, Options]:
    return {each.instance_id: each.wanted for each in region.members if each.is_managed}


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


def test_selected_instances_get_the_options_of_the_fleet() -> None:
    found = planned([instance(A), instance(B, REQUIRED), instance(C, {**LAX, **WANTED})])
    (region,) = found.regions
    assert region.region == "eu-west-1"
    assert wanted(region) == {A: WANTED, B: WANTED, C: WANTED}
    assert [each.instance_id for each in region.to_change] == [A]
    assert region.about_to_require == [A]
    assert (found.problems, found.warnings) == ([], [])


def in_waves(region: RegionPlan) -> list[str]:
    return sorted(each for wave in region.waves.values() for each in wave)


def without_wave(region: RegionPlan) -> list[str]:
    return [each.instance_id for each in region.without_wave]


def test_every_instance_to_change_is_in_exactly_one_wave() -> None:
    (region,) = planned([instance(each) for each in (A, B, C, D)], rollout=Rollout([1, "50%", "100%"])).regions
    assert [len(each) for each in region.waves.values()] == [1, 1, 2]
    assert (in_waves(region), without_wave(region)) == ([A, B, C, D], [])
    assert {each: member.instance_id for each, member in region.by_id.items()} == {each: each for each in (A, B, C, D)}


def test_a_compliant_instance_is_in_no_wave_so_that_a_first_wave_of_one_changes_one() -> None:
    right = [instance(f"i-{number:08x}", REQUIRED) for number in range(100, 140)]
    (region,) = planned([*right, instance(A), instance(B)]).regions
    assert [len(each) for each in region.waves.values()] == [1, 1]
    assert in_waves(region) == [A, B]
    assert without_wave(region) == [each.instance_id for each in right]


def test_a_loosened_instance_is_in_no_wave_even_if_another_option_changes_too() -> None:
    given = {"options": {"httpTokens": "optional", "httpPutResponseHopLimit": 2}, "allow_downgrade": "rollback"}
    (region,) = planned([instance(A, REQUIRED), instance(B)], **given).regions
    assert (in_waves(region), without_wave(region)) == ([B], [A])
    assert [(each.instance_id, each.is_loosened) for each in region.to_change] == [(A, True), (B, False)]


def test_an_instance_whose_endpoint_is_enabled_again_is_in_no_wave() -> None:
    given = {"options": {"httpEndpoint": "enabled"}, "allow_downgrade": "rollback"}
    (region,) = planned([instance(A, {**LAX, "httpEndpoint": "disabled"}), instance(B)], **given).regions
    assert (in_waves(region), without_wave(region)) == ([], [A, B])


MEMBERS = st.dictionaries(st.integers(0, 2**32 - 1).map(lambda number: f"i-{number:08x}"), st.booleans(), max_size=30)


@hypothesis.given(MEMBERS, MEMBERS)
def test_waves_depend_only_on_the_instances_to_change(members: dict[str, bool], others: dict[str, bool]) -> None:
    """Whoever comes, goes or is right already."""
    to_change = {each for each, right in members.items() if not right}
    grown = {**dict.fromkeys(others, True), **members}

    def waves(right: dict[str, bool]) -> Mapping[int, Sequence[str]]:
        found = [instance(each, REQUIRED if is_right else LAX) for each, is_right in right.items()]
        (region,) = planned(found).regions
        assert {*in_waves(region), *without_wave(region)} == set(right)
        return region.waves

    assert waves(members) == waves(grown) == waves(dict.fromkeys(to_change, False))


def test_an_exempt_instance_is_not_changed_and_in_no_wave() -> None:
    found = planned([instance(A), instance(B)], exemptions=[exemption(B)])
    (region,) = found.regions
    assert ids(found) == [A, B]
    assert [each.exempt for each in found.members] == [False, True]
    assert wanted(region) == {A: WANTED}
    assert (list(region.waves.values()), without_wave(region)) == ([[A]], [])
    assert region.about_to_require == [A]


def test_the_options_of_an_exemption_take_precedence_over_those_of_the_fleet() -> None:
    given = [exemption(A, http_put_response_hop_limit=3), exemption(B, http_tokens="optional")]
    (region,) = planned([instance(A), instance(B)], exemptions=given).regions
    assert wanted(region) == {
        A: {"httpTokens": "required", "httpPutResponseHopLimit": 3},
        B: {"httpTokens": "optional"},
    }
    assert (in_waves(region), without_wave(region)) == ([A], [B])
    assert region.about_to_require == [A]


@pytest.mark.parametrize(
    ("setting", "problems", "warnings"),
    [("fail", 1, 0), ("warn", 0, 1)],
)
def test_an_expired_exemption_fails_or_warns_and_still_applies(setting: str, problems: int, warnings: int) -> None:
    found = planned([instance(A), instance(B)], exemptions=[exemption(A, "2026-11-24")], expired_exemptions=setting)
    sentence = f"the exemption of {A} (old agent) ended on 2026-11-24: remove it, or give it a later date."
    assert list(found.problems) == [sentence] * problems
    assert list(found.warnings) == [sentence] * warnings
    assert wanted(found.regions[0]) == {B: WANTED}


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
def test_notes_are_warnings_and_no_problems(given: dict[str, Any], warning: str) -> None:
    found = planned([instance(A)], **given)
    assert (list(found.problems), list(found.warnings)) == ([], [warning])


def test_an_instance_that_does_not_exist_or_is_gone_is_a_problem() -> None:
    found = planned([instance(A, state="terminated")], select=None, instances=[A, B])
    assert [problem.split(":")[0] for problem in found.problems] == [
        f"{A} does not exist in eu-west-1",
        f"{B} does not exist in eu-west-1",
    ]


def test_loosening_without_a_reason_is_a_problem() -> None:
    given = {"options": {"httpTokens": "optional"}}
    (problem,) = planned([instance(A, REQUIRED), instance(B)], **given).problems
    assert problem.startswith(f"{A} would be loosened (httpTokens: required -> optional): ")
    assert planned([instance(A, REQUIRED)], **given, allow_downgrade="rollback").problems == []


def test_an_exemption_that_loosens_needs_a_reason_too() -> None:
    given = {"exemptions": [exemption(A, http_tokens="optional")]}
    assert len(planned([instance(A, REQUIRED)], **given).problems) == 1
    assert planned([instance(A, REQUIRED)], **given, allow_downgrade={A: "rollback"}).problems == []


def test_an_instance_excluded_or_exempt_without_options_is_not_loosened_by_the_run() -> None:
    given = {"options": {"httpTokens": "optional"}}
    assert planned([instance(A, REQUIRED), instance(B)], **given, exclude=[A]).problems == []
    assert planned([instance(A, REQUIRED)], **given, exemptions=[exemption(A)]).problems == []


def test_an_instance_whose_options_ec2_does_not_report_is_a_warning_and_in_no_wave() -> None:
    found = planned([instance(A, {}), instance(B), instance(C, {"httpEndpoint": "enabled"})])
    (region,) = found.regions
    assert sorted(wanted(region)) == [B, C], "what is partly reported is managed as far as it is"
    assert (in_waves(region), without_wave(region)) == ([B], [C])
    assert region.about_to_require == [B]
    assert list(found.problems) == []
    assert list(found.warnings) == [
        f"{A} is left as it is: EC2 does not report its metadata options, so they cannot be compared."
    ]


def test_an_exempt_instance_whose_options_ec2_does_not_report_is_no_warning() -> None:
    found = planned([instance(A, {})], exemptions=[exemption(A)])
    assert (list(found.problems), list(found.warnings)) == ([], [])


def test_each_region_has_its_own_waves_and_an_id_must_be_in_one_of_them() -> None:
    found = planned({"eu-west-1": [instance(A), instance(B)], "us-east-1": [instance(C)]}, instances=[C, D], exclude=[])
    assert [(each.region, list(wanted(each))) for each in found.regions] == [("eu-west-1", [A, B]), ("us-east-1", [C])]
    assert [sum(map(len, each.waves.values())) for each in found.regions] == [2, 1]
    assert ids(found) == [A, B, C]
    assert [problem.split(":")[0] for problem in found.problems] == [f"{D} does not exist in eu-west-1 or us-east-1"]


def test_an_exclusion_that_applies_in_one_region_is_used() -> None:
    found = planned({"eu-west-1": [instance(A)], "us-east-1": [instance(C)]}, exclude=[C, D])
    assert found.warnings == [f"{D} is excluded, but would not be selected."]


def test_the_summary_names_the_region_if_there_are_several() -> None:
    assert planned([instance(A)]).lines()[0] == "fleet web: 1 selected"
    lines = planned({"eu-west-1": [instance(A)], "us-east-1": []}).lines()
    assert [line for line in lines if line.startswith("fleet")] == [
        "fleet web in eu-west-1: 1 selected",
        "fleet web in us-east-1: 0 selected",
    ]


def test_further_problems_come_after_the_others() -> None:
    found = planned([], instances=[A]).with_problems(["more."])
    assert [problem.split(" ")[0] for problem in found.problems] == [A, "more."]


CALLS = Imdsv1Usage(7, datetime(2026, 11, 24, 9, 0, tzinfo=timezone.utc))
SINCE = datetime(2026, 11, 11, tzinfo=timezone.utc)


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
def test_instances_that_use_imdsv1_are_blocked_or_warned_of_as_configured(
    readiness: Readiness, blocked: list[str], warned: list[str]
) -> None:
    found = planned([instance(each) for each in (A, B, C)], readiness=readiness)
    found = found.with_usage({A: CALLS, B: None, C: Imdsv1Usage(0)}, SINCE)
    assert [each.instance_id for each in found.members if each.blocked] == blocked
    assert [named(problem) for problem in found.problems if problem != ADVICE] == blocked
    assert list(found.problems[-1:]) == ([ADVICE] if blocked else [])
    assert [named(warning) for warning in found.warnings] == warned


def test_an_instance_is_not_blocked_for_calls_that_it_will_not_refuse() -> None:
    inventory = [instance(A, REQUIRED), instance(B), instance(C)]
    found = planned(inventory, exemptions=[exemption(B), exemption(C, http_tokens="optional")])
    found = found.with_usage(dict.fromkeys((A, B, C), CALLS), SINCE)
    assert (list(found.problems), list(found.warnings)) == ([], [])
    assert [(each.instance_id, each.blocked) for each in found.members] == [(A, False), (B, False), (C, False)]


def test_instances_whose_endpoint_is_to_be_disabled_are_warned_of_but_never_blocked() -> None:
    inventory = [
        instance(A, REQUIRED),
        instance(B, {**REQUIRED, "httpEndpoint": "disabled"}),
        instance(C, REQUIRED),
    ]
    found = planned(inventory, options={"httpTokens": "required", "httpEndpoint": "disabled"})
    (region,) = found.regions
    assert (region.with_usage_to_check, region.about_to_require) == ([A, C], [])
    found = found.with_usage({A: CALLS, C: Imdsv1Usage(0)}, SINCE)
    assert (list(found.problems), len(found.warnings)) == ([], 1)
    assert found.warnings[0].startswith(f"{A} made 7 IMDSv1 calls in the last 14 days, ")
    assert [(each.instance_id, each.blocked) for each in found.members] == [(A, False), (B, False), (C, False)]


def test_an_instance_that_will_require_tokens_and_lose_its_endpoint_is_named_once() -> None:
    found = planned([instance(A)], options={"httpTokens": "required", "httpEndpoint": "disabled"})
    assert found.regions[0].with_usage_to_check == [A]
    found = found.with_usage({A: CALLS}, SINCE)
    assert len([*found.problems, *found.warnings]) == 2, "the instance, and what to do"


def test_a_preview_counts_instances_whose_calls_at_boot_are_not_known() -> None:
    launched = {A: SINCE - timedelta(seconds=1), B: SINCE, C: None}
    found = planned([replace(instance(each), launched_at=at) for each, at in launched.items()])
    assert found.notes == ()
    found = found.with_usage(dict.fromkeys(launched, Imdsv1Usage(0)), SINCE)
    (note,) = found.notes
    assert note.startswith("1 instance launched before 2026-11-11 00:00 UTC: ")
    assert found.lines()[-1] == note
    assert (list(found.problems), list(found.warnings)) == ([], [])


def test_calls_at_boot_do_not_matter_where_no_tokens_become_required() -> None:
    old = replace(instance(A, REQUIRED), launched_at=SINCE - timedelta(days=900))
    found = planned([old], options={"httpTokens": "required", "httpEndpoint": "disabled"}).with_usage({}, SINCE)
    assert list(found.notes) == []


@pytest.mark.parametrize(("soak", "warned"), [(0, True), (None, False), (0.5, False)])
def test_a_plan_without_a_soak_warns_where_tokens_become_required(soak: float | None, *, warned: bool) -> None:
    rollout = Rollout(soak_minutes=soak)
    assert bool(planned([instance(A), instance(B)], rollout=rollout).warnings) is warned
    assert list(planned([instance(A, REQUIRED)], rollout=rollout).warnings) == []


def named(sentence: str) -> str:
    """The instance that a sentence is about."""
    (found,) = (each for each in (A, B, C) if each in sentence)
    return found
