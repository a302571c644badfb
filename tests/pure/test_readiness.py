from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from imds_provider.rules.options import Options
from imds_provider.rules.readiness import Readiness, about_to_require, readiness_report
from tests.support.fakes import LAX

A, B, C, D = (f"i-0000000{letter}" for letter in "abcd")
SEEN = datetime(2026, 11, 20, 14, 0, tzinfo=timezone(timedelta(hours=1)))
USAGE = {A: Imdsv1Usage(1234, SEEN), B: Imdsv1Usage(0), C: None}
LAST = "2026-11-20 13:00 UTC and 2026-11-20 15:00 UTC"
LEGACY = f"{A} made 1,234 IMDSv1 calls in the last 14 days, the last between {LAST}."


def no_data(instance_id: str) -> str:
    return f"CloudWatch has no data on IMDSv1 calls of {instance_id} in the last 14 days: it may make some."


@pytest.mark.parametrize(
    ("readiness", "blocking", "warnings"),
    [
        (Readiness(), [LEGACY], [no_data(C), no_data(D)]),
        (Readiness("warn"), [], [LEGACY, no_data(C), no_data(D)]),
        (Readiness("warn", unknown="block"), [no_data(C), no_data(D)], [LEGACY]),
        (Readiness(unknown="ignore"), [LEGACY], []),
        (Readiness("off", unknown="block"), [], []),
    ],
)
def test_the_settings_decide_what_stops_the_run_and_missing_data_is_never_zero(
    readiness: Readiness, blocking: list[str], warnings: list[str]
) -> None:
    report = readiness_report([D, C, B, A], USAGE, readiness)
    assert [*report.blocking.values()] == blocking
    assert [*report.warnings.values()] == warnings


def test_one_call_in_one_day_is_in_the_singular() -> None:
    report = readiness_report([A], {A: Imdsv1Usage(1)}, Readiness(days=1))
    assert report.blocking == {A: f"{A} made 1 IMDSv1 call in the last day."}


@pytest.mark.parametrize(
    ("observed", "wanted", "expected"),
    [
        ({}, {"httpTokens": "required"}, True),
        ({}, {"httpTokens": "optional"}, False),
        ({}, {"httpPutResponseHopLimit": 2}, False),
        ({"httpTokens": "required"}, {"httpTokens": "required"}, False),
        ({"httpEndpoint": "disabled"}, {"httpTokens": "required"}, False),
        ({"httpEndpoint": "disabled"}, {"httpTokens": "required", "httpEndpoint": "disabled"}, False),
        ({"httpEndpoint": "disabled"}, {"httpTokens": "required", "httpEndpoint": "enabled"}, True),
    ],
)
def test_only_instances_whose_calls_would_be_refused_are_asked_about(
    observed: Options, wanted: Options, *, expected: bool
) -> None:
    assert about_to_require({**LAX, **observed}, wanted) is expected


@pytest.mark.parametrize(("days", "hours"), [(1, 1), (8, 1), (14, 2), (455, 55)])
def test_the_period_keeps_500_metrics_within_one_call(days: int, hours: int) -> None:
    assert Readiness(days=days).period_seconds == hours * 3600


@pytest.mark.parametrize("days", [0, 456, True])
def test_days_that_cloudwatch_keeps_no_data_for_are_refused(days: int) -> None:
    with pytest.raises(ValueError, match="days must be a whole number of days from 1 to 455"):
        Readiness(days=days)


def test_settings_that_do_not_exist_are_refused() -> None:
    with pytest.raises(ValueError, match="legacy_calls must be") as caught:
        Readiness("on", unknown="fail")  # type: ignore[arg-type]  # what must fail
    assert len(str(caught.value).splitlines()) == 2
