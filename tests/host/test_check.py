"""Check, through the real dynamic host: what is not allowed is said in one go, and AWS is asked nothing."""

from __future__ import annotations

import pytest

from tests.host.instances import REGION, inputs, target
from tests.support.dynamic_host import UNKNOWN, ProviderClient

WEB = "i-0123456789abcdef0"
ENUMS = {
    "httpTokens": '"optional" or "required"',
    "httpEndpoint": '"disabled" or "enabled"',
    "httpProtocolIpv6": '"disabled" or "enabled"',
    "instanceMetadataTags": '"disabled" or "enabled"',
}


def test_allowed_inputs_pass_unchanged(preview: ProviderClient) -> None:
    given = inputs(WEB, **{**dict.fromkeys(ENUMS, "enabled"), "httpTokens": "required", "httpPutResponseHopLimit": 64})
    assert preview.check(given) == (given, [])


def test_the_region_is_that_of_the_stack_unless_given(preview: ProviderClient) -> None:
    given = inputs(WEB, httpTokens="required")
    del given["region"]
    assert preview.check(given).inputs == {**given, "region": REGION}
    assert preview.check({**given, "region": "us-gov-west-1"}).inputs["region"] == "us-gov-west-1"


def test_everything_that_is_not_allowed_is_said_in_one_go(preview: ProviderClient) -> None:
    given = inputs(
        "i-0123",
        region="Ireland",
        **dict.fromkeys(ENUMS, "Required"),
        httpPutResponseHopLimit=65,
        onDestroy="keep",
        wait="yes",
        timeoutSeconds=0,
    )
    assert preview.check(given).failures == [
        ("instanceId", 'instanceId must be an instance id, "i-" and 8 or 17 hexadecimal digits, got "i-0123".'),
        (
            "region",
            'region must be the name of an AWS region such as "eu-west-1", given here or as aws:region, got "Ireland".',
        ),
        ("httpTokens", 'httpTokens must be "optional" or "required", got "Required".'),
        ("httpPutResponseHopLimit", "httpPutResponseHopLimit must be a whole number from 1 to 64, got 65."),
        ("httpEndpoint", 'httpEndpoint must be "disabled" or "enabled", got "Required".'),
        ("httpProtocolIpv6", 'httpProtocolIpv6 must be "disabled" or "enabled", got "Required".'),
        ("instanceMetadataTags", 'instanceMetadataTags must be "disabled" or "enabled", got "Required".'),
        ("onDestroy", 'onDestroy must be "retain" or "restore", got "keep".'),
        ("wait", 'wait must be true or false, got "yes".'),
        ("timeoutSeconds", "timeoutSeconds must be a number of seconds from 1 to 3600, got 0."),
    ]


@pytest.mark.parametrize("name", ENUMS)
@pytest.mark.parametrize(
    ("given", "shown"), [("", '""'), ("REQUIRED", '"REQUIRED"'), (True, "true"), (1, "1"), ("no", '"no"')]
)
def test_an_option_of_two_values_takes_no_other(name: str, given: object, shown: str, preview: ProviderClient) -> None:
    reason = f"{name} must be {ENUMS[name]}, got {shown}."
    assert preview.check(inputs(WEB, **{name: given})).failures == [(name, reason)]


@pytest.mark.parametrize(
    ("given", "shown"), [(0, "0"), (65, "65"), (-1, "-1"), (2.5, "2.5"), (True, "true"), ("2", '"2"')]
)
def test_the_hop_limit_is_a_whole_number_from_1_to_64(given: object, shown: str, preview: ProviderClient) -> None:
    reason = f"httpPutResponseHopLimit must be a whole number from 1 to 64, got {shown}."
    assert preview.check(inputs(WEB, httpPutResponseHopLimit=given)).failures == [("httpPutResponseHopLimit", reason)]


def test_at_least_one_option_is_to_be_set(preview: ProviderClient) -> None:
    names = "httpTokens, httpPutResponseHopLimit, httpEndpoint, httpProtocolIpv6, instanceMetadataTags"
    assert preview.check(inputs(WEB)).failures == [("httpTokens", f"set at least one option to manage: {names}.")]


@pytest.mark.parametrize("given", ["web", "i-0123456789ABCDEF0", "i-0123456789abcdef", f" {WEB}", f"{WEB}\n", 7, None])
def test_a_malformed_id_is_refused(given: object, preview: ProviderClient) -> None:
    failures = preview.check(inputs("", instanceId=given, httpTokens="required")).failures
    assert [name for name, _ in failures] == ["instanceId"]


@pytest.mark.parametrize("name", ["instanceId", "region", "httpTokens", "httpPutResponseHopLimit", "timeoutSeconds"])
def test_a_value_that_is_not_known_yet_is_let_through(name: str, preview: ProviderClient) -> None:
    given = inputs(WEB, **{"httpEndpoint": "enabled", name: UNKNOWN})
    assert preview.check(given) == (given, [])


def test_the_barrier_takes_targets_and_fills_in_the_region(preview_barrier: ProviderClient) -> None:
    given = {"targets": {"web": target(WEB, "httpTokens=required", "a"), "new": UNKNOWN}, "timeoutSeconds": 20}
    assert preview_barrier.check(given) == ({**given, "region": REGION}, [])
    assert preview_barrier.check({**given, "targets": UNKNOWN}).failures == []


def test_the_barrier_refuses_what_is_no_target_and_odd_settings(preview_barrier: ProviderClient) -> None:
    given = {"targets": {"odd": "web", "fine": UNKNOWN}, "timeoutSeconds": 5000, "region": ""}
    assert sorted(preview_barrier.check(given).failures) == [
        ("region", "region must be given here or as aws:region."),
        ("targets.odd", "odd is no target of an InstanceMetadataOptions."),
        ("timeoutSeconds", "timeoutSeconds must be a number of seconds from 1 to 3600."),
    ]


def test_the_barrier_refuses_an_instance_given_twice(preview_barrier: ProviderClient) -> None:
    line = target(WEB, "httpTokens=required", "a")
    [(name, reason)] = preview_barrier.check({"targets": {"web": line, "db": line}, "timeoutSeconds": 20}).failures
    # A property bag has no order.
    first, second = ("db", "web") if name == "targets.web" else ("web", "db")
    assert (name, reason) == (f"targets.{second}", f"{WEB} is given twice, as {first} and as {second}.")
