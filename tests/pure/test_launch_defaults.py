"""What launch defaults fill in, what they ignore later, and what they refuse."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

import pulumi_aws as aws
import pytest

from imds_provider.rules.launch_defaults import (
    LAUNCHERS,
    filled_in,
    ignored_paths,
    refusal,
    render_looser,
    set_options,
    spot_warning,
)
from imds_provider.rules.options import OPTIONS, Options

INSTANCE, SPOT, TEMPLATE, CONFIGURATION = LAUNCHERS.values()
WANTED: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 2, "instanceMetadataTags": "enabled"}
TOKENS: Options = {"httpTokens": "required"}


@pytest.mark.parametrize("token", LAUNCHERS)
def test_each_launcher_takes_the_options_that_pulumi_aws_gives_it(token: str) -> None:
    launcher = LAUNCHERS[token]
    name = launcher.label.rpartition(".")[2]
    resource = getattr(aws.ec2, name)
    assert resource.pulumi_type == token
    arguments = inspect.signature(getattr(aws.ec2, f"{name}MetadataOptionsArgs")).parameters
    assert {each.argument for each in OPTIONS if each.name in launcher.options} == set(arguments)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, WANTED),
        ({"httpPutResponseHopLimit": 5.0}, {"httpTokens": "required", "instanceMetadataTags": "enabled"}),
        ({"httpTokens": object()}, {"httpPutResponseHopLimit": 2, "instanceMetadataTags": "enabled"}),
        ({"httpEndpoint": "disabled"}, {"httpTokens": "required"}),
        (WANTED, {}),
    ],
)
def test_what_a_resource_does_not_set_is_filled_in(given: Mapping[str, object], expected: Options) -> None:
    assert filled_in(INSTANCE, given, WANTED) == expected


def test_a_launch_configuration_gets_the_three_options_that_it_takes() -> None:
    assert filled_in(CONFIGURATION, {}, WANTED) == {"httpTokens": "required", "httpPutResponseHopLimit": 2}
    assert filled_in(CONFIGURATION, {}, {"instanceMetadataTags": "enabled"}) == {}


def test_the_loosest_values_are_not_filled_in_since_an_account_or_image_may_require_more() -> None:
    loosest: Options = {"httpTokens": "optional", "httpEndpoint": "enabled", "httpPutResponseHopLimit": 2}
    assert filled_in(TEMPLATE, {}, loosest) == {"httpPutResponseHopLimit": 2}


def test_the_paths_to_ignore_are_those_that_are_filled_in() -> None:
    assert ignored_paths(WANTED, sets_options=False) == ["metadataOptions"]
    assert ignored_paths(TOKENS, sets_options=True) == ["metadataOptions.httpTokens"]
    assert ignored_paths({}, sets_options=True) == []


def test_options_are_read_by_the_names_of_python_and_of_the_wire() -> None:
    given = {"http_tokens": "required", "httpPutResponseHopLimit": 2, "http_endpoint": None, "more": 1}
    assert set_options(given) == {"httpTokens": "required", "httpPutResponseHopLimit": 2}


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        ({"httpTokens": "optional"}, WANTED, "httpTokens: optional instead of required"),
        ({"httpTokens": "required"}, WANTED, ""),
        ({"httpTokens": "optional"}, {"httpPutResponseHopLimit": 2}, ""),
        ({"httpTokens": "optional"}, {"httpTokens": "optional"}, ""),
        ({"httpPutResponseHopLimit": 64.0, "instanceMetadataTags": "disabled"}, WANTED, ""),
        ({"httpEndpoint": "enabled"}, {"httpEndpoint": "disabled"}, "httpEndpoint: enabled instead of disabled"),
        ({"httpTokens": object()}, WANTED, ""),
    ],
)
def test_optional_tokens_and_an_enabled_endpoint_are_looser(
    given: Mapping[str, object], wanted: Options, expected: str
) -> None:
    assert render_looser(given, wanted) == expected


def test_a_refusal_names_the_resource_what_is_looser_and_what_to_do() -> None:
    assert refusal(TEMPLATE, "web", "httpTokens: optional instead of required") == (
        "aws.ec2.LaunchTemplate web would launch with looser options than launch_defaults has "
        "(httpTokens: optional instead of required): remove them from its metadata_options, or give the reason in "
        """allow_downgrade, as in {'web': "…"}."""
    )


def test_a_spot_request_is_warned_about_since_ec2_takes_no_options_with_it() -> None:
    assert [launcher.label for launcher in LAUNCHERS.values() if launcher.is_spot_request] == [SPOT.label]
    assert spot_warning(SPOT, "cheap").startswith("aws.ec2.SpotInstanceRequest cheap: EC2 takes no metadata options")
