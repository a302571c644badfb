from __future__ import annotations

import pytest

from imds_components.downgrades import Allowance, downgrades, guard
from imds_provider.options import Options
from tests.support.fakes import LAX

A, B = "i-0000000a", "i-0000000b"
LOOSENED = ["httpTokens: required -> optional"]


@pytest.mark.parametrize(
    ("observed", "wanted", "expected"),
    [
        ({"httpTokens": "required"}, {"httpTokens": "optional"}, LOOSENED),
        ({"httpTokens": "required"}, {"httpPutResponseHopLimit": 2}, []),
        ({}, {"httpTokens": "required", "httpEndpoint": "disabled"}, []),
        ({}, {"httpTokens": "optional", "httpEndpoint": "enabled"}, []),
        ({"httpEndpoint": "disabled"}, {"httpEndpoint": "enabled"}, ["httpEndpoint: disabled -> enabled"]),
    ],
)
def test_what_loosens_security_is_a_downgrade(observed: Options, wanted: Options, expected: list[str]) -> None:
    assert downgrades({**LAX, **observed}, wanted) == expected


@pytest.mark.parametrize(
    ("allow", "refused"),
    [(None, [A, B]), ("", [A, B]), (" ", [A, B]), ("old agent", []), ({A: "old agent"}, [B]), ({A: ""}, [A, B])],
)
def test_a_downgrade_needs_a_reason(allow: Allowance, refused: list[str]) -> None:
    assert guard({B: LOOSENED, A: LOOSENED, "i-0000000c": []}, allow) == [
        f"{each} would be loosened (httpTokens: required -> optional): "
        "keep what it has, or give a reason for it in allowDowngrade."
        for each in refused
    ]
