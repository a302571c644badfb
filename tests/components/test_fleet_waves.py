"""How the waves of a fleet follow one another: the inputs of each check, and the dependencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from imds_components import Exemption, Readiness, Rollout
from imds_components.fleet.waves import assign
from imds_provider.rules.options import Options
from tests.components.fleets import TEN, WAVES, add, fleet, targets
from tests.support.fakes import LAX
from tests.support.mocked_programs import BARRIER, CHECK, FLEET, Programs, Run

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OLD = "i-1a2b3c4d"
REQUIRED: Options = {**LAX, "httpTokens": "required"}


def test_each_wave_has_a_check_before_and_a_barrier_after_it_even_if_it_is_empty(programs: Programs) -> None:
    add(programs, *TEN)
    run = programs.run(fleet)
    assert list(WAVES) == [1, 3]
    assert {each.name: each.inputs.get("before") for each in run.checks()} == {
        "web-eu-west-1-wave-1": WAVES[1],
        "web-eu-west-1-wave-2": None,
        "web-eu-west-1-wave-3": WAVES[3],
    }
    assert targets(run, CHECK) == {
        "web-eu-west-1-wave-1": [],
        "web-eu-west-1-wave-2": [],
        "web-eu-west-1-wave-3": WAVES[1],
    }
    assert targets(run, BARRIER) == {
        "web-eu-west-1-wave-1": WAVES[1],
        "web-eu-west-1-wave-2": [],
        "web-eu-west-1-wave-3": TEN,
    }


def test_waves_consist_of_instances_to_change_and_each_check_covers_all_before_them(programs: Programs) -> None:
    add(programs, *TEN)
    programs.aws.fleet("eu-west-1").add(API, REQUIRED, Team="web")
    run = programs.run(lambda: fleet(rollout=Rollout([1, "50%", "100%"])))
    waves = assign(TEN, Rollout([1, "50%", "100%"]))
    first, second = waves[1], [*waves[1], *waves[2]]
    assert [each.inputs["before"] for each in run.checks()] == [waves[1], waves[2], waves[3]]
    assert list(targets(run, CHECK).values()) == [[API], sorted([API, *first]), sorted([API, *second])]
    assert list(targets(run, BARRIER).values()) == [sorted(waves[1]), sorted(waves[2]), sorted([*TEN, API])]


def test_every_barrier_but_the_last_has_the_number_of_its_wave(programs: Programs) -> None:
    add(programs, *TEN)
    barriers = programs.run(fleet).barriers()
    assert [each.inputs.get("wave") for each in barriers] == [1, 2, None]
    assert {each.inputs["ifGone"] for each in barriers} == {"warn"}


RULE = ("soakMinutes", "days", "unknown")


def rule(inputs: Mapping[str, Any]) -> tuple[object, ...]:
    """The rule in the inputs of a check or barrier."""
    return tuple(inputs.get(name) for name in RULE)


def test_checks_and_the_last_barrier_have_the_rule_and_titles_name_the_wave(programs: Programs) -> None:
    add(programs, WEB, OLD)
    rollout, readiness = Rollout([1, "100%"], 30), Readiness("warn", days=7, unknown="block")
    run = programs.run(lambda: fleet(timeout_seconds=7, rollout=rollout, readiness=readiness))
    assert [(each.inputs["title"], each.inputs["timeoutSeconds"], rule(each.inputs)) for each in run.barriers()] == [
        ("wave 1/2 of web", 7, (None, None, None)),
        ("wave 2/2 of web", 7, (30, 7, "block")),
    ]
    assert [(each.inputs["title"], rule(each.inputs)) for each in run.checks()] == [
        ("before wave 1/2 of web", (30, 7, "block")),
        ("before wave 2/2 of web", (30, 7, "block")),
    ]
    assert {each.inputs["region"] for each in [*run.barriers(), *run.checks()]} == {"eu-west-1"}


def test_without_a_configured_soak_checks_have_none(programs: Programs) -> None:
    add(programs, WEB, OLD)
    run = programs.run(fleet)
    assert not any("soakMinutes" in each.inputs for each in [*run.checks(), *run.barriers()])
    assert run.barriers()[-1].inputs["days"] == 14
    run = programs.run(lambda: fleet(rollout=Rollout(soak_minutes=0)))
    assert {each.inputs["soakMinutes"] for each in run.checks()} == {0}


def test_imdsv1_usage_is_counted_again_before_every_wave_but_the_first(programs: Programs) -> None:
    add(programs, *TEN)
    programs.aws.fleet("eu-west-1").add(API, REQUIRED, Team="web")
    run = programs.run(
        lambda: fleet(
            http_put_response_hop_limit=2, rollout=Rollout([1, "50%", "100%"]), readiness=Readiness("warn", days=7)
        )
    )
    waves = assign([*TEN, API], Rollout([1, "50%", "100%"]))
    asked = [
        (each.inputs.get("requiring"), each.inputs.get("legacyCalls"), each.inputs["before"]) for each in run.checks()
    ]
    requiring = {number: [each for each in ids if each != API] for number, ids in waves.items()}
    assert asked == [
        (None, None, waves[1]),
        (requiring[2], "warn", waves[2]),
        (requiring[3], "warn", waves[3]),
    ]


def test_imdsv1_usage_is_not_counted_again_where_no_tokens_become_required(programs: Programs) -> None:
    add(programs, *TEN)
    checks = programs.run(lambda: fleet(http_tokens=None, http_put_response_hop_limit=2)).checks()
    assert not any("requiring" in each.inputs or "legacyCalls" in each.inputs for each in checks)
    assert [len(each.inputs.get("before", ())) for each in checks] == [1, 0, 9]


def test_where_nothing_is_to_change_the_checks_have_no_rule_and_no_targets(programs: Programs) -> None:
    for each in TEN:
        programs.aws.fleet("eu-west-1").add(each, REQUIRED, Team="web")
    run = programs.run(fleet)
    assert [rule(each.inputs) for each in run.checks()] == [(None, None, None)] * 3
    assert not any("before" in each.inputs or each.inputs["targets"] for each in run.checks())
    assert targets(run, BARRIER) == {
        "web-eu-west-1-wave-1": [],
        "web-eu-west-1-wave-2": [],
        "web-eu-west-1-wave-3": TEN,
    }


def ordered(run: Run) -> dict[str, set[str]]:
    """What each resource of a fleet comes after."""
    return {str(each): each.dependencies for each in run.resources if each.type != FLEET}


def row_names(ids: Iterable[str]) -> set[str]:
    return {f"InstanceMetadataOptions web-{each}" for each in ids}


BARRIERS, CHECKS = (
    {number: f"{kind} web-eu-west-1-wave-{number}" for number in (1, 2, 3)}
    for kind in ("MetadataOptionsApplied", "MetadataWaveHealthy")
)


def test_a_wave_depends_on_its_check_which_depends_on_the_barrier_before(programs: Programs) -> None:
    add(programs, *TEN)
    first, last = row_names(WAVES[1]), row_names(WAVES[3])
    assert ordered(programs.run(fleet)) == {
        CHECKS[1]: set(),
        **{row: {CHECKS[1]} for row in first},
        BARRIERS[1]: first,
        CHECKS[2]: {CHECKS[1], BARRIERS[1]},
        BARRIERS[2]: set(),
        CHECKS[3]: {CHECKS[2], BARRIERS[2], *first},
        **{row: {CHECKS[3]} for row in last},
        BARRIERS[3]: {CHECKS[3], *first, *last},
    }


def test_compliant_and_loosened_instances_wait_for_nothing_and_the_first_wave_waits_for_loosened_ones(
    programs: Programs,
) -> None:
    add(programs, *TEN)
    for each in (API, OLD):
        programs.aws.fleet("eu-west-1").add(each, REQUIRED, Team="web")
    exemptions = [Exemption(OLD, "old agent", "9999-12-31", http_tokens="optional")]
    run = programs.run(lambda: fleet(exemptions=exemptions, allow_downgrade={OLD: "old agent"}))
    after = ordered(run)
    right, loosened = row_names([API]), row_names([OLD])
    assert not any(after[row] for row in (*right, *loosened))
    assert run.rows()[f"web-{OLD}"].inputs["change"] == "httpTokens: required -> optional"
    assert [each.inputs.get("before") for each in run.checks()] == [WAVES[1], None, WAVES[3]]
    assert after[CHECKS[1]] == {*right, *loosened}
    assert after[BARRIERS[1]] == row_names(WAVES[1])
    assert after[BARRIERS[3]] == {CHECKS[3], *row_names([*TEN, API, OLD])}


def test_an_empty_first_wave_waits_for_loosened_instances_too(programs: Programs) -> None:
    programs.aws.fleet("eu-west-1").add(OLD, REQUIRED, Team="web")
    run = programs.run(lambda: fleet(http_tokens="optional", allow_downgrade="rollback"))
    after = ordered(run)
    assert (after[f"InstanceMetadataOptions web-{OLD}"], after[CHECKS[1]]) == (set(), row_names([OLD]))
    assert [each.inputs["targets"] for each in run.checks()] == [{}, {}, {}]
