from __future__ import annotations

import pytest

from imds_provider.rules.options import (
    OPTION_NAMES,
    OPTIONS,
    Option,
    Options,
    OptionValue,
    as_arguments,
    changes,
    decode,
    from_ec2,
    modification,
    one_after_another,
    option_violations,
    render,
    render_changes,
    unknown,
    unknown_reason,
)
from tests.support.fakes import LAX

OFF: Options = {**LAX, "httpEndpoint": "disabled"}
STRICT: Options = {**LAX, "httpTokens": "required"}
SWITCHES = {
    "httpEndpoint": "http_endpoint",
    "httpProtocolIpv6": "http_protocol_ipv6",
    "instanceMetadataTags": "instance_metadata_tags",
}


def wrong(values: dict[str, object]) -> list[str]:
    return [each.in_python() for each in option_violations(values)]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("httpTokens", "Required", 'http_tokens must be "optional" or "required", got "Required".'),
        *(
            (name, "on", f'{argument} must be "disabled" or "enabled", got "on".')
            for name, argument in SWITCHES.items()
        ),
        ("httpPutResponseHopLimit", 65, "http_put_response_hop_limit must be a whole number from 1 to 64, got 65."),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_what_is(name: str, value: object, sentence: str) -> None:
    assert wrong({name: value}) == [sentence]


@pytest.mark.parametrize("option", OPTIONS, ids=OPTION_NAMES)
def test_every_allowed_value_is_accepted_as_python_and_as_pulumi_has_it(option: Option) -> None:
    for value in option.allowed:
        assert wrong({option.name: value}) == []
        if isinstance(value, int):
            assert wrong({option.name: float(value)}) == []


def test_the_hop_limit_goes_from_1_to_64() -> None:
    assert [each for each in range(-5, 70) if not wrong({"httpPutResponseHopLimit": each})] == [*range(1, 65)]


@pytest.mark.parametrize("values", [{}, {"httpTokens": None}, {"onDestroy": "retain", "instanceId": "i-1a2b3c4d"}])
def test_at_least_one_option_must_be_set(values: dict[str, object]) -> None:
    assert wrong(values) == [f"set at least one option to manage: {', '.join(option.argument for option in OPTIONS)}."]


def test_all_violations_are_found_at_once_in_the_order_of_the_options() -> None:
    values = dict.fromkeys(reversed(OPTION_NAMES), "wrong")
    assert [violation.path for violation in option_violations(values)] == [(name,) for name in OPTION_NAMES]


def test_a_value_that_is_not_known_yet_counts_as_set_and_is_not_judged() -> None:
    unknown = object()
    assert option_violations({"httpTokens": unknown}, is_known=lambda value: value is not unknown) == []


def test_the_options_are_those_of_ec2_in_its_spelling() -> None:
    assert [(option.name, option.argument, option.ec2_name) for option in OPTIONS] == [
        ("httpTokens", "http_tokens", "HttpTokens"),
        ("httpPutResponseHopLimit", "http_put_response_hop_limit", "HttpPutResponseHopLimit"),
        ("httpEndpoint", "http_endpoint", "HttpEndpoint"),
        ("httpProtocolIpv6", "http_protocol_ipv6", "HttpProtocolIpv6"),
        ("instanceMetadataTags", "instance_metadata_tags", "InstanceMetadataTags"),
    ]


def test_numbers_come_out_of_a_property_bag_as_whole_numbers_and_the_rest_is_left_behind() -> None:
    bag = {"httpPutResponseHopLimit": 2.0, "httpTokens": "required", "httpEndpoint": None, "timeoutSeconds": 5.0}
    decoded = decode(bag)
    assert decoded == {"httpTokens": "required", "httpPutResponseHopLimit": 2}
    assert type(decoded["httpPutResponseHopLimit"]) is int


def test_a_value_that_ec2_may_invent_survives_the_codec() -> None:
    assert decode({"httpTokens": "required-v3"}) == from_ec2({"HttpTokens": "required-v3"})


