"""What is recorded of an instance: after an operation, after a refresh, and the previous values."""

from __future__ import annotations

import pytest

from imds_provider.rules import resource_state
from imds_provider.rules.options import Options
from imds_provider.rules.target import Change
from tests.pure.bags import WEB, inputs, is_known, recorded
from tests.support.fakes import LAX, OWNER, observe

RIGHT: Options = {**LAX, "httpTokens": "required"}


def test_the_outputs_are_what_was_observed_with_the_settings_and_the_previous_values() -> None:
    bag = resource_state.outputs(
        inputs(httpPutResponseHopLimit=2.0),
        observe(WEB, {**RIGHT, "httpPutResponseHopLimit": 2}, state="applied"),
        {"httpTokens": "optional", "httpPutResponseHopLimit": 1},
        Change("c0ffee"),
    )
    assert bag == {
        "instanceId": WEB,
        "region": "eu-west-1",
        "onDestroy": "retain",
        "wait": True,
        "timeoutSeconds": 120.0,
        "httpTokens": "required",
        "httpPutResponseHopLimit": 2,
        "httpEndpoint": "enabled",
        "httpProtocolIpv6": "disabled",
        "instanceMetadataTags": "disabled",
        "ownerId": OWNER,
        "state": "applied",
        "previous": {"httpTokens": "optional", "httpPutResponseHopLimit": 1},
        "target": f"{WEB} httpTokens=required httpPutResponseHopLimit=2 change=c0ffee",
    }


def test_the_outputs_are_never_the_inputs() -> None:
    bag = resource_state.outputs(inputs(), observe(WEB, LAX, state="pending"), {}, None)
    assert (bag["httpTokens"], bag["state"]) == ("optional", "pending")


@pytest.mark.parametrize(
    ("instance_state", "state", "options", "changed", "recorded_state"),
    [
        ("running", "applied", RIGHT, True, "applied"),
        ("running", "pending", RIGHT, True, "pending"),
        ("running", "", RIGHT, True, "applied"),
        ("running", "applied", {}, False, "unknown"),
        ("stopped", "applied", RIGHT, False, "applied"),
        ("stopped", "applied", RIGHT, True, "pending-start"),
        ("stopped", "pending", RIGHT, False, "pending-start"),
        ("stopping", "pending", RIGHT, True, "pending-start"),
    ],
)
def test_the_state_is_that_of_ec2_or_pending_start_or_unknown(
    instance_state: str, state: str, options: Options, recorded_state: str, *, changed: bool
) -> None:
    seen = observe(WEB, options, state=state, instance_state=instance_state)
    assert resource_state.outputs(inputs(), seen, {}, None, changed=changed)["state"] == recorded_state


def test_a_change_made_while_stopped_stays_pending_start_until_the_instance_runs() -> None:
    waiting = {**recorded(), "state": "pending-start"}
    stopped = observe(WEB, RIGHT, instance_state="stopped")
    assert resource_state.refreshed_outputs(waiting, stopped)["state"] == "pending-start"
    assert resource_state.refreshed_outputs(waiting, observe(WEB, RIGHT))["state"] == "applied"
    assert resource_state.refreshed_outputs(recorded(), stopped)["state"] == "applied"


def test_a_state_that_nothing_has_waited_for_is_not_recorded() -> None:
    seen = observe(WEB, RIGHT, state="pending")
    assert "state" not in resource_state.outputs(inputs(wait=False), seen, {}, None)
    assert "state" not in resource_state.refreshed_outputs(recorded(wait=False), seen)


