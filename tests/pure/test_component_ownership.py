from __future__ import annotations

from imds_components.ownership import Claims

A, B, C = (f"i-0000000{letter}" for letter in "abc")
BOTH = (
    f"{B} is attached by InstanceMetadata old and selected by the fleet web: "
    "exclude it from the fleet, or attach it no more."
)


def test_an_instance_in_two_fleets_is_a_sentence_naming_both() -> None:
    claims = Claims()
    assert claims.select("web", [A, B]) == []
    assert claims.select("api", [B, C]) == [f"{B} is in the fleets web and api: exclude it from all but one."]


def test_an_attached_instance_in_a_fleet_is_a_sentence_naming_both_whichever_was_first() -> None:
    claims = Claims()
    assert claims.select("web", [A, B]) == []
    assert claims.attach("old", [B, C]) == [BOTH]
    claims = Claims()
    assert claims.attach("old", [B, C]) == []
    assert claims.select("web", [A, B]) == [BOTH]


def test_several_components_may_be_attached_to_an_instance() -> None:
    claims = Claims()
    assert claims.attach("tokens", [A]) == claims.attach("hops", [A]) == []
