from __future__ import annotations

import pytest

from imds_provider import barrier
from imds_provider.options import Options
from imds_provider.settling import NotSettledError, Observation, Settled, Unsettled, Verdict
from imds_provider.target import Target
from tests.pure.bags import UNKNOWN, is_known
from tests.support.fakes import LAX, observe

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OLD = "i-1a2b3c4d"
RUN = "965f4789"
RIGHT: Options = {**LAX, "httpTokens": "required"}


def target(instance_id: str, change: str = "first", **wanted: str | int) -> str:
    return str(Target(instance_id, wanted or {"httpTokens": "required"}, change))


def bag(*, region: object = "eu-west-1", timeout: object = 120.0, **targets: object) -> dict[str, object]:
    return {"targets": targets, "region": region, "timeoutSeconds": timeout}


def settled(applied: tuple[str, ...] = (), pending_start: tuple[str, ...] = ()) -> Settled:
    verdicts = {**dict.fromkeys(applied, Verdict.APPLIED), **dict.fromkeys(pending_start, Verdict.PENDING_START)}
    return Settled({each: observe(each, RIGHT) for each in verdicts}, verdicts)


@pytest.mark.parametrize(
    "inputs",
    [
        bag(web=target(WEB), api=target(API)),
        bag(),
        bag(web=UNKNOWN, api=target(API)),
        {"targets": UNKNOWN, "region": UNKNOWN, "timeoutSeconds": UNKNOWN},
    ],
    ids=["complete", "no target", "one unknown", "all unknown"],
)
def test_targets_that_are_complete_or_not_known_yet_are_accepted(inputs: dict[str, object]) -> None:
    assert barrier.check(inputs, is_known) == []


@pytest.mark.parametrize(
    ("inputs", "violations"),
    [
        ({**bag(), "targets": None}, [("targets", "targets must map names to targets of InstanceMetadataOptions.")]),
        ({**bag(), "targets": [WEB]}, [("targets", "targets must map names to targets of InstanceMetadataOptions.")]),
        (bag(web=f"{WEB} zebra=1"), [("targets.web", "web is no target of an InstanceMetadataOptions.")]),
        (bag(web=target("web")), [("targets.web", "web is no target of an InstanceMetadataOptions.")]),
        (
            bag(web={"instanceId": WEB}),
            [("targets.web", "web is no target of an InstanceMetadataOptions.")],
        ),
        (
            bag(web=target(WEB), api=target(API), www=target(WEB, "other")),
            [("targets.www", f"{WEB} is given twice, as web and as www.")],
        ),
        (bag(region=None), [("region", "region must be given here or as aws:region.")]),
        (bag(region=""), [("region", "region must be given here or as aws:region.")]),
        *(
            (bag(timeout=value), [("timeoutSeconds", "timeoutSeconds must be a number of seconds from 1 to 3600.")])
            for value in (0.0, 3601.0, True, "60", None)
        ),
    ],
)
def test_wrong_inputs_are_refused(inputs: dict[str, object], violations: list[tuple[str, str]]) -> None:
    assert [(each.property, each.reason) for each in barrier.check(inputs, is_known)] == violations


def test_every_violation_is_found_at_once() -> None:
    inputs = bag(web="x", api="y", region=None, timeout=0.0)
    assert [each.property for each in barrier.check(inputs, is_known)] == [
        "targets.api",
        "targets.web",
        "region",
        "timeoutSeconds",
    ]


@pytest.mark.parametrize(
    ("wanted", "changed"),
    [
        (bag(web=target(WEB), api=target(API)), False),
        (bag(api=target(API), web=target(WEB)), False),
        (bag(web=target(WEB), api=target(API), timeout=5.0), False),
        (bag(web=target(WEB, "second"), api=target(API)), True),
        (bag(web=target(WEB, httpTokens="optional"), api=target(API)), True),
        (bag(web=target(WEB)), True),
        (bag(web=target(WEB), api=target(API), old=target(OLD)), True),
        (bag(web=target(WEB), www=target(API)), True),
        (bag(web=target(OLD), api=target(API)), True),
        (bag(web=UNKNOWN, api=target(API)), True),
        (bag(web=target(WEB), api=target(API), new=UNKNOWN), True),
        ({**bag(), "targets": UNKNOWN}, True),
        (bag(web=target(WEB), api=target(API), region="us-east-1"), True),
        (bag(web=target(WEB), api=target(API), region=UNKNOWN), True),
    ],
    ids=[
        "same",
        "same in another order",
        "other timeout",
        "modified again",
        "other options",
        "one less",
        "one more",
        "other name",
        "other instance",
        "one unknown",
        "one more, unknown",
        "all unknown",
        "other region",
        "unknown region",
    ],
)
def test_a_barrier_changes_with_its_targets_and_region_alone(wanted: dict[str, object], *, changed: bool) -> None:
    assert barrier.changed(bag(web=target(WEB), api=target(API)), wanted, is_known, RUN) is changed


def test_only_new_and_changed_targets_are_waited_for() -> None:
    before = bag(web=target(WEB), api=target(API))
    now = bag(web=target(WEB), api=target(API, "second", httpPutResponseHopLimit=2), old=target(OLD))
    assert barrier.to_wait_for(before, now, RUN) == {
        API: {"httpPutResponseHopLimit": 2},
        OLD: {"httpTokens": "required"},
    }
    assert barrier.to_wait_for({}, bag(web=target(WEB)), RUN) == {WEB: {"httpTokens": "required"}}
    assert barrier.to_wait_for(before, before, RUN) == {}