@pytest.mark.parametrize(
    ("before_recorded", "before", "wanted", "previous"),
    [
        ({}, LAX, {"httpTokens": "required"}, {"httpTokens": "optional"}),
        ({"httpTokens": "optional"}, RIGHT, {"httpTokens": "required"}, {"httpTokens": "optional"}),
        (
            {"httpTokens": "optional"},
            RIGHT,
            {"httpTokens": "required", "httpPutResponseHopLimit": 2},
            {"httpTokens": "optional", "httpPutResponseHopLimit": 1},
        ),
        (
            {"httpTokens": "optional", "httpPutResponseHopLimit": 1},
            RIGHT,
            {"httpTokens": "required"},
            {"httpTokens": "optional"},
        ),
        ({"httpTokens": "optional"}, {}, {"httpTokens": "required"}, {"httpTokens": "optional"}),
        ({}, {"httpTokens": "optional"}, {"instanceMetadataTags": "enabled"}, {}),
    ],
    ids=[
        "first managed now",
        "the first value is kept, not the last",
        "one more option is managed",
        "one is let go",
        "kept also where the instance was not looked at",
        "not reported",
    ],
)
def test_previous_is_what_was_there_before_an_option_was_first_managed(
    before_recorded: Options, before: Options, wanted: Options, previous: Options
) -> None:
    assert resource_state.merge_previous(before_recorded, before, wanted) == previous


def test_a_refresh_shows_the_drift_of_each_managed_option_in_outputs_and_inputs() -> None:
    bag = recorded(httpPutResponseHopLimit=2.0)
    seen = observe(WEB, {**LAX, "httpPutResponseHopLimit": 5, "httpEndpoint": "disabled"})
    outputs, shown = resource_state.refreshed_outputs(bag, seen), resource_state.refreshed_inputs(bag, seen)
    assert {name: outputs[name] for name in LAX} == seen.options
    assert shown == inputs(httpTokens="optional", httpPutResponseHopLimit=5)


def test_a_refresh_leaves_everything_else_as_it_was_recorded() -> None:
    bag = recorded(onDestroy="restore")
    assert resource_state.refreshed_outputs(bag, observe(WEB, RIGHT)) == bag
    assert resource_state.refreshed_inputs(bag, observe(WEB, RIGHT)) == inputs(onDestroy="restore")


def test_after_a_refresh_drift_is_a_change_that_is_sent() -> None:
    drifted = resource_state.refreshed_outputs(recorded(), observe(WEB, LAX))
    assert resource_state.changed(drifted, inputs(), is_known)
    assert resource_state.needs_ec2(drifted, inputs())
    assert resource_state.previous(drifted) == {"httpTokens": "optional"}


def test_an_option_that_the_region_no_longer_reports_disappears_from_the_outputs_but_not_from_the_inputs() -> None:
    bag = recorded(instanceMetadataTags="enabled")
    seen = observe(WEB, {name: value for name, value in RIGHT.items() if name != "instanceMetadataTags"})
    assert "instanceMetadataTags" not in resource_state.refreshed_outputs(bag, seen)
    assert resource_state.refreshed_inputs(bag, seen) == inputs(instanceMetadataTags="enabled")


def test_a_read_by_id_alone_records_the_instance_and_manages_nothing_yet() -> None:
    bag = {"instanceId": WEB, "region": "eu-west-1"}
    outputs = resource_state.refreshed_outputs(bag, observe(WEB, LAX))
    assert outputs == {
        **bag,
        **LAX,
        "ownerId": OWNER,
        "state": "applied",
        "previous": {},
        "target": WEB,
    }
    assert resource_state.refreshed_inputs(bag, observe(WEB, LAX)) == bag
    assert resource_state.managed(outputs) == {}
    assert resource_state.changed(outputs, inputs(), is_known)


def test_managed_and_previous_values_are_read_back_as_whole_numbers() -> None:
    bag = {
        "target": f"{WEB} httpPutResponseHopLimit=2 change=c0ffee",
        "previous": {"httpPutResponseHopLimit": 1.0},
    }
    assert resource_state.managed(bag) == {"httpPutResponseHopLimit": 2}
    assert resource_state.previous(bag) == {"httpPutResponseHopLimit": 1}
    assert {
        type(value) for value in (*resource_state.managed(bag).values(), *resource_state.previous(bag).values())
    } == {int}
    assert resource_state.carried_over(bag, inputs())["target"] == f"{WEB} httpTokens=required change=c0ffee"


