"""What counts as a change: recorded outputs against new inputs, offline."""

from __future__ import annotations

import pytest

from imds_provider.rules.options import OPTIONS
from imds_provider.rules.resource_state import changed, needs_ec2, refreshed_outputs, replaces
from tests.pure.bags import UNKNOWN, WEB, inputs, is_known, recorded
from tests.support.fakes import LAX, observe

OTHER = "i-0fedcba9876543210"
OFF = {**LAX, "httpEndpoint": "disabled"}
WITHOUT_TAGS = {name: value for name, value in LAX.items() if name != "instanceMetadataTags"}


def test_the_same_inputs_are_not_a_change() -> None:
    assert not changed(recorded(), inputs(), is_known)
    assert replaces(recorded(), inputs()) == []


def test_numbers_are_compared_as_numbers() -> None:
    assert not changed(recorded(httpPutResponseHopLimit=2.0), inputs(httpPutResponseHopLimit=2.0), is_known)
    assert not changed(recorded(httpPutResponseHopLimit=2.0), inputs(httpPutResponseHopLimit=2), is_known)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_another_value_of_an_option_is_a_change_and_not_a_replacement(option: object) -> None:
    name, values = option.name, option.allowed  # type: ignore[attr-defined]  # parametrize has no types
    before, now = recorded(**{name: values[0]}), inputs(**{name: values[1]})
    assert (changed(before, now, is_known), replaces(before, now)) == (True, [])


def test_a_newly_set_option_is_a_change_even_where_the_instance_has_the_value() -> None:
    assert changed(recorded(), inputs(httpPutResponseHopLimit=1.0), is_known)


def test_an_option_that_is_no_longer_set_is_a_change() -> None:
    assert changed(recorded(httpPutResponseHopLimit=1.0), inputs(), is_known)


def test_drift_of_a_managed_option_is_a_change() -> None:
    drifted = refreshed_outputs(recorded(), observe(WEB, {**LAX, "httpTokens": "optional"}))
    assert changed(drifted, inputs(), is_known)


def test_drift_of_an_unmanaged_option_is_not_a_change() -> None:
    drifted = refreshed_outputs(recorded(), observe(WEB, {**LAX, "httpTokens": "required", "httpEndpoint": "disabled"}))
    assert not changed(drifted, inputs(), is_known)


def test_what_cannot_apply_while_the_endpoint_is_disabled_is_not_a_change() -> None:
    off = recorded(OFF, httpPutResponseHopLimit=3.0)
    bag = refreshed_outputs(off, observe(WEB, {**OFF, "httpTokens": "required"}))
    assert not changed(bag, inputs(httpPutResponseHopLimit=3.0), is_known)


def test_what_the_region_does_not_report_is_not_a_change() -> None:
    bag = refreshed_outputs(
        recorded(instanceMetadataTags="enabled"), observe(WEB, {**WITHOUT_TAGS, "httpTokens": "required"})
    )
    assert not changed(bag, inputs(instanceMetadataTags="enabled"), is_known)


@pytest.mark.parametrize(
    ("name", "value", "replaced"),
    [
        ("instanceId", OTHER, ["instanceId"]),
        ("region", "us-east-1", ["region"]),
        ("instanceId", UNKNOWN, ["instanceId"]),
        ("region", UNKNOWN, ["region"]),
        ("httpTokens", UNKNOWN, []),
        ("httpPutResponseHopLimit", UNKNOWN, []),
        ("onDestroy", "restore", []),
        ("onDestroy", UNKNOWN, []),
    ],
)
def test_only_another_instance_or_region_is_a_replacement(name: str, value: object, replaced: list[str]) -> None:
    now = inputs(**{name: value})
    assert (changed(recorded(), now, is_known), replaces(recorded(), now)) == (True, replaced)


@pytest.mark.parametrize(
    ("name", "value"), [("wait", False), ("wait", UNKNOWN), ("timeoutSeconds", 5.0), ("timeoutSeconds", UNKNOWN)]
)
def test_how_to_carry_out_a_change_is_not_a_change(name: str, value: object) -> None:
    assert not changed(recorded(), inputs(**{name: value}), is_known)


def test_other_observed_values_are_not_a_change() -> None:
    bag = {**recorded(), "ownerId": "999999999999", "state": "pending", "previous": {}}
    assert not changed(bag, inputs(), is_known)


@pytest.mark.parametrize(
    ("given", "needs"),
    [
        ({}, False),
        ({"onDestroy": "restore"}, False),
        ({"httpTokens": None}, False),
        ({"httpTokens": "optional"}, True),
        ({"httpPutResponseHopLimit": 1.0}, True),
        ({"httpPutResponseHopLimit": 2.0}, True),
    ],
    ids=["same", "other setting", "no longer set", "other value", "newly set and equal", "newly set and different"],
)
def test_an_update_describes_the_instance_only_for_a_value_that_it_may_have_to_send(
    given: dict[str, object], *, needs: bool
) -> None:
    assert needs_ec2(recorded(httpEndpoint="enabled"), inputs(httpEndpoint="enabled", **given)) is needs


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ("httpTokens: optional -> required", True),
        ("httpTokens: optional -> required, httpPutResponseHopLimit: 1 -> 2", True),
        ("terminated", True),
        ("httpTokens: required -> optional", False),
        ("httpPutResponseHopLimit: 1 -> 3", False),
        (None, False),
        (UNKNOWN, False),
    ],
    ids=[
        "an option",
        "two options",
        "terminated",
        "towards another value",
        "of what is not managed",
        "none",
        "unknown",
    ],
)
def test_a_planned_change_is_a_change_and_sent_for_as_long_as_it_is_given(change: object, *, counts: bool) -> None:
    wanted = inputs(change=change)
    assert (changed(recorded(), wanted, is_known), replaces(recorded(), wanted)) == (counts, [])
    assert needs_ec2(recorded(), wanted) is counts


def test_an_option_in_ignore_changes_is_not_a_change_whatever_is_planned() -> None:
    ignored = inputs(httpTokens="optional", change="httpTokens: optional -> required")
    assert not changed(recorded(httpTokens="optional"), ignored, is_known)


def test_found_and_if_gone_are_not_a_change() -> None:
    given = inputs(found="running applied - httpTokens=required", ifGone="warn")
    assert not changed(recorded(), given, is_known)
    assert not needs_ec2(recorded(), given)


def test_an_unfinished_change_needs_ec2_whatever_was_found() -> None:
    unfinished = {**recorded(), "unfinished": "no answer."}
    given = inputs(found="running applied - httpTokens=required")
    assert changed(unfinished, given, is_known)
    assert needs_ec2(unfinished, given)