def test_in_another_region_all_are_waited_for() -> None:
    before, now = bag(web=target(WEB)), bag(web=target(WEB), region="us-east-1")
    assert list(barrier.to_wait_for(before, now, RUN)) == [WEB]


def moving(**targets: object) -> dict[str, object]:
    return {**bag(**targets), "membersMove": True}


NOW = f"{RUN}-20261125T044012Z"
EARLIER = "0a1b2c3d-20261120T000000Z"


@pytest.mark.parametrize(
    ("now", "waited_for"),
    [
        (moving(web=target(WEB, EARLIER)), []),
        (moving(web=target(WEB, EARLIER), api=target(API, EARLIER)), []),
        (moving(), []),
        (moving(web=target(WEB, EARLIER), api=target(API, NOW)), [API]),
        (moving(web=target(WEB, NOW)), [WEB]),
        (moving(web=target(WEB, "0f0f0f0f-20261124T000000Z")), [WEB]),
        (moving(web=target(WEB, EARLIER), api=str(Target(API, {"httpTokens": "required"}))), []),
    ],
    ids=[
        "same",
        "one came from another barrier",
        "one went to another barrier",
        "one came that this run has changed",
        "changed by this run",
        "changed by a run that did not get here",
        "one came that had nothing to be changed",
    ],
)
def test_where_members_move_one_that_comes_counts_only_if_this_run_has_changed_it(
    now: dict[str, object], waited_for: list[str]
) -> None:
    before = moving(web=target(WEB, EARLIER))
    assert list(barrier.to_wait_for(before, now, RUN)) == waited_for
    assert barrier.changed(before, now, is_known, RUN) is bool(waited_for)


def test_a_new_barrier_waits_for_all_its_members_and_an_empty_one_for_none_that_come() -> None:
    web = moving(web=target(WEB, EARLIER))
    assert list(barrier.to_wait_for({}, web, RUN)) == [WEB]
    assert barrier.to_wait_for(moving(), web, RUN) == {}
    assert barrier.changed(moving(), moving(web=UNKNOWN), is_known, RUN)


def test_the_outputs_sort_the_instances_by_what_was_seen() -> None:
    inputs = bag(web=target(WEB), api=target(API), old=target(OLD))
    found = barrier.outputs(inputs, {}, settled(applied=(WEB, OLD), pending_start=(API,)))
    assert found == {**inputs, "appliedIds": [WEB, OLD], "pendingStartIds": [API]}


def test_what_was_not_looked_at_again_stays_in_its_list() -> None:
    before = {**bag(web=target(WEB), api=target(API)), "appliedIds": [WEB], "pendingStartIds": [API]}
    now = bag(web=target(WEB), api=target(API), old=target(OLD))
    found = barrier.outputs(now, before, settled(applied=(OLD,)))
    assert (found["appliedIds"], found["pendingStartIds"]) == ([WEB, OLD], [API])


def test_what_has_started_since_moves_to_the_other_list() -> None:
    before = {**bag(api=target(API)), "appliedIds": [], "pendingStartIds": [API]}
    found = barrier.outputs(bag(api=target(API, "second")), before, settled(applied=(API,)))
    assert (found["appliedIds"], found["pendingStartIds"]) == ([API], [])


def test_what_is_no_target_any_more_is_in_no_list() -> None:
    before = {**bag(web=target(WEB), api=target(API)), "appliedIds": [WEB], "pendingStartIds": [API]}
    found = barrier.outputs(bag(), before, settled())
    assert (found["appliedIds"], found["pendingStartIds"]) == ([], [])


@pytest.mark.parametrize(
    ("found", "pending_start"),
    [
        ({API: observe(API, RIGHT)}, []),
        ({API: observe(API, RIGHT, state="pending", instance_state="stopped")}, [API]),
        ({API: observe(API, LAX)}, [API]),
        ({}, [API]),
    ],
    ids=["started", "still stopped", "started with other values", "not seen"],
)
def test_another_look_moves_those_that_have_started_with_their_options(
    found: dict[str, Observation], pending_start: list[str]
) -> None:
    before = {**bag(web=target(WEB), api=target(API)), "appliedIds": [WEB], "pendingStartIds": [API]}
    assert barrier.pending_start_ids(before) == [API]
    now = barrier.after_another_look(before, found)
    assert now == {**before, "appliedIds": sorted({WEB, API} - {*pending_start}), "pendingStartIds": pending_start}


def test_the_progress_is_one_line() -> None:
    assert barrier.progress_line({}, 3, 10, 4.4) == "3 of 10 applied, 7 pending, 4 s"
    assert barrier.progress_line({"title": "wave 2/3 of web"}, 3, 10, 4.4) == (
        "wave 2/3 of web: 3 of 10 applied, 7 pending, 4 s"
    )


def test_one_failure_is_its_sentence_and_several_are_a_list_in_order() -> None:
    one = {API: Unsettled("gone", f"{API} is terminated.")}
    two = {**one, WEB: Unsettled("timeout", f"{WEB} did not reach it.")}
    assert barrier.failure(NotSettledError(one, {}), 5) == f"{API} is terminated."
    assert barrier.failure(NotSettledError(two, {}), 5) == (
        "2 of 5 instances did not get their metadata options applied:\n"
        f"  {WEB} did not reach it.\n"
        f"  {API} is terminated."
    )