@pytest.mark.parametrize("bag", [{}, {"target": None, "previous": None}, {"target": {}, "previous": []}])
def test_a_state_without_target_and_previous_is_read_as_empty(bag: dict[str, object]) -> None:
    assert (resource_state.managed(bag), resource_state.previous(bag)) == ({}, {})


def test_an_update_without_the_instance_keeps_what_was_observed_and_the_change() -> None:
    bag = recorded(httpPutResponseHopLimit=2.0)
    carried = resource_state.carried_over(bag, inputs(onDestroy="restore", timeoutSeconds=5.0))
    assert carried == {
        **bag,
        "onDestroy": "restore",
        "timeoutSeconds": 5.0,
        "previous": {"httpTokens": "optional"},
        "target": f"{WEB} httpTokens=required change=first",
    }


def test_a_resource_that_no_longer_waits_records_no_state() -> None:
    assert "state" not in resource_state.carried_over(recorded(), inputs(wait=False))


def test_nothing_changes_after_an_update_without_the_instance() -> None:
    wanted = inputs(onDestroy="restore", wait=False)
    assert not resource_state.changed(
        resource_state.carried_over(recorded(httpPutResponseHopLimit=2.0), wanted), wanted, is_known
    )


def test_the_settings_are_the_inputs_that_are_not_options() -> None:
    assert resource_state.settings({**inputs(region=None), "state": "applied"}) == {
        "instanceId": WEB,
        "onDestroy": "retain",
        "wait": True,
        "timeoutSeconds": 120.0,
    }


def test_a_reason_that_is_no_longer_given_is_no_longer_recorded() -> None:
    given = recorded(allowDowngrade="the agent is old")
    assert resource_state.carried_over(given, inputs(allowDowngrade="a new agent"))["allowDowngrade"] == "a new agent"
    assert "allowDowngrade" not in resource_state.carried_over(given, inputs())
    assert not resource_state.changed(resource_state.carried_over(given, inputs()), inputs(), is_known)


GIVEN_BY_COMPONENTS = {
    "change": "httpTokens: optional -> required",
    "found": "running applied - httpTokens=required",
    "ifGone": "warn",
}


def test_what_components_pass_is_not_recorded() -> None:
    given = inputs(**GIVEN_BY_COMPONENTS)
    for bag in (
        resource_state.outputs(given, observe(WEB, RIGHT), {}, None),
        resource_state.carried_over(recorded(), given),
        resource_state.outputs_if_gone(given, recorded()),
        resource_state.settings(given),
        resource_state.refreshed_inputs(recorded(), observe(WEB, LAX)),
    ):
        assert bag is not None
        assert not bag.keys() & GIVEN_BY_COMPONENTS.keys()


def test_a_gone_instance_keeps_its_last_outputs() -> None:
    before = {**recorded(), "unfinished": "no answer."}
    gone = resource_state.outputs_if_gone(inputs(httpPutResponseHopLimit=2.0, ifGone="warn"), before)
    target = f"{WEB} httpTokens=required httpPutResponseHopLimit=2 change=first"
    assert gone == {**recorded(), "target": target}


def test_an_instance_that_never_existed_is_recorded_with_its_wanted_options() -> None:
    gone = resource_state.outputs_if_gone(inputs(ifGone="warn"), {})
    settings = {name: value for name, value in inputs().items() if name != "httpTokens"}
    assert gone == {**settings, "previous": {}, "target": f"{WEB} httpTokens=required"}
    again = inputs(change="httpTokens: optional -> required")
    assert (resource_state.changed(gone, again, is_known), resource_state.replaces(gone, again)) == (True, [])
