from __future__ import annotations

from imds_components.ownership import Ownership

A, B, C = (f"i-0000000{letter}" for letter in "abc")
BOTH = f"{B} is managed by both InstanceMetadata old and fleet web: exclude it from the fleet or remove it from old."


def test_an_instance_in_two_fleets_is_an_error_with_both_names() -> None:
    ownership = Ownership()
    assert ownership.select("web", [A, B]) == []
    assert ownership.select("api", [B, C]) == [f"{B} is in the fleets web and api: exclude it from all but one."]


def test_an_attached_instance_in_a_fleet_is_an_error_with_both_names_whichever_was_first() -> None:
    ownership = Ownership()
    assert ownership.select("web", [A, B]) == []
    assert ownership.attach("old", [B, C]) == [BOTH]
    ownership = Ownership()
    assert ownership.attach("old", [B, C]) == []
    assert ownership.select("web", [A, B]) == [BOTH]


def test_several_components_may_be_attached_to_an_instance() -> None:
    ownership = Ownership()
    assert ownership.attach("tokens", [A]) == ownership.attach("hops", [A]) == []