def test_what_a_region_does_not_report_is_absent() -> None:
    response = {"State": "applied", "HttpTokens": "optional", "HttpPutResponseHopLimit": 1, "HttpEndpoint": None}
    assert from_ec2(response) == {"httpTokens": "optional", "httpPutResponseHopLimit": 1}


WITHOUT_TAGS = {name: value for name, value in LAX.items() if name != "instanceMetadataTags"}


@pytest.mark.parametrize(
    ("observed", "wanted", "differing"),
    [
        (LAX, {}, {}),
        (LAX, LAX, {}),
        (LAX, {"httpTokens": "required"}, {"httpTokens": "required"}),
        (LAX, {"httpTokens": "optional", "httpPutResponseHopLimit": 3}, {"httpPutResponseHopLimit": 3}),
        (WITHOUT_TAGS, {"instanceMetadataTags": "enabled"}, {}),
        (OFF, {"httpPutResponseHopLimit": 3, "httpProtocolIpv6": "enabled", "instanceMetadataTags": "enabled"}, {}),
        (OFF, {"httpTokens": "required", "httpPutResponseHopLimit": 3}, {"httpTokens": "required"}),
        (LAX, {"httpEndpoint": "disabled", "httpPutResponseHopLimit": 3}, {"httpEndpoint": "disabled"}),
        (
            OFF,
            {"httpEndpoint": "enabled", "httpPutResponseHopLimit": 3},
            {"httpEndpoint": "enabled", "httpPutResponseHopLimit": 3},
        ),
    ],
    ids=[
        "nothing is wanted",
        "all is right",
        "one differs",
        "only what differs",
        "a field the region does not report is no drift",
        "with the endpoint off the others are no drift",
        "with the endpoint off the tokens are",
        "with the endpoint to be off the others wait",
        "with the endpoint to be on the others count",
    ],
)
def test_changes_are_what_the_instance_does_not_have_and_can_take(
    observed: Options, wanted: Options, differing: Options
) -> None:
    assert changes(observed, wanted) == differing


