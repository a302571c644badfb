from __future__ import annotations

import pytest

from imds_provider.rules.options import Options
from imds_provider.rules.released import Leaver, leavers, report, restore_line
from imds_provider.rules.target import Change, Target

A, B, C = "i-0000000a", "i-0000000b", "i-0000000c"
BOTH: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 2}
LAX: Options = {"httpTokens": "optional", "httpPutResponseHopLimit": 1}


def target(instance_id: str, wanted: Options = BOTH) -> Target:
    return Target(instance_id, wanted, Change("first"))


def line(before: Options = LAX, *, reason: bool = False, with_resource: bool = False) -> str:
    return restore_line(before, reason=reason, with_resource=with_resource)


def leaving(
    old: dict[str, Target], new: dict[str, Target], *, undecided: tuple[str, ...] = (), managed: tuple[str, ...] = ()
) -> list[str]:
    found = leavers(old, new, undecided, {}, lambda each: ["httpTokens"] if each in managed else [])
    return [each.instance_id for each in found]


def said(
    *who: Leaver, total: int = 3, managed: dict[str, list[str]] | None = None, before: dict[str, Options] | None = None
) -> list[str]:
    return report(
        "fleet web",
        total,
        who,
        managed=lambda each: (managed or {}).get(each, []),
        before=lambda each: (before or {}).get(each, {}),
    ).lines


def test_an_instance_stays_under_whatever_name() -> None:
    assert leaving({"web": target(A)}, {"web": target(A)}) == []
    assert leaving({"web": target(A)}, {"www": target(A)}) == []


def test_those_that_no_target_has_any_more_leave() -> None:
    assert leaving({"b": target(B), "a": target(A)}, {}) == [A, B]
    assert leaving({"web": target(A)}, {"web": target(B)}) == [A]


def test_a_name_whose_target_is_not_known_yet_keeps_the_instance_that_the_program_still_manages() -> None:
    assert leaving({"web": target(A)}, {}, undecided=("web",), managed=(A,)) == []
    assert leaving({"web": target(A)}, {}, undecided=("web",)) == [A]


@pytest.mark.parametrize("reason", [True, False])
@pytest.mark.parametrize("with_resource", [True, False])
@pytest.mark.parametrize("before", [LAX, {}, {"httpEndpoint": "enabled"}])
def test_what_is_restored_survives_the_way_through_the_state(
    *, before: Options, reason: bool, with_resource: bool
) -> None:
    text = line(before, reason=reason, with_resource=with_resource)
    assert Leaver.parse(target(A), text) == Leaver(A, BOTH, before, reason, with_resource)


@pytest.mark.parametrize("recorded", [None, 7, {}])
def test_without_a_line_nothing_is_restored(recorded: object) -> None:
    assert Leaver.parse(target(A), recorded) == Leaver(A, BOTH, None)


def test_those_that_are_left_as_they_are_are_named() -> None:
    found = report(
        "fleet web", 3, [Leaver(A, BOTH, None), Leaver(B, BOTH, None)], managed=lambda _: (), before=lambda _: {}
    )
    assert found.lines == [f"2 of 3 instances leave fleet web: {A}, {B}; onDestroy: retain leaves them as they are."]
    assert not found.is_warning


def test_what_a_restore_puts_back_and_what_it_keeps_is_counted() -> None:
    assert said(Leaver(A, BOTH, LAX), Leaver(B, BOTH, LAX), Leaver(C, BOTH, LAX, reason=True)) == [
        f"3 of 3 instances leave fleet web: {A}, {B}, {C}.",
        "  onDestroy: restore puts back httpPutResponseHopLimit=1 on 3, httpTokens=optional on 1.",
        (
            "  onDestroy: restore keeps httpTokens=required on 2, since nothing in allowDowngrade gives a reason to "
            "loosen it. To go back, first want the looser value with a reason, and let them leave after that."
        ),
    ]


def test_a_restore_that_hardens_is_named() -> None:
    assert said(Leaver(A, LAX, BOTH), total=1) == [
        f"1 of 1 instance leaves fleet web: {A}.",
        "  onDestroy: restore puts back httpPutResponseHopLimit=2 on 1, httpTokens=required on 1.",
        f"  IMDSv1 calls are refused from then on by {A}.",
    ]


def test_one_that_goes_with_its_own_resource_is_not_restored_and_that_is_said() -> None:
    assert said(Leaver(A, BOTH, LAX, with_resource=True)) == [
        f"1 of 3 instances leave fleet web: {A}.",
        (
            f"  Nothing is restored on those whose own resource is deleted as well: {A}. "
            "To have one restored that outlives its resource, attach it by its ID."
        ),
    ]


def test_those_that_go_over_to_another_resource_are_named_with_what_is_forgotten() -> None:
    moved = [Leaver(A, BOTH, LAX), Leaver(B, BOTH, LAX)]
    both = ["httpTokens", "httpPutResponseHopLimit"]
    sentence = (
        f"2 instances of fleet web are managed by another resource of this program from now on, so nothing of that is "
        f"restored: {A}, {B}."
    )
    assert said(*moved, managed={A: both, B: both}, before={A: LAX, B: LAX}) == [sentence]
    assert said(*moved, managed={A: both, B: ["httpTokens"]}, before={A: LAX}) == [
        f"1 of 3 instances leave fleet web: {B}.",
        "  onDestroy: restore puts back httpPutResponseHopLimit=1 on 1.",
        sentence,
        (
            "  The values from before are forgotten: httpTokens=optional on 1. To keep them, declare the rename in "
            "`aliases`."
        ),
    ]


def test_what_another_resource_does_not_manage_is_restored_and_that_is_no_move() -> None:
    assert said(
        Leaver(A, {"httpPutResponseHopLimit": 2}, {"httpPutResponseHopLimit": 1}), managed={A: ["httpTokens"]}
    ) == [
        f"1 of 3 instances leave fleet web: {A}.",
        "  onDestroy: restore puts back httpPutResponseHopLimit=1 on 1.",
    ]


def test_those_of_which_nothing_is_forgotten_are_no_warning() -> None:
    both = ["httpTokens", "httpPutResponseHopLimit"]
    found = report("fleet web", 3, [Leaver(A, BOTH, LAX)], managed=lambda _: both, before=lambda _: LAX)
    assert (len(found.lines), found.is_warning, found.covered) == (1, False, frozenset())


def test_those_that_are_left_as_they_are_go_over_in_silence() -> None:
    assert said(Leaver(A, BOTH, None), managed={A: ["httpTokens"]}) == []


def test_who_is_covered_needs_no_warning_of_its_own() -> None:
    found = report(
        "fleet web",
        3,
        [Leaver(A, BOTH, LAX), Leaver(B, BOTH, LAX, reason=True), Leaver(C, BOTH, LAX)],
        managed=lambda each: ["httpTokens"] if each == C else [],
        before=lambda _: {},
    )
    assert sorted(found.covered) == [A, C]
    assert found.is_warning
