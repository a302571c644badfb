"""Who is watched after a wave, for how long, and what makes the wave a bad one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from imds_provider import barrier, wave_health
from imds_provider.legacy_calls import LegacyCalls
from imds_provider.target import Target, mark

THIS, EARLIER = "0000000a", "0000000b"
"""Runs of Pulumi."""
NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
WEB, API = "i-0123456789abcdef0", "i-0123456789abcdef1"


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def changed(at: datetime = NOON, *, run: str = THIS, wave: int | None = 2, instance_id: str = WEB) -> str:
    """The target of an instance whose options were changed."""
    return str(Target(instance_id, {"httpTokens": "required"}, mark(run, at, wave)))


def untouched(instance_id: str = WEB) -> str:
    """The target of an instance that was right from the start."""
    return str(Target(instance_id, {"httpTokens": "required"}))


def bag(*lines: str, checked_at: datetime | None = None, wave: int | None = 2) -> dict[str, object]:
    """A barrier or a check of the second wave, or, with ``wave`` None, of no wave."""
    named = {line.split()[0]: line for line in lines}
    at = {} if checked_at is None else {barrier.CHECKED_AT: barrier.checked_at(checked_at)}
    of = {} if wave is None else {"wave": wave}
    return {"targets": named, "region": "eu-west-1", **at, **of}


RECORDED = bag(untouched(API), checked_at=NOON)


@pytest.mark.parametrize(
    ("recorded", "now", "counts"),
    [
        pytest.param({}, changed(), True, id="a first wave counts"),
        pytest.param(RECORDED, changed(NOON - minutes(1)), True, id="what this run changes counts"),
        pytest.param(RECORDED, changed(wave=1), False, id="what was changed in another wave does not"),
        pytest.param(RECORDED, changed(wave=None), False, id="what was changed in no wave does not"),
        pytest.param(RECORDED, untouched(), False, id="what was right from the start does not"),
        pytest.param(bag(changed()), changed(), False, id="what is known already does not"),
        pytest.param(
            bag(changed(NOON - minutes(9), run=EARLIER), checked_at=NOON),
            changed(NOON - minutes(5), run=EARLIER),
            True,
            id="another change of a known one does, whenever it was made",
        ),
        pytest.param(
            RECORDED, changed(NOON + minutes(1), run=EARLIER), True, id="what an unfinished run has changed since does"
        ),
        pytest.param(RECORDED, changed(NOON, run=EARLIER), False, id="what comes back seen through already does not"),
        pytest.param(
            bag(untouched(API)), changed(run=EARLIER), True, id="where nothing was ever seen through everything does"
        ),
        pytest.param(
            {**bag(changed()), "region": "us-east-1"}, changed(), True, id="in another region everything does anew"
        ),
    ],
)
def test_a_member_of_a_wave_counts_that_was_changed_in_it_and_is_not_seen_through(
    recorded: dict[str, object], now: str, *, counts: bool
) -> None:
    wanted = bag(now)
    assert set(barrier.new_targets(recorded, wanted, THIS)) == ({WEB} if counts else set())
    assert barrier.changed(recorded, wanted, lambda _: True, THIS) is counts


def test_without_a_wave_every_other_target_counts() -> None:
    recorded = bag(changed(), untouched(API), wave=None)
    assert set(barrier.new_targets(recorded, bag(changed(wave=1), untouched(API), wave=None), THIS)) == {WEB}
    assert barrier.changed(recorded, bag(changed(), wave=None), lambda _: True, THIS), "one that is let go shows"


def test_only_what_was_changed_is_watched() -> None:
    found = wave_health.to_check({}, bag(changed(), untouched(API), wave=None), THIS)
    assert set(found) == {WEB}


@pytest.mark.parametrize(
    ("changes", "soak", "until", "since"),
    [
        pytest.param([-10], 15, 5, -10, id="for as long as the soak, from the change on"),
        pytest.param([-20, -2], 15, 13, -2, id="from the last change on, as long before as it takes"),
        pytest.param([-120], 15, 0, -15, id="not again, if it went on after a stop"),
        pytest.param([-10], 0, 0, -5, id="without a soak the last five minutes"),
        pytest.param([-1], 0, 0, -1, id="but nothing from before the change"),
    ],
)
def test_the_soak_counts_from_the_last_change(changes: list[float], soak: float, until: float, since: float) -> None:
    targets = {str(number): Target.parse(changed(NOON + minutes(at))) for number, at in enumerate(changes)}
    watch = wave_health.watch({name: each for name, each in targets.items() if each}, soak, NOON)
    assert (watch.until - NOON, watch.since - NOON) == (minutes(until), minutes(since))


def test_tokens_are_what_refuses_calls() -> None:
    assert wave_health.requires_tokens(Target(WEB, {"httpTokens": "required"}))
    assert not wave_health.requires_tokens(Target(WEB, {"httpPutResponseHopLimit": 2}))


def test_a_wave_is_well_where_nothing_was_refused_and_nobody_is_impaired() -> None:
    assert wave_health.verdict({}, {WEB: LegacyCalls(0), API: None}, {}) is None


def test_a_bad_wave_names_its_instances_what_they_did_and_what_can_be_done() -> None:
    told = wave_health.verdict(
        {"title": "wave 2/3 of web"},
        {API: LegacyCalls(1), WEB: LegacyCalls(1234)},
        {API: "system status impaired"},
    )
    assert told is not None
    assert told.splitlines()[:3] == [
        "wave 2/3 of web: the rollout stops, since these instances do not do well with their new options:",
        f"  {WEB}: refused 1,234 IMDSv1 calls",
        f"  {API}: refused 1 IMDSv1 call, system status impaired",
    ]
    for advice in ("run `pulumi up` again", "exclude them", "exempt them"):
        assert advice in told


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (1, "wave 2/3 of web: 1 instance applied, watched for 90 s more"),
        (3, "wave 2/3 of web: 3 instances applied, watched for 90 s more"),
    ],
)
def test_the_progress_of_a_soak_is_one_line(count: int, line: str) -> None:
    assert wave_health.progress_line({"title": "wave 2/3 of web"}, count, 90.2) == line


@pytest.mark.parametrize("soak", [-1, 1441, "15", True, None])
def test_a_soak_is_a_number_of_minutes_up_to_a_day(soak: object) -> None:
    (violation,) = wave_health.check({**bag(changed()), "soakMinutes": soak}, lambda _: True)
    assert violation == ("soakMinutes", "soakMinutes must be a number of minutes from 0 to 1440.")
    assert wave_health.check({**bag(changed()), "soakMinutes": 0.5}, lambda _: True) == []


def test_what_is_recorded_says_when_it_was_seen_through() -> None:
    inputs = {**bag(changed()), "soakMinutes": 15, "title": "wave 2/3 of web"}
    assert wave_health.outputs(inputs, NOON) == {**inputs, "checkedAt": "2026-11-25T12:00:00Z"}