@pytest.mark.parametrize(
    ("observed", "wanted", "sent"),
    [
        (LAX, LAX, {}),
        (OFF, {"httpPutResponseHopLimit": 3}, {}),
        (
            STRICT,
            {"httpPutResponseHopLimit": 3},
            {"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 3},
        ),
        (
            LAX,
            {"httpTokens": "required", "httpPutResponseHopLimit": 1},
            {"HttpTokens": "required", "HttpEndpoint": "enabled"},
        ),
        (
            STRICT,
            {"httpTokens": "optional", "instanceMetadataTags": "enabled"},
            {"HttpTokens": "optional", "HttpEndpoint": "enabled", "InstanceMetadataTags": "enabled"},
        ),
        (
            OFF,
            {"httpTokens": "required", "httpPutResponseHopLimit": 3},
            {"HttpTokens": "required", "HttpEndpoint": "disabled"},
        ),
        (
            STRICT,
            {"httpEndpoint": "disabled", "httpPutResponseHopLimit": 3},
            {"HttpTokens": "required", "HttpEndpoint": "disabled"},
        ),
        (
            OFF,
            {"httpEndpoint": "enabled", "httpProtocolIpv6": "enabled"},
            {"HttpEndpoint": "enabled", "HttpProtocolIpv6": "enabled"},
        ),
        ({"httpTokens": "optional"}, {"httpTokens": "required"}, {"HttpTokens": "required"}),
        (
            {"httpPutResponseHopLimit": 1},
            {"httpTokens": "required", "httpPutResponseHopLimit": 2},
            {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        ),
        (
            {"httpTokens": "enforced", "httpPutResponseHopLimit": 1},
            {"httpTokens": "required", "httpPutResponseHopLimit": 2},
            {"HttpTokens": "enforced", "HttpPutResponseHopLimit": 2},
        ),
    ],
    ids=[
        "nothing differs, nothing is sent",
        "nothing applies while the endpoint is off, nothing is sent",
        "the observed tokens ride along",
        "the wanted tokens ride along, the equal hop limit does not",
        "tokens are loosened only where that is wanted",
        "an endpoint that is off stays off",
        "an endpoint to be switched off takes nothing else along",
        "an endpoint to be switched on takes everything along",
        "a region that reports no endpoint is sent none",
        "required tokens that are not reported ride along as wanted",
        "tokens of a value that is not known stay as they are",
    ],
)
def test_a_modification_holds_what_differs_with_the_tokens_and_the_endpoint(
    observed: Options, wanted: Options, sent: dict[str, OptionValue]
) -> None:
    assert modification(observed, wanted) == sent


@pytest.mark.parametrize(
    ("observed", "names", "reason"),
    [
        (LAX, [], ""),
        (WITHOUT_TAGS, ["instanceMetadataTags"], "EC2 does not report instanceMetadataTags there"),
        ({}, ["httpTokens", "instanceMetadataTags"], "EC2 does not report httpTokens, instanceMetadataTags there"),
        (
            {**LAX, "httpTokens": "enforced"},
            ["httpTokens"],
            "EC2 reports httpTokens=enforced, which this version does not know",
        ),
        (
            {**WITHOUT_TAGS, "httpTokens": "enforced"},
            ["httpTokens", "instanceMetadataTags"],
            (
                "EC2 does not report instanceMetadataTags there and EC2 reports httpTokens=enforced, "
                "which this version does not know"
            ),
        ),
        ({**WITHOUT_TAGS, "httpEndpoint": "disabled"}, [], ""),
    ],
    ids=["all known", "one missing", "nothing reported", "a newer value", "both", "nothing else applies there"],
)
def test_what_is_not_reported_or_not_known_counts_neither_as_right_nor_as_drift(
    observed: Options, names: list[str], reason: str
) -> None:
    wanted: Options = {"httpTokens": "required", "instanceMetadataTags": "enabled"}
    assert unknown(observed, wanted) == names
    assert not set(changes(observed, wanted)) & set(names)
    assert unknown_reason(observed, names) == reason


def test_options_and_changes_are_shown_on_one_line() -> None:
    wanted: Options = {"httpPutResponseHopLimit": 2, "httpTokens": "required", "httpEndpoint": "enabled"}
    assert render(wanted) == "httpTokens=required httpPutResponseHopLimit=2 httpEndpoint=enabled"
    assert render(wanted, ["httpTokens"]) == "httpTokens=required"
    shown = render_changes(LAX, wanted)
    assert sorted(shown.split(", ")) == ["httpPutResponseHopLimit: 1 -> 2", "httpTokens: optional -> required"]
    assert render_changes(LAX, LAX) == ""


def test_options_become_arguments_of_the_resource() -> None:
    wanted: Options = {"httpTokens": "required", "httpProtocolIpv6": "enabled"}
    assert as_arguments(wanted) == {"http_tokens": "required", "http_protocol_ipv6": "enabled"}


@pytest.mark.parametrize(
    ("wanted", "steps"),
    [
        ({"httpTokens": "optional"}, [{"httpTokens": "optional"}]),
        (
            {"httpEndpoint": "disabled", "httpTokens": "optional"},
            [{"httpEndpoint": "disabled", "httpTokens": "optional"}],
        ),
        (
            {"httpEndpoint": "disabled", "httpPutResponseHopLimit": 1},
            [{"httpPutResponseHopLimit": 1}, {"httpEndpoint": "disabled", "httpPutResponseHopLimit": 1}],
        ),
    ],
)
def test_an_endpoint_is_switched_off_after_everything_else_is_put_back(
    wanted: dict[str, str | int], steps: list[dict[str, str | int]]
) -> None:
    assert one_after_another(wanted) == steps
