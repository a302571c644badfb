"""The alarms of a rollout: which of them stop it, and how each is reported."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from imds_provider.rules.alarms import Alarm, AlarmReport, AlarmRule, InsufficientData, advice, judge, rollout_stopped

SINCE = datetime(2026, 11, 26, 20, 10, tzinfo=timezone(timedelta(hours=1)))
REASON = "Threshold Crossed: 1 datapoint [12.0 (26/11/26 19:05:00)] was greater than the threshold (10.0)."
OK = Alarm("ok", "OK", "Threshold Crossed: no longer.", SINCE)
FIRING = Alarm("firing", "ALARM", REASON, SINCE)
SILENT = Alarm("silent", "INSUFFICIENT_DATA", "Unchecked: Initial alarm creation", SINCE)
IN_ALARM = f"alarm firing in eu-west-1 is in ALARM (since 2026-11-26 19:10 UTC): {REASON}"
NO_DATA = (
    "alarm silent in eu-west-1 is in INSUFFICIENT_DATA (since 2026-11-26 19:10 UTC): Unchecked: Initial alarm creation."
)
MISSING = (
    "alarm gone does not exist in eu-west-1: no metric or composite alarm there has this name. "
    "Correct rollout.alarms, or create the alarm."
)


def judged(*names: str, insufficient_data: InsufficientData = "warn") -> AlarmReport:
    found = {each.name: each for each in (OK, FIRING, SILENT)}
    return judge(AlarmRule(names, insufficient_data), found, "eu-west-1")


@pytest.mark.parametrize(
    ("insufficient_data", "expected"),
    [
        ("warn", AlarmReport([IN_ALARM, MISSING], [], [NO_DATA])),
        ("block", AlarmReport([IN_ALARM, MISSING], [NO_DATA], [])),
        ("ignore", AlarmReport([IN_ALARM, MISSING], [], [])),
    ],
)
def test_an_alarm_and_an_unknown_name_always_stop_and_the_setting_decides_about_missing_data(
    insufficient_data: InsufficientData, expected: AlarmReport
) -> None:
    assert judged("firing", "ok", "silent", "gone", insufficient_data=insufficient_data) == expected


def test_only_the_alarms_of_the_rule_count() -> None:
    assert judged() == judged("ok") == AlarmReport()


def test_a_state_that_this_version_does_not_know_is_no_ok() -> None:
    rule = AlarmRule(["new"], "block")
    assert judge(rule, {"new": Alarm("new", "MUTED")}, "eu-west-1").blocking == ["alarm new in eu-west-1 is in MUTED."]


def test_an_unknown_name_is_to_be_corrected_where_it_was_written() -> None:
    (line,) = judge(AlarmRule(["gone"]), {}, "us-east-1", "imds:fleets.web.rollout.alarms").stopping
    assert line.startswith("alarm gone does not exist in us-east-1: ")
    assert "Correct imds:fleets.web.rollout.alarms," in line


def test_a_reason_of_several_lines_is_put_on_one_and_a_long_one_is_shortened() -> None:
    alarm = Alarm("x", "ALARM", "arn:aws:cloudwatch:…:child went\n  to ALARM\n" + "and on " * 60)
    (line,) = judge(AlarmRule(["x"]), {"x": alarm}, "eu-west-1").stopping
    assert line.startswith("alarm x in eu-west-1 is in ALARM: arn:aws:cloudwatch:…:child went to ALARM and on and on")
    assert line.endswith("…")
    assert len(line) < 250


@pytest.mark.parametrize("without_data", [True, False])
def test_the_error_names_each_alarm_and_what_to_do(*, without_data: bool) -> None:
    text = rollout_stopped("before wave 2/3 of web: ", [IN_ALARM, NO_DATA], without_data=without_data)
    first, *others = text.splitlines()
    assert first == "before wave 2/3 of web: rollout stopped: these alarms are not OK:"
    assert others[:3] == [
        f"  {IN_ALARM}",
        f"  {NO_DATA}",
        "  Fix the cause and rerun `pulumi up`: it resumes here once the alarms are OK.",
    ]
    assert ("insufficientData" in text) is without_data


def test_the_advice_of_a_preview_names_the_key_as_it_was_written() -> None:
    (line,) = advice("rollout.alarms", without_data=False)
    assert line.endswith("To continue without an alarm, remove it from rollout.alarms.")
    assert "insufficientData" in advice("rollout.alarms", without_data=True)[-1]
