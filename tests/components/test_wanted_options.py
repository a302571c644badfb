from __future__ import annotations

import pulumi_aws as aws
import pytest

from imds_components.wanted_options import wanted_options
from imds_provider.rules.options import OPTIONS

EVERYTHING: dict[str, str | int] = {
    "http_tokens": "required",
    "http_put_response_hop_limit": 2,
    "http_endpoint": "enabled",
    "http_protocol_ipv6": "disabled",
    "instance_metadata_tags": "enabled",
}
NOTHING = dict.fromkeys(EVERYTHING)


def problems(single: dict[str, object], metadata_options: object = None) -> list[str]:
    with pytest.raises(ValueError, match=r".") as caught:
        wanted_options({**NOTHING, **single}, metadata_options)  # type: ignore[arg-type,dict-item]  # wrong on purpose
    return str(caught.value).splitlines()


def test_the_arguments_are_those_of_pulumi_aws() -> None:
    for option in OPTIONS:
        assert isinstance(getattr(aws.ec2.InstanceMetadataOptionsArgs, option.argument), property)


def test_options_given_one_by_one_are_wanted_and_no_others() -> None:
    assert wanted_options({**NOTHING, "http_tokens": "required"}, None) == {"http_tokens": "required"}
    assert wanted_options(EVERYTHING, None) == EVERYTHING


def test_the_class_of_pulumi_aws_and_its_dictionary_mean_the_same() -> None:
    of_class = aws.ec2.InstanceMetadataOptionsArgs(
        http_tokens="required",
        http_put_response_hop_limit=2,
        http_endpoint="enabled",
        http_protocol_ipv6="disabled",
        instance_metadata_tags="enabled",
    )
    of_dictionary: aws.ec2.InstanceMetadataOptionsArgsDict = {
        "http_tokens": "required",
        "http_put_response_hop_limit": 2,
        "http_endpoint": "enabled",
        "http_protocol_ipv6": "disabled",
        "instance_metadata_tags": "enabled",
    }
    assert wanted_options(NOTHING, of_class) == wanted_options(NOTHING, of_dictionary) == EVERYTHING


def test_an_option_that_the_class_does_not_set_is_not_wanted() -> None:
    given = aws.ec2.InstanceMetadataOptionsArgs(http_tokens="required")
    assert wanted_options(NOTHING, given) == {"http_tokens": "required"}


def test_both_ways_may_be_mixed_for_different_options() -> None:
    given = aws.ec2.InstanceMetadataOptionsArgs(http_put_response_hop_limit=2)
    assert wanted_options({**NOTHING, "http_tokens": "required"}, given) == {
        "http_tokens": "required",
        "http_put_response_hop_limit": 2,
    }


@pytest.mark.parametrize("second", ["required", "optional"])
def test_an_option_given_both_ways_is_an_error_even_with_the_same_value(second: str) -> None:
    assert problems({"http_tokens": "required"}, {"http_tokens": second}) == [
        "http_tokens is given twice, by itself and in metadata_options."
    ]


def test_no_option_at_all_is_an_error() -> None:
    for given in (None, dict[str, str](), aws.ec2.InstanceMetadataOptionsArgs()):
        assert problems({}, given) == [
            f"set at least one option to manage: {', '.join(option.argument for option in OPTIONS)}."
        ]


def test_an_unknown_key_of_the_dictionary_is_an_error() -> None:
    (problem,) = problems({}, {"http_tokens": "required", "httpPutResponseHopLimit": 2})
    assert "httpPutResponseHopLimit" in problem


def test_all_wrong_values_are_reported_at_once() -> None:
    found = problems({"http_tokens": "on", "http_endpoint": True}, {"http_put_response_hop_limit": 65})
    assert found == [
        'http_tokens must be "optional" or "required", got "on".',
        "http_put_response_hop_limit must be a whole number from 1 to 64, got 65.",
        'http_endpoint must be "disabled" or "enabled", got true.',
    ]
