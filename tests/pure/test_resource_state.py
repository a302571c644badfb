"""Which inputs are valid: every violation by property, with what is allowed and what was given."""

from __future__ import annotations

import pytest

from imds_provider.rules.resource_state import check
from tests.pure.bags import UNKNOWN, inputs, is_known


def test_complete_inputs_are_accepted() -> None:
    every_option = {
        "httpTokens": "required",
        "httpPutResponseHopLimit": 2.0,
        "httpEndpoint": "enabled",
        "httpProtocolIpv6": "disabled",
        "instanceMetadataTags": "enabled",
    }
    assert check(inputs(**every_option, onDestroy="restore", wait=False, timeoutSeconds=5.5), is_known) == []


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("instanceId", "web", 'instance_id must be an instance ID ("i-" and 8 or 17 hexadecimal digits), got "web".'),
        (
            "region",
            "eu",
            'region must be the name of an AWS region such as "eu-west-1", given here or as aws:region, got "eu".',
        ),
        (
            "region",
            None,
            'region is missing; it must be the name of an AWS region such as "eu-west-1", given here or as aws:region.',
        ),
        ("httpTokens", "on", 'http_tokens must be "optional" or "required", got "on".'),
        ("onDestroy", "delete", 'on_destroy must be "retain" or "restore", got "delete".'),
        ("onDestroy", None, 'on_destroy is missing; it must be "retain" or "restore".'),
        ("wait", "true", 'wait must be true or false, got "true".'),
        ("timeoutSeconds", 3601.0, "timeout_seconds must be a number of seconds from 1 to 3600, got 3601."),
        ("allowDowngrade", " ", 'allow_downgrade must be the reason why the options may be loosened, got " ".'),
        ("change", 7.0, "change must be a string that a component passes, got 7."),
        ("found", True, "found must be a string that a component passes, got true."),
        ("unhealthy", 1.0, "unhealthy must be a string that a component passes, got 1."),
        ("days", 456.0, "days must be a whole number of days from 1 to 455, got 456."),
        ("ifGone", "ignore", 'if_gone must be "fail" or "warn", got "ignore".'),
    ],
)
def test_a_wrong_property_is_refused_with_what_is_allowed(name: str, value: object, sentence: str) -> None:
    bag = {"httpProtocolIpv6": "disabled", **inputs(), name: value}
    assert [(each.path, each.in_python()) for each in check(bag, is_known)] == [((name,), sentence)]


@pytest.mark.parametrize(
    "given",
    [
        {"change": "httpTokens: optional -> required", "ifGone": "fail"},
        {"found": "running applied - httpTokens=required", "ifGone": "warn"},
        {"change": None, "found": None, "ifGone": None},
        {"change": UNKNOWN, "found": UNKNOWN, "ifGone": UNKNOWN},
    ],
)
def test_what_components_pass_may_be_left_out_or_be_unknown(given: dict[str, object]) -> None:
    assert check(inputs(**given), is_known) == []


def test_no_option_at_all_is_a_violation() -> None:
    bag = {name: value for name, value in inputs().items() if name != "httpTokens"}
    (violation,) = check(bag, is_known)
    assert "set at least one option to manage" in violation.reason


def test_every_violation_is_found_at_once() -> None:
    everything = dict.fromkeys(
        [
            *("instanceId", "region", "httpTokens", "httpPutResponseHopLimit", "httpEndpoint", "httpProtocolIpv6"),
            *("instanceMetadataTags", "onDestroy", "wait", "timeoutSeconds"),
        ],
        "wrong",
    )
    assert {violation.path for violation in check(everything, is_known)} == {(name,) for name in everything}


@pytest.mark.parametrize("name", [*inputs(), "httpPutResponseHopLimit"])
def test_a_value_that_is_not_known_yet_is_not_judged(name: str) -> None:
    assert check(inputs(**{name: UNKNOWN}), is_known) == []
