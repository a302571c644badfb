from __future__ import annotations

from datetime import datetime, timezone

import pytest

from imds_provider.errors import InstanceGoneError
from imds_provider.rules import barrier_state
from imds_provider.rules.observation import Observation, Verdict, WaitResult
from imds_provider.rules.options import Options, render
from imds_provider.rules.target import Change, Target
from tests.pure.bags import UNKNOWN, is_known
from tests.support.fakes import LAX, observe

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OLD = "i-1a2b3c4d"
NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
RIGHT: Options = {**LAX, "httpTokens": "required"}
TARGET = "the target of an InstanceMetadataOptions resource"
REGION = 'the name of an AWS region such as "eu-west-1", given here or as aws:region'


def target(instance_id: str, change: str = "first", **wanted: str | int) -> str:
    words = [instance_id, render(wanted or {"httpTokens": "required"}), f"change={change}" if change else ""]
    return " ".join(filter(None, words))


def bag(*, region: object = "eu-west-1", timeout: object = 120.0, **targets: object) -> dict[str, object]:
    return {"targets": targets, "region": region, "timeoutSeconds": timeout}


def result(applied: tuple[str, ...] = (), pending_start: tuple[str, ...] = ()) -> WaitResult:
    verdicts = {**dict.fromkeys(applied, Verdict.APPLIED), **dict.fromkeys(pending_start, Verdict.PENDING_START)}
    return WaitResult({each: observe(each, RIGHT) for each in verdicts}, verdicts, {})


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
    assert barrier_state.check(inputs, is_known) == []


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({**bag(), "targets": None}, "targets must map names to the targets of InstanceMetadataOptions resources."),
        ({**bag(), "targets": [WEB]}, "targets must map names to the targets of InstanceMetadataOptions resources."),
        (bag(web=f"{WEB} zebra=1"), f'targets.web must be {TARGET}, got "{WEB} zebra=1".'),
        (bag(web=target("web")), f'targets.web must be {TARGET}, got "{target("web")}".'),
        (bag(web={"id": WEB}), f'targets.web must be {TARGET}, got {{"id": "{WEB}"}}.'),
        (
            bag(web=target(WEB), api=target(API), www=target(WEB, "other")),
            f"targets.www is {WEB}, as is web: give each instance once.",
        ),
        (bag(region=None), f"region is missing; it must be {REGION}."),
        (bag(region="here"), f'region must be {REGION}, got "here".'),
        (bag(timeout=0.0), "timeout_seconds must be a number of seconds from 1 to 3600, got 0."),
        ({**bag(), "ifGone": "ignore"}, 'if_gone must be "fail" or "warn", got "ignore".'),
        ({**bag(), "soakMinutes": -1.0}, "soak_minutes must be a number of minutes from 0 to 1440, got -1."),
        ({**bag(), "days": 0.0}, "days must be a whole number of days from 1 to 455, got 0."),
        ({**bag(), "unknown": "off"}, 'unknown must be "warn", "block" or "ignore", got "off".'),
    ],
)
def test_wrong_inputs_are_refused(inputs: dict[str, object], sentence: str) -> None:
    assert [each.in_python() for each in barrier_state.check(inputs, is_known)] == [sentence]


