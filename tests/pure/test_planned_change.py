"""What a program finds of a live instance, as it passes it to the resource."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imds_provider.rules.options import Options
from imds_provider.rules.planned_change import asks_for_change, change_line, found_line, parse_found_line
from tests.support.fakes import LAX, observe

WEB = "i-0123456789abcdef0"
STRICT: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 2}


def test_a_change_line_leads_from_the_live_values_to_the_wanted_ones() -> None:
    assert change_line(observe(WEB), STRICT) == "httpTokens: optional -> required, httpPutResponseHopLimit: 1 -> 2"
    assert change_line(observe(WEB, {**LAX, **STRICT}), STRICT) is None
    assert change_line(observe(WEB, instance_state="terminated"), STRICT) == "terminated"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("httpTokens: optional -> required", True),
        ("httpPutResponseHopLimit: 1 -> 2", True),
        ("httpTokens: required -> optional, httpPutResponseHopLimit: 1 -> 2", True),
        ("httpTokens: required -> optional", False),
        ("httpEndpoint: enabled -> disabled", False),
        ("terminated", True),
        (None, False),
    ],
)
def test_a_change_counts_only_towards_what_the_resource_wants(line: str | None, *, expected: bool) -> None:
    assert asks_for_change(line, {"httpTokens": "required", "httpPutResponseHopLimit": 2}) is expected


@pytest.mark.parametrize("instance_state", ["running", "stopped"])
@pytest.mark.parametrize("state", ["applied", ""])
def test_an_instance_with_the_wanted_options_is_read_back_from_its_line(instance_state: str, state: str) -> None:
    seen = observe(WEB, {**LAX, **STRICT}, state=state, instance_state=instance_state)
    for owner_id in ("123456789012", ""):
        each = replace(seen, owner_id=owner_id)
        assert parse_found_line(WEB, found_line(each, STRICT), STRICT) == each


def test_an_instance_that_must_be_described_again_has_no_line() -> None:
    right = observe(WEB, {**LAX, **STRICT})
    assert found_line(observe(WEB), STRICT) is None
    assert found_line(replace(right, options={}), STRICT) is None
    assert found_line(replace(right, state="pending"), STRICT) is None
    assert found_line(replace(right, instance_state="shutting-down"), STRICT) is None


def test_a_line_that_is_wrong_or_out_of_date_is_not_an_instance() -> None:
    line = found_line(observe(WEB), {"httpTokens": "optional"})
    assert parse_found_line(WEB, line, {"httpTokens": "optional"}) is not None
    assert parse_found_line(WEB, line, STRICT) is None
    for other in (None, "", "running applied", "running applied - colour=red", 7):
        assert parse_found_line(WEB, other, STRICT) is None
