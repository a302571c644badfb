from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imds_provider.rules.options import OPTIONS, Options
from imds_provider.rules.target import Target, mark

WEB = "i-0123456789abcdef0"
WISHES = st.fixed_dictionaries({}, optional={option.name: st.sampled_from(option.allowed) for option in OPTIONS})


@pytest.mark.parametrize(
    ("target", "line"),
    [
        (Target(WEB, {}), WEB),
        (Target(WEB, {"httpTokens": "required"}), f"{WEB} httpTokens=required"),
        (
            Target(WEB, {"httpPutResponseHopLimit": 2, "httpTokens": "required"}, "c0ffee"),
            f"{WEB} httpTokens=required httpPutResponseHopLimit=2 change=c0ffee",
        ),
    ],
)
def test_a_target_is_one_line_with_its_options_in_a_fixed_order(target: Target, line: str) -> None:
    assert str(target) == line


@given(WISHES, st.text("0123456789abcdef", max_size=12))
def test_the_line_gives_the_same_target_back(wanted: Options, change: str) -> None:
    parsed = Target.parse(str(Target(WEB, wanted, change)))
    assert parsed == Target(WEB, wanted, change)
    assert {type(value) for value in parsed.wanted.values()} <= {str, int}


@pytest.mark.parametrize("line", [None, 7, {}, {"instanceId": WEB}, "", " ", f" {WEB}", f"{WEB} zebra=1", f"{WEB} "])
def test_anything_else_is_no_target(line: object) -> None:
    assert Target.parse(line) is None


AT = datetime(2026, 11, 25, 4, 40, 12, tzinfo=timezone.utc)
BEFORE = datetime(2026, 11, 20, tzinfo=timezone.utc)
REQUIRED: Options = {"httpTokens": "required"}


@pytest.mark.parametrize(
    ("required_at", "text"),
    [
        (None, "c0ffee-20261125T044012Z"),
        (AT, "c0ffee-20261125T044012Z-required-20261125T044012Z"),
        (BEFORE, "c0ffee-20261125T044012Z-required-20261120T000000Z"),
    ],
)
def test_a_mark_tells_when_a_change_was_made_and_when_tokens_became_required(
    required_at: datetime | None, text: str
) -> None:
    assert mark("c0ffee", AT, required_at) == text
    changed = Target(WEB, REQUIRED, text)
    assert (changed.changed_at, changed.required_at) == (AT, required_at)
    assert Target.parse(str(changed)) == changed


def test_a_mark_is_in_utc_and_to_the_second() -> None:
    there = datetime(2026, 11, 25, 5, 40, 12, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert mark("c0ffee", there, there) == mark("c0ffee", AT, AT)


@pytest.mark.parametrize("wanted", [{}, {"httpTokens": "optional"}, {"httpPutResponseHopLimit": 2}])
def test_tokens_that_are_not_wanted_are_not_required_by_a_change(wanted: Options) -> None:
    for text in (mark("c0ffee", AT, AT), "c0ffee-20261125T044012Z-wave-2"):
        assert Target(WEB, wanted, text).required_at is None
        assert Target(WEB, wanted, text).changed_at == AT


def test_a_mark_of_a_fleet_of_020_tells_when_and_counts_as_requiring_tokens() -> None:
    changed = Target.parse(f"{WEB} httpTokens=required change=965f4789-20261125T044012Z-wave-2")
    assert changed is not None
    assert (changed.changed_at, changed.required_at) == (AT, AT)


def test_a_mark_of_020_outside_a_fleet_tells_when_alone() -> None:
    changed = Target(WEB, REQUIRED, "965f4789-20261125T044012Z")
    assert (changed.changed_at, changed.required_at) == (AT, None)


@pytest.mark.parametrize(
    "text", ["", "first", "c0ffee", "c0ffee-20261125", "c0ffee-20261125T044012Z-", "c0ffee-20261125T044012Z-wave-x"]
)
def test_any_other_mark_tells_nothing(text: str) -> None:
    changed = Target(WEB, REQUIRED, text)
    assert (changed.changed_at, changed.required_at) == (None, None)
