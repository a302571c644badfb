from __future__ import annotations

import pytest

from imds_components.fleet.downgrades import Allowance, reason_for, refused_downgrades
from imds_components.fleet.member import Member
from imds_provider.rules.loosening import loosened, render_loosened
from imds_provider.rules.options import Options
from tests.support.fakes import LAX, observe

A, B, C = "i-0000000a", "i-0000000b", "i-0000000c"
RIGHT: Options = {**LAX, "httpTokens": "required"}
LOOSER: Options = {"httpTokens": "optional"}


@pytest.mark.parametrize(
    ("observed", "wanted", "expected"),
    [
        ({"httpTokens": "required"}, {"httpTokens": "optional"}, "httpTokens: required -> optional"),
        ({"httpTokens": "required"}, {"httpPutResponseHopLimit": 2}, ""),
        ({}, {"httpTokens": "required", "httpEndpoint": "disabled"}, ""),
        ({}, {"httpTokens": "optional", "httpEndpoint": "enabled"}, ""),
        ({"httpEndpoint": "disabled"}, {"httpEndpoint": "enabled"}, "httpEndpoint: disabled -> enabled"),
        (
            {"httpTokens": "required", "httpEndpoint": "disabled"},
            {"httpTokens": "optional", "httpEndpoint": "enabled"},
            "httpTokens: required -> optional, httpEndpoint: disabled -> enabled",
        ),
    ],
)
def test_optional_tokens_and_enabled_endpoints_loosen(observed: Options, wanted: Options, expected: str) -> None:
    seen = {**LAX, **observed}
    assert render_loosened(seen, wanted) == expected
    assert len(loosened(seen, wanted)) == expected.count("->")


@pytest.mark.parametrize(
    ("allow", "refused"),
    [(None, [A, B]), ("", [A, B]), (" ", [A, B]), ("old agent", []), ({A: "old agent"}, [B]), ({A: ""}, [A, B])],
)
def test_loosening_needs_a_reason(allow: Allowance, refused: list[str]) -> None:
    members = [Member(observe(B, RIGHT), LOOSER), Member(observe(A, RIGHT), LOOSER), Member(observe(C, LAX), LOOSER)]
    assert refused_downgrades(members, allow, "allow_downgrade") == [
        f"{each} would be loosened (httpTokens: required -> optional): "
        "keep the current value, or give the reason in allow_downgrade."
        for each in refused
    ]
    assert [each for each in (A, B) if reason_for(allow, each) is None] == refused
