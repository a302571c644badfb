"""The health rule of a rollout: which instances it watches, for how long, and its messages."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from imds_provider.rules.readiness import Readiness
from imds_provider.rules.target import Change, Target
from imds_provider.rules.wave_health import (
    COVERED_WITHIN,
    HEALTHY_FOR,
    PUBLISH,
    Changed,
    HealthRule,
    Impairment,
    Snapshot,
    may_be_covered,
    merge_impairments,
    metrics_since,
    next_check,
    no_data,
    not_covered,
    period,
    progress,
    recently_changed,
    rollout_stopped,
    soak_left,
    soaking,
    unhealthy,
)

NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
WEB, API, OLD = "i-0123456789abcdef0", "i-0123456789abcdef1", "i-0123456789abcdef2"
UNSET, NONE = HealthRule(), HealthRule(soak=timedelta(0))
IMPAIRED = "system status impaired"


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def soak(count: float) -> HealthRule:
    return HealthRule(soak=minutes(count))


def changed(at: float, instance_id: str = WEB, *, required: float | None = None) -> Changed:
    """One that was changed so many minutes after noon, when tokens became required unless that was at another time."""
    return Changed(instance_id, NOON + minutes(at), NOON + minutes(at if required is None else required))


def loosened(at: float, instance_id: str = WEB) -> Changed:
    return Changed(instance_id, NOON + minutes(at))


def snapshot(
    now: float = 0,
    *,
    stopped: tuple[str, ...] = (),
    last_data: dict[str, float] | None = None,
    refused: dict[str, Imdsv1Usage | None] | None = None,
    impaired: dict[str, Impairment] | None = None,
) -> Snapshot:
    """A snapshot so many minutes after noon."""
    times = {each: NOON + minutes(at) for each, at in (last_data or {}).items()}
    running = frozenset({WEB, API, OLD}) - set(stopped)
    return Snapshot(NOON + minutes(now), running, times, refused or {}, impaired or {})


def target(instance_id: str, at: float, required: float | None = None) -> Target:
    required_at = None if required is None else NOON + minutes(required)
    return Target(instance_id, {"httpTokens": "required"}, Change("c0ffee", NOON + minutes(at), required_at))


def test_a_change_counts_for_so_many_days_to_the_second() -> None:
    day = 24 * 60
    targets = [
        target(WEB, -day),
        target(API, -day - 1 / 60),
        target(OLD, -1, required=-2 * day),
        Target("i-0123456789abcdef3", {"httpTokens": "required"}),
        Target("i-0123456789abcdef4", {"httpTokens": "required"}, Change("first")),
    ]
    assert recently_changed(targets, HealthRule(readiness=Readiness(days=1)), NOON) == [
        Changed(WEB, NOON - minutes(day)),
        Changed(OLD, NOON - minutes(1), NOON - minutes(2 * day)),
    ]


def test_an_instance_that_changes_again_counts_from_the_last_change_and_the_first_requirement() -> None:
    (found,) = recently_changed([target(WEB, -5, required=-60)], UNSET, NOON)
    assert (found.at, found.required_at) == (NOON - minutes(5), NOON - minutes(60))


@pytest.mark.parametrize(
    ("rule", "window"), [(UNSET, 10), (NONE, 10), (soak(5), 10), (soak(15), 15), (soak(1440), 1440)]
)
def test_an_instance_must_have_been_healthy_for_its_soak_or_ten_minutes(rule: HealthRule, window: float) -> None:
    assert rule.window == minutes(window)


@pytest.mark.parametrize(
    ("found", "rule", "since"),
    [
        pytest.param([changed(-3)], UNSET, -8, id="from the requirement on, with the period that it was in"),
        pytest.param([changed(-30)], UNSET, -15, id="the last ten minutes of one that was changed before"),
        pytest.param([changed(-30)], soak(20), -25, id="or the last soak, if that is longer"),
        pytest.param([changed(-3), changed(-8, API)], UNSET, -13, id="as far back as the first of them asks for"),
        pytest.param([changed(-3, required=-9)], UNSET, -14, id="not only from another change on"),
        pytest.param([loosened(-3)], UNSET, -8, id="or from the change on, where no tokens became required"),
    ],
)
def test_cloudwatch_is_asked_for_the_window_and_the_period_before_it(
    found: list[Changed], rule: HealthRule, since: float
) -> None:
    assert metrics_since(found, rule, NOON) == NOON + minutes(since)


def test_cloudwatch_is_asked_from_a_whole_minute_on() -> None:
    assert metrics_since([changed(-3.5)], UNSET, NOON) == NOON - minutes(9)


@pytest.mark.parametrize(("span", "seconds"), [(15, 60), (201, 60), (202, 120), (1446, 480)])
def test_the_period_is_the_finest_that_fits_into_one_answer(span: float, seconds: int) -> None:
    assert period(NOON - minutes(span), NOON) == seconds


def test_refused_calls_count_where_tokens_became_required() -> None:
    calls: dict[str, Imdsv1Usage | None] = {WEB: Imdsv1Usage(7), API: Imdsv1Usage(0), OLD: None}
    found = unhealthy([changed(-5, each) for each in (WEB, API, OLD)], UNSET, snapshot(refused=calls))
    assert found == {WEB: ["refused 7 IMDSv1 calls"]}
    assert unhealthy([loosened(-5)], UNSET, snapshot(refused=calls)) == {}


@pytest.mark.parametrize("rule", [UNSET, soak(30), soak(360)])
def test_the_last_refused_call_is_reported_between_the_ends_of_its_period_of_five_minutes(rule: HealthRule) -> None:
    calls: dict[str, Imdsv1Usage | None] = {WEB: Imdsv1Usage(1, NOON - minutes(5))}
    (reason,) = unhealthy([changed(-1000)], rule, snapshot(refused=calls))[WEB]
    assert reason == "refused 1 IMDSv1 call, the last between 2026-11-25 11:55 UTC and 2026-11-25 12:00 UTC"


@pytest.mark.parametrize(
    ("since", "counts"),
    [
        pytest.param(-61, False, id="from before the change"),
        pytest.param(-60, True, id="from the change on"),
        pytest.param(-1, True, id="from after it"),
        pytest.param(None, True, id="where ec2 does not say since when"),
    ],
)
@pytest.mark.parametrize("found", [changed(-60), loosened(-60)], ids=["required", "other options"])
def test_an_impairment_counts_only_if_the_change_may_have_caused_it(
    found: Changed, since: float | None, *, counts: bool
) -> None:
    impaired = {WEB: Impairment(IMPAIRED, None if since is None else NOON + minutes(since))}
    assert unhealthy([found], UNSET, snapshot(impaired=impaired)) == ({WEB: [IMPAIRED]} if counts else {})


def test_an_instance_that_does_not_run_is_neither_judged_nor_waited_for() -> None:
    state = snapshot(stopped=(WEB,), refused={WEB: Imdsv1Usage(7)}, impaired={WEB: Impairment(IMPAIRED)})
    found = [changed(0)]
    assert (
        unhealthy(found, soak(15), state),
        soaking(found, soak(15), state),
        not_covered(found, soak(15), state),
    ) == (
        {},
        [],
        [],
    )


def test_failed_checks_of_one_instance_count_from_the_first_unless_ec2_does_not_report_it() -> None:
    system, reach = Impairment(IMPAIRED, NOON), Impairment("instance status impaired", NOON - minutes(1))
    assert merge_impairments([system]) == system
    assert merge_impairments([system, reach]) == Impairment(f"{IMPAIRED} and instance status impaired", reach.since)
    assert merge_impairments([system, Impairment("x")]).since is None


def test_a_soak_counts_from_the_last_change() -> None:
    recent, earlier = changed(-14, required=-60), changed(-15, API)
    assert soaking([recent, earlier], soak(15), snapshot()) == [recent]
    assert soak_left([recent], soak(15), NOON) == 60
    assert soaking([recent, earlier], UNSET, snapshot()) == soaking([recent, earlier], NONE, snapshot()) == []
    assert soak_left([], soak(15), NOON) == 0


@pytest.mark.parametrize(
    ("found", "last_data", "covered"),
    [
        pytest.param(changed(-8), None, False, id="no data"),
        pytest.param(changed(-8), -9, False, id="the period of the change says nothing"),
        pytest.param(changed(-8), -8, True, id="a whole period after the change"),
        pytest.param(changed(-8, required=-60), -9, True, id="what counts is when tokens became required"),
        pytest.param(changed(-60), -15, True, id="an old change, and a recent period"),
        pytest.param(changed(-60), -17, False, id="an old change, and an old period"),
    ],
)
def test_an_instance_is_known_once_cloudwatch_has_a_whole_period_since_the_change(
    found: Changed, last_data: float | None, *, covered: bool
) -> None:
    state = snapshot(last_data={} if last_data is None else {WEB: last_data})
    for rule in (UNSET, soak(5), soak(60)):
        assert not_covered([found], rule, state) == ([] if covered else [found])
    assert not_covered([found], NONE, state) == [], "nothing is watched"


def test_where_no_calls_can_be_refused_no_data_is_needed() -> None:
    assert not_covered([loosened(-1)], UNSET, snapshot()) == []
    assert not may_be_covered(loosened(-1), NOON)


def test_cloudwatch_is_waited_for_until_twenty_minutes_after_tokens_became_required() -> None:
    assert (minutes(10), minutes(5), minutes(20)) == (HEALTHY_FOR, PUBLISH, COVERED_WITHIN)
    assert may_be_covered(changed(-19.9), NOON)
    assert not may_be_covered(changed(-20), NOON)
    assert not may_be_covered(changed(0, required=-20), NOON)


@pytest.mark.parametrize(
    ("left", "waited", "seconds"),
    [(5, 0, 1), (60, 900, 6), (86_400, 0, 300), (0, 0, 5), (0, 50, 10), (0, 600, 30)],
)
def test_checks_are_closer_together_towards_the_end_of_a_soak(left: float, waited: float, seconds: float) -> None:
    assert next_check(left, waited) == seconds


def test_a_day_of_soak_takes_a_few_hundred_checks_and_ends_on_time() -> None:
    left, checks = 86_400.0, 0
    while left > 0:
        left, checks = left - next_check(left, 0), checks + 1
    assert checks < 400
    assert left > -1


def test_a_stopped_rollout_names_the_instances_the_reasons_and_what_to_do() -> None:
    reasons = {API: ["refused 1 IMDSv1 call", IMPAIRED], WEB: [IMPAIRED]}
    assert rollout_stopped("wave 2/3 of web: ", reasons, UNSET, refused=True).splitlines() == [
        "wave 2/3 of web: rollout stopped: these instances are unhealthy after the change:",
        f"  {WEB}: {IMPAIRED}",
        f"  {API}: refused 1 IMDSv1 call, {IMPAIRED}",
        "  Fix the workloads and rerun `pulumi up`: it resumes here once they have been healthy for 10 minutes.",
        "  Or exclude them: the next run continues without them.",
        "  To allow IMDSv1 again at once, exempt them with httpTokens: optional and a reason in allowDowngrade.",
    ]


def test_loosening_is_advised_only_where_calls_were_refused() -> None:
    assert "allowDowngrade" not in rollout_stopped("", {WEB: [IMPAIRED]}, UNSET, refused=False)


def test_a_stopped_rollout_says_how_long_instances_must_be_healthy() -> None:
    assert "have been healthy for 30 minutes." in rollout_stopped("", {WEB: [IMPAIRED]}, soak(30), refused=True)


def test_instances_without_data_are_one_line() -> None:
    assert no_data("wave 1/2 of web: ", [changed(0, API), changed(0)]) == (
        f"wave 1/2 of web: CloudWatch has no data since the change of {WEB}, {API}, so it is unknown whether IMDSv1 "
        "calls are refused there. Check that the instances send metrics, then rerun `pulumi up`."
    )


def test_the_progress_is_one_line() -> None:
    assert progress("x: ", 1, 9, 90.2, 5) == "x: soaking 1 instance, 85 s left"
    assert progress("x: ", 3, 0, 4, 5) == "x: soaking 3 instances, 0 s left"
    assert progress("x: ", 0, 2, 0, 5) == "x: waiting for CloudWatch to cover the change of 2 instances"
