from __future__ import annotations

import pytest

from imds_components.selection import matches, select, select_violations
from imds_provider.inventory import Inventoried
from tests.support.fakes import observe

A, B, C, D = (f"i-0000000{letter}" for letter in "abcd")

LET_GO = "cannot select a fleet: an instance would be let go of as soon as it complies."


def instance(instance_id: str, team: str = "web", instance_state: str = "running") -> Inventoried:
    return Inventoried(observe(instance_id, instance_state=instance_state), "eu-west-1", {"tag:Team": (team,)})


@pytest.mark.parametrize(
    ("wanted", "value", "expected"),
    [
        ("web", "web", True),
        ("web", "Web", False),
        ("web", "web1", False),
        ("web*", "web1", True),
        ("web?", "web", False),
        ("web?", "web1", True),
        ("w*b", "w\nb", True),
        (r"web\*", "web1", False),
        (r"web\*", "web*", True),
        (r"\\", "\\", True),
        ("w.b", "web", False),
        ("[w]eb", "web", False),
        ("", "", True),
    ],
)
def test_values_match_as_ec2_matches_them(wanted: str, value: str, *, expected: bool) -> None:
    assert matches({"tag:Team": (value,)}, {"tag:Team": [wanted]}) is expected


def test_values_are_alternatives_and_filters_must_all_hold() -> None:
    attributes = {"tag:Team": ("web",), "instance.group-id": ("sg-1", "sg-2")}
    assert matches(attributes, {"tag:Team": ["api", "web"], "instance.group-id": ["sg-2"]})
    assert not matches(attributes, {"tag:Team": ["web"], "instance.group-id": ["sg-3"]})
    assert not matches(attributes, {"tag:Owner": ["*"]})


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, 'select must name at least one filter; {"instance-id": ["i-*"]} selects every instance.'),
        (
            {"metadata-options.http-tokens": ["optional"]},
            f'select["metadata-options.http-tokens"] {LET_GO}',
        ),
        ({"vpcid": ["vpc-1"]}, "select.vpcid is not a known filter; did you mean vpc-id?"),
        (
            {"zebra": ["x"]},
            "select.zebra is not a known filter; tags are selected by tag:Name, the rest as in DescribeInstances.",
        ),
        ({"vpc-id": []}, "select.vpc-id must be a list of at least one text."),
        ({"vpc-id": "vpc-1"}, "select.vpc-id must be a list of at least one text."),
        ({"vpc-id": ["vpc-1", 2]}, "select.vpc-id must hold texts only, got 2."),
    ],
)
def test_filters_that_cannot_be_used_are_refused(given: dict[str, object], problem: str) -> None:
    assert select_violations(given) == [problem]


def test_known_filters_and_tags_are_accepted() -> None:
    assert select_violations({"tag:Team": ["web"], "vpc-id": ["vpc-*"], "tag-key": ["Team"]}) == []


def test_a_selection_is_what_filters_and_ids_give_minus_what_is_excluded() -> None:
    inventory = [instance(D, "api"), instance(B), instance(A), instance(C, "api")]
    found = select(inventory, filters={"tag:Team": ["web"]}, ids=[C, "i-0000ffff"], exclude=[B, D])
    assert [each.observation.instance_id for each in found.selected] == [A, C]
    assert found.not_found == ("i-0000ffff",)
    assert found.excluded_nothing == (D,)


def test_without_filters_only_the_ids_are_selected() -> None:
    found = select([instance(A), instance(B)], filters=None, ids=[B], exclude=[])
    assert [each.observation.instance_id for each in found.selected] == [B]


@pytest.mark.parametrize("instance_state", ["shutting-down", "terminated"])
def test_an_instance_that_is_gone_is_never_selected(instance_state: str) -> None:
    found = select([instance(A, instance_state=instance_state)], filters={"tag:Team": ["*"]}, ids=[A], exclude=[])
    assert (found.selected, found.not_found) == ((), (A,))
