from __future__ import annotations

import pytest

from imds_provider.rules.options import Options
from imds_provider.rules.released import Released, release_report, released, restore_line
from imds_provider.rules.target import Change, Target

A, B, C = "i-0000000a", "i-0000000b", "i-0000000c"
BOTH: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 2}
LAX: Options = {"httpTokens": "optional", "httpPutResponseHopLimit": 1}


def target(instance_id: str, wanted: Options = BOTH) -> Target:
    return Target(instance_id, wanted, Change("first"))


def restores(before: Options = LAX, *, reason: bool = False, with_resource: bool = False) -> str:
    return restore_line(before, reason=reason, with_resource=with_resource)


def released_ids(
    old: dict[str, Target], new: dict[str, Target], *, undecided: tuple[str, ...] = (), managed: tuple[str, ...] = ()
) -> list[str]:
    found = released(old, new, undecided, {}, lambda each: ["httpTokens"] if each in managed else [])
    return [each.instance_id for each in found]


def lines(
    *found: Released,
    total: int = 3,
    managed: dict[str, list[str]] | None = None,
    before: dict[str, Options] | None = None,
) -> list[str]:
    return release_report(
        "fleet web",
        total,
        found,
        managed=lambda each: (managed or {}).get(each, []),
        before=lambda each: (before or {}).get(each, {}),
    ).lines


def test_an_instance_with_another_name_is_not_released() -> None:
    assert released_ids({"web": target(A)}, {"web": target(A)}) == []
    assert released_ids({"web": target(A)}, {"www": target(A)}) == []


def test_instances_that_no_target_has_any_more_are_released() -> None:
    assert released_ids({"b": target(B), "a": target(A)}, {}) == [A, B]
    assert released_ids({"web": target(A)}, {"web": target(B)}) == [A]


def test_a_name_whose_target_is_not_known_yet_keeps_the_instance_that_the_program_still_manages() -> None:
    assert released_ids({"web": target(A)}, {}, undecided=("web",), managed=(A,)) == []
    assert released_ids({"web": target(A)}, {}, undecided=("web",)) == [A]


@pytest.mark.parametrize("reason", [True, False])
@pytest.mark.parametrize("with_resource", [True, False])
@pytest.mark.parametrize("before", [LAX, {}, {"httpEndpoint": "enabled"}])
def test_what_is_restored_is_read_back_from_the_state(*, before: Options, reason: bool, with_resource: bool) -> None:
    text = restores(before, reason=reason, with_resource=with_resource)
    assert Released.parse(target(A), text) == Released(A, BOTH, before, reason, with_resource)


@pytest.mark.parametrize("recorded", [None, 7, {}])
def test_without_a_line_nothing_is_restored(recorded: object) -> None:
    assert Released.parse(target(A), recorded) == Released(A, BOTH, None)


def test_instances_that_stay_unchanged_are_named() -> None:
    found = release_report(
        "fleet web", 3, [Released(A, BOTH, None), Released(B, BOTH, None)], managed=lambda _: (), before=lambda _: {}
    )
    assert found.lines == [f"fleet web releases 2 of 3 instances: {A}, {B}; onDestroy: retain leaves them unchanged."]
    assert not found.is_warning


def test_what_a_restore_sets_and_what_it_keeps_is_counted() -> None:
    assert lines(Released(A, BOTH, LAX), Released(B, BOTH, LAX), Released(C, BOTH, LAX, reason=True)) == [
        f"fleet web releases 3 of 3 instances: {A}, {B}, {C}.",
        "  onDestroy: restore sets httpPutResponseHopLimit=1 on 3, httpTokens=optional on 1.",
        (
            "  onDestroy: restore keeps httpTokens=required on 2, since allowDowngrade gives no reason to loosen it. "
            "To loosen it, first set the looser value with a reason, then release the instances."
        ),
    ]


def test_a_restore_that_tightens_is_named() -> None:
    assert lines(Released(A, LAX, BOTH), total=1) == [
        f"fleet web releases 1 of 1 instance: {A}.",
        "  onDestroy: restore sets httpPutResponseHopLimit=2 on 1, httpTokens=required on 1.",
        f"  IMDSv1 calls will be refused by {A}.",
    ]


def test_an_instance_whose_own_resource_is_deleted_is_reported_as_not_restored() -> None:
    assert lines(Released(A, BOTH, LAX, with_resource=True)) == [
        f"fleet web releases 1 of 3 instances: {A}.",
        (
            f"  Nothing is restored on instances whose own resource is deleted as well: {A}. "
            "To restore one that outlives its resource, attach it by its ID."
        ),
    ]


def test_instances_that_move_to_another_resource_are_named_with_the_values_that_are_lost() -> None:
    moved = [Released(A, BOTH, LAX), Released(B, BOTH, LAX)]
    both = ["httpTokens", "httpPutResponseHopLimit"]
    sentence = (
        "another resource of this program now manages 2 instances of fleet web, so the options that it manages are not "
        f"restored: {A}, {B}."
    )
    assert lines(*moved, managed={A: both, B: both}, before={A: LAX, B: LAX}) == [sentence]
    assert lines(*moved, managed={A: both, B: ["httpTokens"]}, before={A: LAX}) == [
        f"fleet web releases 1 of 3 instances: {B}.",
        "  onDestroy: restore sets httpPutResponseHopLimit=1 on 1.",
        sentence,
        ("  The previous values are lost: httpTokens=optional on 1. To keep them, declare the rename in `aliases`."),
    ]


def test_what_another_resource_does_not_manage_is_restored() -> None:
    assert lines(
        Released(A, {"httpPutResponseHopLimit": 2}, {"httpPutResponseHopLimit": 1}), managed={A: ["httpTokens"]}
    ) == [
        f"fleet web releases 1 of 3 instances: {A}.",
        "  onDestroy: restore sets httpPutResponseHopLimit=1 on 1.",
    ]


def test_a_move_that_loses_nothing_is_not_a_warning() -> None:
    both = ["httpTokens", "httpPutResponseHopLimit"]
    found = release_report("fleet web", 3, [Released(A, BOTH, LAX)], managed=lambda _: both, before=lambda _: LAX)
    assert (len(found.lines), found.is_warning, found.covered) == (1, False, frozenset())


def test_a_move_of_an_instance_that_would_stay_unchanged_is_not_reported() -> None:
    assert lines(Released(A, BOTH, None), managed={A: ["httpTokens"]}) == []


def test_an_instance_that_the_report_covers_needs_no_warning_of_its_own() -> None:
    found = release_report(
        "fleet web",
        3,
        [Released(A, BOTH, LAX), Released(B, BOTH, LAX, reason=True), Released(C, BOTH, LAX)],
        managed=lambda each: ["httpTokens"] if each == C else [],
        before=lambda _: {},
    )
    assert sorted(found.covered) == [A, C]
    assert found.is_warning
