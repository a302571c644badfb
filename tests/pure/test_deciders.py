from __future__ import annotations

import itertools

import pytest

from imds_provider.rules.deciders import Deciders
from imds_provider.rules.options import OPTION_NAMES

WEB, API = "i-0123456789abcdef0", "i-0fedcba9876543210"


def test_two_deciders_of_an_option_are_a_sentence_with_both_names_and_values() -> None:
    deciders = Deciders()
    assert deciders.decide(WEB, WEB, "InstanceMetadata web", {"httpPutResponseHopLimit": 1}) == []
    assert deciders.decide(WEB, WEB, "fleet all", {"httpPutResponseHopLimit": 2}) == [
        (
            f"{WEB} has two deciders of httpPutResponseHopLimit: InstanceMetadata web wants 1 and fleet all wants 2. "
            "Let one of them decide it."
        )
    ]


def test_each_option_that_is_contested_has_a_sentence_and_the_others_have_none() -> None:
    deciders = Deciders()
    deciders.decide(WEB, WEB, "a", {"httpTokens": "required", "httpPutResponseHopLimit": 2, "httpEndpoint": "enabled"})
    problems = deciders.decide(
        WEB, WEB, "b", {"httpPutResponseHopLimit": 1, "httpTokens": "optional", "httpEndpoint": "enabled"}
    )
    assert [problem.partition(":")[0] for problem in problems] == [
        f"{WEB} has two deciders of httpTokens",
        f"{WEB} has two deciders of httpPutResponseHopLimit",
    ]


def test_values_are_quoted_as_a_person_writes_them() -> None:
    deciders = Deciders()
    deciders.decide(WEB, WEB, "a", {"httpTokens": "required"})
    assert 'a wants "required" and b wants "optional"' in deciders.decide(WEB, WEB, "b", {"httpTokens": "optional"})[0]


@pytest.mark.parametrize(("first", "second"), [(2, 2), (2, 2.0), ("required", "required")])
def test_the_same_value_twice_is_fine(first: object, second: object) -> None:
    deciders = Deciders()
    name = "httpTokens" if isinstance(first, str) else "httpPutResponseHopLimit"
    assert deciders.decide(WEB, WEB, "a", {name: first}) == []
    assert deciders.decide(WEB, WEB, "b", {name: second}) == []


def test_different_options_of_an_instance_and_different_instances_are_fine() -> None:
    deciders = Deciders()
    for number, (name, subject) in enumerate(itertools.product(OPTION_NAMES, (WEB, API))):
        assert deciders.decide(subject, subject, f"owner {number}", {name: number}) == []


def test_a_third_is_told_of_the_first() -> None:
    deciders = Deciders()
    deciders.decide(WEB, WEB, "a", {"httpTokens": "required"})
    deciders.decide(WEB, WEB, "b", {"httpTokens": "required"})
    (problem,) = deciders.decide(WEB, WEB, "c", {"httpTokens": "optional"})
    assert ": a wants " in problem


def test_an_instance_without_an_id_yet_goes_by_the_label() -> None:
    deciders, subject = Deciders(), object()
    deciders.decide(subject, "the instance of a", "a", {"httpTokens": "required"})
    (problem,) = deciders.decide(subject, "the instance of b", "b", {"httpTokens": "optional"})
    assert problem.startswith("the instance of b has two deciders of httpTokens: a wants ")


def test_what_is_no_option_decides_nothing() -> None:
    deciders = Deciders()
    assert deciders.decide(WEB, WEB, "a", {"timeoutSeconds": 1}) == []
    assert deciders.decide(WEB, WEB, "b", {"timeoutSeconds": 2}) == []
