from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imds_provider.options import OPTIONS, Options
from imds_provider.target import Target, mark

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


@pytest.mark.parametrize("wave", [None, 2, 12.0])
def test_a_mark_tells_the_run_the_second_and_the_wave_of_a_change(wave: float | None) -> None:
    at = datetime(2026, 11, 25, 4, 40, 12, tzinfo=timezone.utc)
    changed = Target(WEB, {}, mark("c0ffee", at, wave))
    assert (changed.run, changed.changed_at, changed.wave) == ("c0ffee", at, wave)


def test_a_target_without_a_change_has_no_run_no_time_and_no_wave() -> None:
    assert (Target(WEB, {}).run, Target(WEB, {}).changed_at, Target(WEB, {}).wave) == ("", None, None)