def test_every_violation_is_found_at_once() -> None:
    inputs = bag(web="x", api="y", region=None, timeout=0.0)
    assert [each.path for each in barrier_state.check(inputs, is_known)] == [
        ("targets", "api"),
        ("targets", "web"),
        ("region",),
        ("timeoutSeconds",),
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
    assert barrier_state.changed(bag(web=target(WEB), api=target(API)), wanted, is_known) is changed


@pytest.mark.parametrize(
    ("recorded", "wanted", "changed"),
    [
        ({"owner": "fleet web"}, {"owner": "fleet web", "restores": {"web": "httpTokens=optional"}}, True),
        ({"owner": "fleet web", "restores": {"web": "httpTokens=optional"}}, {"owner": "fleet web"}, True),
        ({"owner": "fleet web", "restores": {"web": ""}}, {"owner": "fleet www", "restores": {"web": ""}}, False),
        ({}, {"owner": "fleet web", "restores": {"web": "httpTokens=optional"}}, False),
    ],
    ids=["given", "taken back", "the same", "recorded by an older version"],
)
def test_a_change_of_what_is_restored_is_recorded_since_a_deletion_sees_only_that(
    *, recorded: dict[str, object], wanted: dict[str, object], changed: bool
) -> None:
    same = bag(web=target(WEB))
    assert barrier_state.changed({**same, **recorded}, {**same, **wanted}, is_known) is changed
    assert barrier_state.new_targets({**same, **recorded}, {**same, **wanted}) == {}


def test_only_new_and_changed_targets_are_waited_for() -> None:
    before = bag(web=target(WEB), api=target(API))
    now = bag(web=target(WEB), api=target(API, "second", httpPutResponseHopLimit=2), old=target(OLD))
    assert barrier_state.new_targets(before, now) == {
        API: Target(API, {"httpPutResponseHopLimit": 2}, Change("second")),
        OLD: Target(OLD, {"httpTokens": "required"}, Change("first")),
    }
    assert barrier_state.new_targets({}, bag(web=target(WEB))) == {
        WEB: Target(WEB, {"httpTokens": "required"}, Change("first"))
    }
    assert barrier_state.new_targets(before, before) == {}


def test_in_another_region_all_are_waited_for() -> None:
    before, now = bag(web=target(WEB)), bag(web=target(WEB), region="us-east-1")
    assert list(barrier_state.new_targets(before, now)) == [WEB]


def wave(**targets: object) -> dict[str, object]:
    return {**bag(**targets), "wave": 2.0}


CHANGED = "965f4789 changedAt=2026-11-25T04:40:12Z"
EARLIER = "0a1b2c3d-20261120T000000Z-wave-1"
"""As 0.2.0 recorded changes."""


@pytest.mark.parametrize(
    ("now", "waited_for"),
    [
        (wave(web=target(WEB, EARLIER)), []),
        (wave(), []),
        (wave(web=target(WEB, CHANGED)), [WEB]),
        (wave(api=target(API, CHANGED)), [API]),
        (wave(web=target(WEB, EARLIER), api=target(API, EARLIER)), [API]),
        (wave(web=target(WEB, EARLIER), api=target(API, "")), [API]),
        ({**wave(web=target(WEB, EARLIER)), "region": "us-east-1"}, [WEB]),
    ],
    ids=[
        "same",
        "none is changed",
        "the same one is changed again",
        "another one is changed",
        "one more",
        "one more, without a change",
        "in another region",
    ],
)
def test_a_wave_waits_for_its_new_targets_and_ignores_those_that_are_missing(
    now: dict[str, object], waited_for: list[str]
) -> None:
    for before in (wave(web=target(WEB, EARLIER)), bag(web=target(WEB, EARLIER))):
        assert list(barrier_state.new_targets(before, now)) == waited_for
        assert barrier_state.changed(before, now, is_known) is bool(waited_for)


def test_a_target_of_a_wave_that_is_not_known_yet_is_a_difference() -> None:
    assert barrier_state.changed(wave(), wave(web=UNKNOWN), is_known)


def test_the_same_change_is_not_a_difference() -> None:
    for change in (CHANGED, EARLIER, f"{CHANGED} requiredAt=2026-11-25T04:40:12Z"):
        same = bag(web=target(WEB, change))
        assert not barrier_state.changed({**same, "checkedAt": "2026-11-30T00:00:00Z"}, same, is_known)
        assert list(barrier_state.new_targets({}, same)) == [WEB]


@pytest.mark.parametrize(
    "given", [{"days": 14}, {"soakMinutes": 30.0}, {"unknown": "block"}, {"ifGone": "warn"}, {"title": "x"}]
)
def test_how_to_watch_is_not_a_difference_and_not_recorded(given: dict[str, object]) -> None:
    same = bag(web=target(WEB))
    assert not barrier_state.changed(same, {**same, **given}, is_known)
    recorded = barrier_state.outputs({**same, **given}, {}, result(applied=(WEB,)), NOON)
    assert recorded.keys() - {"title"} == {*same, "appliedIds", "pendingStartIds"}


def test_a_change_of_020_in_the_words_of_today_is_not_a_difference() -> None:
    written = str(Target.parse(target(WEB, EARLIER)))
    assert written.endswith("change=0a1b2c3d changedAt=2026-11-20T00:00:00Z requiredAt=2026-11-20T00:00:00Z")
    assert not barrier_state.changed(bag(web=target(WEB, EARLIER)), bag(web=written), is_known)


def test_a_wave_records_when_it_was_applied() -> None:
    found = barrier_state.outputs(wave(), {}, result(), NOON)
    assert (found["wave"], found["checkedAt"]) == (2.0, "2026-11-25T12:00:00Z")
    assert "checkedAt" not in barrier_state.outputs(bag(), {}, result(), NOON)


def test_a_gone_instance_is_in_no_list_whichever_it_was_in_before() -> None:
    now = bag(web=target(WEB), api=target(API, "second"), old=target(OLD))
    gone = WaitResult({OLD: observe(OLD, RIGHT)}, {OLD: Verdict.APPLIED}, {API: InstanceGoneError("It is terminated.")})
    for before in ("appliedIds", "pendingStartIds", "unknownIds"):
        recorded = {**bag(web=target(WEB), api=target(API)), "appliedIds": [WEB], before: [API]}
        found = barrier_state.outputs(now, recorded, gone, NOON)
        assert [found.get(name, []) for name in ("appliedIds", "pendingStartIds", "unknownIds")] == [
            sorted({OLD, WEB}),
            [],
            [],
        ]


def test_the_outputs_sort_the_instances_by_what_was_seen() -> None:
    inputs = bag(web=target(WEB), api=target(API), old=target(OLD))
    found = barrier_state.outputs(inputs, {}, result(applied=(WEB, OLD), pending_start=(API,)), NOON)
    assert found == {**inputs, "appliedIds": [WEB, OLD], "pendingStartIds": [API]}


def test_an_instance_that_is_not_described_again_stays_in_its_list() -> None:
    before = {**bag(web=target(WEB), api=target(API)), "appliedIds": [WEB], "pendingStartIds": [API]}
    now = bag(web=target(WEB), api=target(API), old=target(OLD))
    found = barrier_state.outputs(now, before, result(applied=(OLD,)), NOON)
    assert (found["appliedIds"], found["pendingStartIds"]) == ([WEB, OLD], [API])


def test_an_instance_that_has_started_moves_to_the_applied_list() -> None:
    before = {**bag(api=target(API)), "appliedIds": [], "pendingStartIds": [API]}
    found = barrier_state.outputs(bag(api=target(API, "second")), before, result(applied=(API,)), NOON)
    assert (found["appliedIds"], found["pendingStartIds"]) == ([API], [])


def test_an_instance_without_reported_options_is_in_a_list_of_its_own_until_it_has_them() -> None:
    unknown = WaitResult({API: observe(API, {})}, {API: Verdict.UNKNOWN}, {})
    found = barrier_state.outputs(bag(web=target(WEB), api=target(API)), {}, unknown, NOON)
    assert (found["appliedIds"], found["pendingStartIds"], found["unknownIds"]) == ([WEB], [], [API])
    assert barrier_state.not_in_force(found) == [API]
    assert barrier_state.outputs(bag(web=target(WEB), api=target(API)), found, result(), NOON)["unknownIds"] == [API]
    assert barrier_state.refreshed_outputs(found, {API: observe(API, {})})["unknownIds"] == [API]
    now = barrier_state.refreshed_outputs(found, {API: observe(API, RIGHT)})
    assert (now["appliedIds"], "unknownIds" in now) == (sorted([WEB, API]), False)


def test_each_instance_is_in_its_own_region_or_in_that_of_the_barrier() -> None:
    inputs = {**bag(web=target(WEB), api=target(API)), "regions": {"api": "us-east-1"}}
    assert barrier_state.region_of(inputs) == {WEB: "eu-west-1", API: "us-east-1"}


def test_an_instance_that_is_no_longer_a_target_is_in_no_list() -> None:
    before = {**bag(web=target(WEB), api=target(API)), "appliedIds": [WEB], "pendingStartIds": [API]}
    found = barrier_state.outputs(bag(), before, result(), NOON)
    assert (found["appliedIds"], found["pendingStartIds"]) == ([], [])


@pytest.mark.parametrize(
    ("found", "pending_start"),
    [
        ({API: observe(API, RIGHT)}, []),
        ({API: observe(API, RIGHT, state="pending", instance_state="stopped")}, [API]),
        ({API: observe(API, RIGHT, instance_state="stopped")}, [API]),
        ({API: observe(API, LAX)}, [API]),
        ({}, [API]),
    ],
    ids=["started", "still stopped", "still stopped but applied", "started with other values", "not seen"],
)
def test_a_refresh_moves_instances_that_have_started_with_their_options(
    found: dict[str, Observation], pending_start: list[str]
) -> None:
    before = {**bag(web=target(WEB), api=target(API)), "appliedIds": [WEB], "pendingStartIds": [API]}
    assert barrier_state.not_in_force(before) == [API]
    now = barrier_state.refreshed_outputs(before, found)
    assert now == {**before, "appliedIds": sorted({WEB, API} - {*pending_start}), "pendingStartIds": pending_start}


def test_a_refresh_does_not_list_a_gone_instance_as_applied() -> None:
    before = {**bag(web=target(WEB), api=target(API), old=target(OLD)), "appliedIds": [WEB], "pendingStartIds": [API]}
    now = barrier_state.refreshed_outputs(before, {API: observe(API, RIGHT)})
    assert (now["appliedIds"], now["pendingStartIds"]) == (sorted([WEB, API]), [])


def test_the_progress_is_one_line() -> None:
    assert barrier_state.progress({}, 3, 7, 10, 4.4) == "3 of 10 applied, 7 pending, 4 s"
    assert barrier_state.progress({"title": "wave 2/3 of web"}, 3, 7, 10, 4.4) == (
        "wave 2/3 of web: 3 of 10 applied, 7 pending, 4 s"
    )


def test_one_failure_is_its_line_and_several_are_a_list_in_order() -> None:
    one = {API: f"{API} is terminated."}
    two = {**one, WEB: f"{WEB} did not reach it."}
    assert barrier_state.failure(one, 5) == f"{API} is terminated."
    assert barrier_state.failure(two, 5) == (
        f"metadata options not applied on 2 of 5 instances:\n  {WEB} did not reach it.\n  {API} is terminated."
    )


def of_change(instance_id: str, *words: str) -> str:
    return " ".join([instance_id, "httpTokens=required", *words])


AT = "changedAt=2026-11-25T12:00:00Z"


@pytest.mark.parametrize(
    ("recorded", "wanted", "expected"),
    [
        pytest.param(bag(), bag(web=of_change(WEB, "change=a", AT)), [WEB], id="a new instance"),
        pytest.param(
            bag(web=of_change(WEB, "change=a", AT)), bag(web=of_change(WEB, "change=b", AT)), [WEB], id="changed again"
        ),
        pytest.param(
            bag(web=of_change(WEB, "change=a", AT)),
            bag(web=f"{WEB} httpTokens=required httpPutResponseHopLimit=2 change=a {AT}"),
            [],
            id="only another option is managed",
        ),
        pytest.param(
            bag(web=of_change(WEB, "change=a", AT)),
            bag(web=of_change(WEB, "change=a", AT), api=of_change(API)),
            [],
            id="one that complies already joins",
        ),
        pytest.param(bag(), bag(web=of_change(WEB, "change=a")), [], id="loosened"),
    ],
)
def test_only_changes_that_are_not_recorded_yet_are_new(
    recorded: dict[str, object], wanted: dict[str, object], expected: list[str]
) -> None:
    assert [each.instance_id for each in barrier_state.newly_changed(recorded, wanted)] == expected


def test_other_alarms_are_no_change_of_a_barrier() -> None:
    web = bag(web=of_change(WEB, "change=a", AT))
    assert not barrier_state.changed(web, {**web, "alarms": ["checkout-5xx"], "insufficientData": "warn"}, is_known)
    assert barrier_state.check({**web, "alarms": ["a"], "insufficientData": "warn"}, is_known) == []
    assert barrier_state.outputs({**web, "alarms": ["a"]}, {}, result(), NOON) == barrier_state.outputs(
        web, {}, result(), NOON
    )
