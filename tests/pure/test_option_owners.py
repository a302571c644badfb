from __future__ import annotations

import itertools

import pytest

from imds_provider.rules.option_owners import OptionOwners
from imds_provider.rules.options import OPTION_NAMES

WEB, API = "i-0123456789abcdef0", "i-0fedcba9876543210"


def test_two_owners_of_an_option_are_an_error_with_both_names_and_values() -> None:
    owners = OptionOwners()
    assert owners.add(WEB, WEB, "InstanceMetadata web", {"httpPutResponseHopLimit": 1}) == []
    assert owners.add(WEB, WEB, "fleet all", {"httpPutResponseHopLimit": 2}) == [
        (
            f"{WEB}: InstanceMetadata web sets httpPutResponseHopLimit to 1 and fleet all sets it to 2. "
            "Set it in only one of them."
        )
    ]


def test_each_option_that_is_set_differently_has_an_error_and_the_others_have_none() -> None:
    owners = OptionOwners()
    owners.add(WEB, WEB, "a", {"httpTokens": "required", "httpPutResponseHopLimit": 2, "httpEndpoint": "enabled"})
    problems = owners.add(
        WEB, WEB, "b", {"httpPutResponseHopLimit": 1, "httpTokens": "optional", "httpEndpoint": "enabled"}
    )
    assert [problem.partition(" to ")[0] for problem in problems] == [
        f"{WEB}: a sets httpTokens",
        f"{WEB}: a sets httpPutResponseHopLimit",
    ]


def test_values_are_quoted_as_in_configuration() -> None:
    owners = OptionOwners()
    owners.add(WEB, WEB, "a", {"httpTokens": "required"})
    assert 'to "required" and b sets it to "optional"' in owners.add(WEB, WEB, "b", {"httpTokens": "optional"})[0]


@pytest.mark.parametrize(("first", "second"), [(2, 2), (2, 2.0), ("required", "required")])
def test_the_same_value_twice_is_fine(first: object, second: object) -> None:
    owners = OptionOwners()
    name = "httpTokens" if isinstance(first, str) else "httpPutResponseHopLimit"
    assert owners.add(WEB, WEB, "a", {name: first}) == []
    assert owners.add(WEB, WEB, "b", {name: second}) == []


def test_different_options_of_an_instance_and_different_instances_are_fine() -> None:
    owners = OptionOwners()
    for number, (name, subject) in enumerate(itertools.product(OPTION_NAMES, (WEB, API))):
        assert owners.add(subject, subject, f"owner {number}", {name: number}) == []


def test_a_third_owner_is_compared_with_the_first() -> None:
    owners = OptionOwners()
    owners.add(WEB, WEB, "a", {"httpTokens": "required"})
    owners.add(WEB, WEB, "b", {"httpTokens": "required"})
    (problem,) = owners.add(WEB, WEB, "c", {"httpTokens": "optional"})
    assert ": a sets " in problem


def test_an_instance_without_an_id_yet_is_named_by_its_label() -> None:
    owners, subject = OptionOwners(), object()
    owners.add(subject, "the instance of a", "a", {"httpTokens": "required"})
    (problem,) = owners.add(subject, "the instance of b", "b", {"httpTokens": "optional"})
    assert problem.startswith("the instance of b: a sets httpTokens to ")


def test_properties_that_are_not_options_are_not_compared() -> None:
    owners = OptionOwners()
    assert owners.add(WEB, WEB, "a", {"timeoutSeconds": 1}) == []
    assert owners.add(WEB, WEB, "b", {"timeoutSeconds": 2}) == []
