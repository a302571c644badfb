"""What may go into the resource: every violation by property, in a sentence that says what is allowed and given."""

from __future__ import annotations

import pytest

from imds_provider.rules.resource_state import check, is_instance_id, is_timeout
from tests.pure.bags import UNKNOWN, WEB, inputs, is_known


def test_complete_inputs_are_accepted() -> None:
    every_option = {
        "httpTokens": "required",
        "httpPutResponseHopLimit": 2.0,
        "httpEndpoint": "enabled",
        "httpProtocolIpv6": "disabled",
        "instanceMetadataTags": "enabled",
    }
    assert check(inputs(**every_option, onDestroy="restore", wait=False, timeoutSeconds=5.5), is_known) == []


INSTANCE_ID = 'instanceId must be an instance id, "i-" and 8 or 17 hexadecimal digits, got '
REGION = 'region must be the name of an AWS region such as "eu-west-1", given here or as aws:region, got '
TIMEOUT = "timeoutSeconds must be a number of seconds from 1 to 3600, got "


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        *(("instanceId", value, f'{INSTANCE_ID}"{value}".') for value in ["", "web", "i-1A2B3C4D", "i-123", WEB + "0"]),
        ("instanceId", None, INSTANCE_ID + "nothing."),
        ("instanceId", 7.0, INSTANCE_ID + "7."),
        *(("region", value, f'{REGION}"{value}".') for value in ["", "eu", "eu-west", "EU-WEST-1", "eu-west-1a"]),
        ("region", None, REGION + "nothing."),
        ("region", True, REGION + "true."),
        ("httpTokens", "on", 'httpTokens must be "optional" or "required", got "on".'),
        ("httpEndpoint", True, 'httpEndpoint must be "disabled" or "enabled", got true.'),
        ("httpPutResponseHopLimit", "2", 'httpPutResponseHopLimit must be a whole number from 1 to 64, got "2".'),
        *(
            ("onDestroy", value, f'onDestroy must be "retain" or "restore", got {given}.')
            for value, given in [("delete", '"delete"'), (True, "true"), (None, "nothing")]
        ),
        *(
            ("wait", value, f"wait must be true or false, got {given}.")
            for value, given in [("true", '"true"'), (1.0, "1"), (None, "nothing")]
        ),
        *(
            ("timeoutSeconds", value, TIMEOUT + given)
            for value, given in [(0.0, "0."), (-5.0, "-5."), (3601.0, "3601."), (True, "true."), ("60", '"60".')]
        ),
        ("timeoutSeconds", None, TIMEOUT + "nothing."),
        ("change", 7.0, "change must be a string that the component gives, got 7."),
        ("found", True, "found must be a string that the component gives, got true."),
        ("ifGone", "ignore", 'ifGone must be "fail" or "warn", got "ignore".'),
    ],
)
def test_a_wrong_property_is_refused_with_what_is_allowed(name: str, value: object, reason: str) -> None:
    bag = {"httpProtocolIpv6": "disabled", **inputs(), name: value}
    assert [(violation.property, violation.reason) for violation in check(bag, is_known)] == [(name, reason)]


@pytest.mark.parametrize(
    "given",
    [
        {"change": "httpTokens: optional -> required", "ifGone": "fail"},
        {"found": "running applied - httpTokens=required", "ifGone": "warn"},
        {"change": None, "found": None, "ifGone": None},
        {"change": UNKNOWN, "found": UNKNOWN, "ifGone": UNKNOWN},
    ],
)
def test_what_the_components_give_may_be_left_out_or_be_unknown(given: dict[str, object]) -> None:
    assert check(inputs(**given), is_known) == []


def test_no_option_at_all_is_a_violation() -> None:
    bag = {name: value for name, value in inputs().items() if name != "httpTokens"}
    (violation,) = check(bag, is_known)
    assert "set at least one option to manage" in violation.reason


def test_every_violation_is_found_in_one_go() -> None:
    everything = dict.fromkeys(
        [
            *("instanceId", "region", "httpTokens", "httpPutResponseHopLimit", "httpEndpoint", "httpProtocolIpv6"),
            *("instanceMetadataTags", "onDestroy", "wait", "timeoutSeconds"),
        ],
        "wrong",
    )
    assert [violation.property for violation in check(everything, is_known)] == list(everything)


@pytest.mark.parametrize("name", [*inputs(), "httpPutResponseHopLimit"])
def test_a_value_that_is_not_known_yet_is_not_judged(name: str) -> None:
    assert check(inputs(**{name: UNKNOWN}), is_known) == []


@pytest.mark.parametrize("value", ["i-1a2b3c4d", "i-0123456789abcdef0"])
def test_an_instance_id_has_8_or_17_hexadecimal_digits(value: str) -> None:
    assert is_instance_id(value)


@pytest.mark.parametrize(
    "value",
    [
        *("", "i-", "i-1a2b3c4", "i-1a2b3c4d5", "i-1a2b3c4d\n", " i-1a2b3c4d", "I-1a2b3c4d", "i-1A2B3C4D"),
        *("i-1a2b3c4g", "mi-1a2b3c4d", "i-\uff11a2b3c4d", 12345678, None),
    ],
)
def test_nothing_else_is_an_instance_id(value: object) -> None:
    assert not is_instance_id(value)


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-north-1", "ap-southeast-5", "us-iso-east-1"])
def test_the_regions_of_every_partition_are_accepted(region: str) -> None:
    assert check(inputs(region=region), is_known) == []


@pytest.mark.parametrize(
    ("value", "holds"),
    [(1, True), (1.0, True), (3600, True), (0.99, False), (3600.5, False), (float("nan"), False), (True, False)],
)
def test_a_timeout_is_a_number_of_seconds_up_to_an_hour(value: object, *, holds: bool) -> None:
    assert is_timeout(value) is holds
