from __future__ import annotations

import pytest

from imds_components.attachments import Attachment, attachments, duplicates

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OLD = "i-1a2b3c4d"


def problems(instances: object) -> list[str]:
    with pytest.raises(ValueError, match=r".") as caught:
        attachments(instances)  # type: ignore[arg-type]  # what a program without a type checker may pass
    return str(caught.value).splitlines()


INSTANCE = 'an instance ID ("i-" and 8 or 17 hexadecimal digits)'


@pytest.mark.parametrize(
    ("instances", "named"),
    [
        (WEB, [(WEB, WEB)]),
        ([WEB, OLD], [(WEB, WEB), (OLD, OLD)]),
        ((WEB, OLD), [(WEB, WEB), (OLD, OLD)]),
        ({"web": WEB, "old": OLD}, [("web", WEB), ("old", OLD)]),
        ([], []),
        ({}, []),
    ],
    ids=["one id", "list", "tuple", "mapping", "empty list", "empty mapping"],
)
def test_an_instance_is_named_by_its_id_or_by_the_key_of_a_mapping(
    instances: str | list[str] | dict[str, str], named: list[tuple[str, str]]
) -> None:
    assert attachments(instances) == [Attachment(name, instance_id) for name, instance_id in named]


def test_names_do_not_depend_on_the_order() -> None:
    assert {each.name for each in attachments([WEB, API, OLD])} == {each.name for each in attachments([OLD, WEB, API])}


@pytest.mark.parametrize(
    ("instances", "found"),
    [
        ([WEB, API, WEB], [f"{WEB} is given twice, in the same list."]),
        ({"web": WEB, "api": API, "www": WEB}, [f"{WEB} is given twice, as web and as www."]),
        ("web", [f'instances.web must be {INSTANCE}, got "web".']),
        ({"web": "i-123"}, [f'instances.web must be {INSTANCE}, got "i-123".']),
        ({"web": ""}, [f'instances.web must be {INSTANCE}, got "".']),
        ({"": WEB}, ["an instance has an empty name."]),
        ({"web": 7}, ["web: an instance is an aws.ec2.Instance or an ID, got int."]),
        ({"web": None}, ["web: an instance is an aws.ec2.Instance or an ID, got NoneType."]),
        ([None], ["an instance given as NoneType has no name of its own: give a mapping of names to instances."]),
        (7, ["an instance given as int has no name of its own: give a mapping of names to instances."]),
        ([[WEB]], ["an instance given as list has no name of its own: give a mapping of names to instances."]),
        ({WEB}, ["an instance given as set has no name of its own: give a mapping of names to instances."]),
    ],
)
def test_wrong_instances_are_refused(instances: object, found: list[str]) -> None:
    assert problems(instances) == found


def test_every_mistake_is_reported_at_once() -> None:
    found = problems({"a": "x", "b": WEB, "c": "y", "d": WEB})
    assert [line.split(" ")[0] for line in found] == ["instances.a", "instances.c", WEB]


def test_each_further_use_of_an_id_is_a_duplicate() -> None:
    assert duplicates([(WEB, "a"), (API, "b"), (WEB, "c"), (WEB, "d")]) == [
        f"{WEB} is given twice, as a and as c.",
        f"{WEB} is given twice, as a and as d.",
    ]
