from __future__ import annotations

import pytest

from imds_components.fleet.selection import SELECT, select
from tests.support.fakes import observe

A, B, C, D = (f"i-0000000{letter}" for letter in "abcd")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, 'select must be an object of filters such as {"tag:Team": ["web"]}, at least one, got {}.'),
        (
            {"metadata-options.http-tokens": ["optional"]},
            (
                'select["metadata-options.http-tokens"] cannot select a fleet: an instance would leave as soon as it '
                "complies."
            ),
        ),
        ({"vpc-id": []}, "select.vpc-id must be a list of at least one string, got []."),
        ({"vpc-id": "vpc-1"}, 'select.vpc-id must be a list of at least one string, got "vpc-1".'),
        ({"vpc-id": ["vpc-1", 2]}, "select.vpc-id[1] must be a string, got 2."),
    ],
)
def test_filters_that_cannot_be_used_are_refused(given: dict[str, object], problem: str) -> None:
    assert [each.within("select").in_python() for each in SELECT.check(given)] == [problem]


def test_all_other_filters_are_left_to_ec2() -> None:
    assert [*SELECT.check({"tag:Team": ["web"], "network-interface.status": ["in-use"], "made-up": ["x"]})] == []


def test_a_selection_is_what_ec2_found_minus_what_is_excluded() -> None:
    found = select([observe(C), observe(A), observe(B)], instance_ids=[C, "i-0000ffff"], exclude=[B, D])
    assert [each.instance_id for each in found.selected] == [A, C]
    assert found.not_found == ("i-0000ffff",)
    assert found.excluded_nothing == (D,)


@pytest.mark.parametrize("instance_state", ["shutting-down", "terminated"])
def test_an_instance_that_is_gone_is_never_selected(instance_state: str) -> None:
    found = select([observe(A, instance_state=instance_state)], instance_ids=[A], exclude=[])
    assert (found.selected, found.not_found) == ((), (A,))
