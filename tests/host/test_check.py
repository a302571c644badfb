"""Check, through the real dynamic host: every violation is reported at once, without a request to AWS."""

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


def test_every_violation_is_reported_at_once(preview: ProviderClient) -> None:
    given = inputs(
        "i-0123",
        region="Ireland",
        **dict.fromkeys(ENUMS, "Required"),
        httpPutResponseHopLimit=65,
        onDestroy="keep",
        wait="yes",
        timeoutSeconds=0,
    )
    assert sorted(preview.check(given).failures) == sorted(
        [
            ("instanceId", 'instance_id must be an instance ID ("i-" and 8 or 17 hexadecimal digits), got "i-0123".'),
            (
                "region",
                (
                    'region must be the name of an AWS region such as "eu-west-1", given here or as aws:region, '
                    'got "Ireland".'
                ),
            ),
            ("httpTokens", 'http_tokens must be "optional" or "required", got "Required".'),
            ("httpPutResponseHopLimit", "http_put_response_hop_limit must be a whole number from 1 to 64, got 65."),
            ("httpEndpoint", 'http_endpoint must be "disabled" or "enabled", got "Required".'),
            ("httpProtocolIpv6", 'http_protocol_ipv6 must be "disabled" or "enabled", got "Required".'),
            ("instanceMetadataTags", 'instance_metadata_tags must be "disabled" or "enabled", got "Required".'),
            ("onDestroy", 'on_destroy must be "retain" or "restore", got "keep".'),
            ("wait", 'wait must be true or false, got "yes".'),
            ("timeoutSeconds", "timeout_seconds must be a number of seconds from 1 to 3600, got 0."),
        ]
    )


def test_at_least_one_option_must_be_set(preview: ProviderClient) -> None:
    names = "http_tokens, http_put_response_hop_limit, http_endpoint, http_protocol_ipv6, instance_metadata_tags"
    assert preview.check(inputs(WEB)).failures == [("", f"set at least one option to manage: {names}.")]


@pytest.mark.parametrize("given", ["web", "i-0123456789ABCDEF0", "i-0123456789abcdef", f" {WEB}", f"{WEB}\n", 7, None])
def test_a_malformed_id_is_refused(given: object, preview: ProviderClient) -> None:
    failures = preview.check(inputs("", instanceId=given, httpTokens="required")).failures
    assert [name for name, _ in failures] == ["instanceId"]


@pytest.mark.parametrize("name", ["instanceId", "region", "httpTokens", "httpPutResponseHopLimit", "timeoutSeconds"])
def test_a_value_that_is_not_known_yet_is_accepted(name: str, preview: ProviderClient) -> None:
    given = inputs(WEB, **{"httpEndpoint": "enabled", name: UNKNOWN})
    assert preview.check(given) == (given, [])


def test_the_barrier_takes_targets_and_fills_in_the_region(preview_barrier: ProviderClient) -> None:
    given = {"targets": {"web": target(WEB, "httpTokens=required", "a"), "new": UNKNOWN}, "timeoutSeconds": 20}
    assert preview_barrier.check(given) == ({**given, "region": REGION}, [])
    assert preview_barrier.check({**given, "targets": UNKNOWN}).failures == []


def test_the_barrier_refuses_wrong_targets_and_settings(preview_barrier: ProviderClient) -> None:
    given = {"targets": {"odd": "web", "fine": UNKNOWN}, "timeoutSeconds": 5000, "region": ""}
    assert sorted(preview_barrier.check(given).failures) == [
        (
            "region",
            'region must be the name of an AWS region such as "eu-west-1", given here or as aws:region, got "".',
        ),
        ("targets.odd", 'targets.odd must be the target of an InstanceMetadataOptions resource, got "web".'),
        ("timeoutSeconds", "timeout_seconds must be a number of seconds from 1 to 3600, got 5000."),
    ]


def test_the_barrier_refuses_an_instance_given_twice(preview_barrier: ProviderClient) -> None:
    line = target(WEB, "httpTokens=required", "a")
    [(name, reason)] = preview_barrier.check({"targets": {"web": line, "db": line}, "timeoutSeconds": 20}).failures
    # A property bag has no order.
    first, second = ("db", "web") if name == "targets.web" else ("web", "db")
    assert (name, reason) == (
        f"targets.{second}",
        f"targets.{second} is {WEB}, as is {first}: give each instance once.",
    )
