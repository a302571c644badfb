"""The line of an instance in the state: what is written now, and what releases have written."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imds_provider.rules.options import OPTIONS, Options
from imds_provider.rules.target import Change, Target

WEB = "i-0123456789abcdef0"
AT = datetime(2026, 11, 25, 4, 40, 12, tzinfo=timezone.utc)
BEFORE = datetime(2026, 11, 20, tzinfo=timezone.utc)
REQUIRED: Options = {"httpTokens": "required"}

WANTED = st.fixed_dictionaries({}, optional={option.name: st.sampled_from(option.allowed) for option in OPTIONS})
TIMES = st.none() | st.integers(0, 10**9).map(lambda seconds: BEFORE + timedelta(seconds=seconds))
CHANGES = st.builds(Change, st.text("0123456789abcdef", min_size=1, max_size=12), TIMES, TIMES)


@pytest.mark.parametrize(
    ("target", "line"),
    [
        (Target(WEB, {}), WEB),
        (Target(WEB, REQUIRED), f"{WEB} httpTokens=required"),
        (
            Target(WEB, {"httpPutResponseHopLimit": 2, "httpTokens": "required"}, Change("c0ffee")),
            f"{WEB} httpTokens=required httpPutResponseHopLimit=2 change=c0ffee",
        ),
        (
            Target(WEB, {"httpPutResponseHopLimit": 2}, Change("c0ffee", AT)),
            f"{WEB} httpPutResponseHopLimit=2 change=c0ffee changedAt=2026-11-25T04:40:12Z",
        ),
        (
            Target(WEB, REQUIRED, Change("c0ffee", AT, BEFORE)),
            f"{WEB} httpTokens=required change=c0ffee changedAt=2026-11-25T04:40:12Z requiredAt=2026-11-20T00:00:00Z",
        ),
        (
            Target(WEB, REQUIRED, Change("c0ffee", None, BEFORE)),
            f"{WEB} httpTokens=required change=c0ffee requiredAt=2026-11-20T00:00:00Z",
        ),
    ],
)
def test_a_target_is_one_line_with_its_options_in_a_fixed_order(target: Target, line: str) -> None:
    assert str(target) == line
    assert Target.parse(line) == target


@given(WANTED, st.none() | CHANGES)
def test_the_line_gives_the_same_target_back(wanted: Options, change: Change | None) -> None:
    parsed = Target.parse(str(Target(WEB, wanted, change)))
    assert parsed == Target(WEB, wanted, change)
    assert {type(value) for value in parsed.wanted.values()} <= {str, int}


def test_times_are_in_utc_and_to_the_second() -> None:
    there = datetime(2026, 11, 25, 5, 40, 12, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert str(Change("c0ffee", there, there)) == str(Change("c0ffee", AT, AT))


@pytest.mark.parametrize(
    "line",
    [
        *(None, 7, {}, {"instanceId": WEB}, "", " ", f" {WEB}", f"{WEB} zebra=1", f"{WEB} "),
        *(f"{WEB} change=c0ffee {name}={at}" for name in ("changedAt", "requiredAt") for at in ("now", "2026-11-25")),
        f"{WEB} change=c0ffee-20261399T000000Z",
    ],
)
def test_anything_else_is_not_a_target(line: object) -> None:
    assert Target.parse(line) is None


@pytest.mark.parametrize("wanted", [{}, {"httpTokens": "optional"}, {"httpPutResponseHopLimit": 2}])
def test_tokens_that_are_not_wanted_are_not_required_by_a_change(wanted: Options) -> None:
    assert Target(WEB, wanted, Change("c0ffee", AT, AT)).required_at is None
    assert Target(WEB, wanted).required_at is None


@pytest.mark.parametrize(
    ("written", "change", "required_at"),
    [
        pytest.param("000000000001", Change("000000000001"), None, id="0.1.0"),
        pytest.param("965f4789-20261125T044012Z", Change("965f4789", AT), None, id="0.2.0 and 0.3.0"),
        pytest.param("965f4789-20261125T044012Z-wave-2", Change("965f4789", AT, AT), AT, id="a fleet's"),
        pytest.param("965f4789-20261125T044012Z-wave-x", Change("965f4789-20261125T044012Z-wave-x"), None, id="no"),
    ],
)
def test_the_changes_of_releases_keep_their_meaning(written: str, change: Change, required_at: datetime | None) -> None:
    found = Target.parse(f"{WEB} httpTokens=required change={written}")
    assert found is not None
    assert (found.change, found.required_at) == (change, required_at)
    assert Target.parse(str(found)) == found


def test_a_wave_of_020_that_did_not_want_tokens_required_did_not_require_them() -> None:
    found = Target.parse(f"{WEB} httpPutResponseHopLimit=2 change=965f4789-20261125T044012Z-wave-2")
    assert found is not None
    assert found.required_at is None
