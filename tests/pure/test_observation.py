from __future__ import annotations

import pytest

from imds_provider.errors import ImdsError, InstanceGoneError, InstanceMissingError, NotAppliedError
from imds_provider.rules.observation import (
    Verdict,
    WaitResult,
    gone_reason,
    judge,
    judge_accepted,
    judge_as_found,
    missing_reason,
)
from imds_provider.rules.options import Options
from imds_provider.waiting.clock import Deadline
from imds_provider.waiting.waiter import next_delay, timeout_reason
from tests.support.fakes import LAX, FakeClock, observe

WEB = "i-0123456789abcdef0"
WANTED: Options = {"httpTokens": "required"}
RIGHT: Options = {**LAX, "httpTokens": "required"}
OFF: Options = {**LAX, "httpEndpoint": "disabled"}


@pytest.mark.parametrize(
    ("instance_state", "state", "options", "verdict", "accepted"),
    [
        ("running", "applied", RIGHT, Verdict.APPLIED, Verdict.APPLIED),
        ("running", "pending", RIGHT, Verdict.PENDING, Verdict.APPLIED),
        ("running", "applied", LAX, Verdict.PENDING, Verdict.PENDING),
        ("running", "pending", LAX, Verdict.PENDING, Verdict.PENDING),
        ("running", "", RIGHT, Verdict.APPLIED, Verdict.APPLIED),
        ("running", "", LAX, Verdict.PENDING, Verdict.PENDING),
        ("running", "applying", RIGHT, Verdict.PENDING, Verdict.APPLIED),
        ("pending", "applied", RIGHT, Verdict.APPLIED, Verdict.APPLIED),
        ("pending", "pending", RIGHT, Verdict.PENDING, Verdict.APPLIED),
        ("stopped", "pending", RIGHT, Verdict.PENDING_START, Verdict.PENDING_START),
        ("stopping", "pending", RIGHT, Verdict.PENDING_START, Verdict.PENDING_START),
        ("stopped", "applied", RIGHT, Verdict.PENDING_START, Verdict.PENDING_START),
        ("stopped", "", RIGHT, Verdict.PENDING_START, Verdict.PENDING_START),
        ("stopped", "applied", LAX, Verdict.PENDING_START, Verdict.PENDING_START),
        ("shutting-down", "applied", RIGHT, Verdict.GONE, Verdict.GONE),
        ("terminated", "applied", RIGHT, Verdict.GONE, Verdict.GONE),
        ("terminated", "pending", LAX, Verdict.GONE, Verdict.GONE),
    ],
)
def test_applied_means_that_ec2_says_so_and_shows_the_wanted_values(
    instance_state: str, state: str, options: Options, verdict: Verdict, accepted: Verdict
) -> None:
    seen = observe(WEB, options, state=state, instance_state=instance_state)
    assert (judge(seen, WANTED), judge_accepted(seen, WANTED)) == (verdict, accepted)


@pytest.mark.parametrize(
    ("instance_state", "state", "options", "verdict"),
    [
        ("running", "applied", RIGHT, Verdict.APPLIED),
        ("stopped", "applied", RIGHT, Verdict.APPLIED),
        ("stopped", "", RIGHT, Verdict.APPLIED),
        ("stopped", "pending", RIGHT, Verdict.PENDING_START),
        ("stopped", "applied", LAX, Verdict.PENDING_START),
    ],
)
def test_a_stopped_instance_that_nothing_was_sent_to_is_taken_as_it_is(
    instance_state: str, state: str, options: Options, verdict: Verdict
) -> None:
    assert judge_as_found(observe(WEB, options, state=state, instance_state=instance_state), WANTED) is verdict


@pytest.mark.parametrize("options", [{}, {"httpEndpoint": "enabled"}, {**RIGHT, "httpTokens": "enforced"}])
@pytest.mark.parametrize("state", ["applied", ""])
def test_what_is_not_reported_or_not_known_is_never_applied(options: Options, state: str) -> None:
    seen = observe(WEB, options, state=state)
    assert judge(seen, WANTED) is judge_as_found(seen, WANTED) is Verdict.UNKNOWN


def test_what_cannot_apply_is_not_waited_for() -> None:
    assert judge(observe(WEB, OFF), {"httpPutResponseHopLimit": 2}) is Verdict.APPLIED


@pytest.mark.parametrize(
    ("elapsed", "delay"), [(0, 0.25), (1, 0.25), (1.25, 0.25), (5, 1.0), (10, 2.0), (20, 2.0), (3600, 2.0)]
)
def test_the_pause_is_a_fifth_of_the_time_waited_within_a_quarter_and_two_seconds(elapsed: float, delay: float) -> None:
    assert next_delay(elapsed, jitter=lambda: 0.5) == pytest.approx(delay)
    assert next_delay(elapsed, jitter=lambda: 0.0) == pytest.approx(0.9 * delay)
    assert next_delay(elapsed, jitter=lambda: 1.0) == pytest.approx(1.1 * delay)


def test_pauses_are_not_all_alike() -> None:
    assert len({next_delay(0) for _ in range(20)}) > 1


def test_a_deadline_counts_down_to_zero_and_no_further() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 3)
    assert (deadline.remaining(), deadline.passed) == (3, False)
    clock.advance(2.5)
    assert (deadline.remaining(), deadline.passed) == (0.5, False)
    clock.advance(10)
    assert (deadline.remaining(), deadline.passed) == (0, True)


def test_a_pause_ends_with_the_deadline() -> None:
    clock = FakeClock()
    deadline = Deadline(clock, 3)
    deadline.sleep(2)
    deadline.sleep(2)
    assert clock.pauses == [2, 1]


def test_the_instances_of_a_wait_are_listed_by_verdict_and_those_that_are_gone_in_order() -> None:
    gone: dict[str, ImdsError] = {
        "i-z": InstanceGoneError("terminated"),
        "i-x": NotAppliedError("late"),
        "i-y": InstanceMissingError("missing"),
    }
    result = WaitResult({}, {"i-b": Verdict.APPLIED, "i-c": Verdict.PENDING_START, "i-a": Verdict.APPLIED}, gone)
    assert result.ids(Verdict.APPLIED) == ["i-a", "i-b"]
    assert result.ids(Verdict.PENDING_START) == ["i-c"]
    assert result.gone == ["i-y", "i-z"]


def test_a_missing_instance_is_reported_with_the_region_and_what_to_check() -> None:
    sentence = missing_reason(WEB, "eu-west-1")
    assert sentence.startswith(f"{WEB} does not exist in eu-west-1: check the ID, the region and the account")
    assert "pulumi refresh" in sentence


def test_a_gone_instance_is_reported_with_its_state_and_what_to_do() -> None:
    sentence = gone_reason(observe(WEB, instance_state="shutting-down"))
    assert sentence.startswith(f"{WEB} is shutting-down: ")
    assert "Remove it from the program" in sentence
    assert "pulumi refresh" in sentence


def test_a_timeout_is_reported_with_the_wanted_and_the_last_seen_values_and_what_to_do() -> None:
    sentence = timeout_reason(WEB, WANTED, observe(WEB, {"httpTokens": "optional"}, state="pending"), 90)
    assert sentence == (
        f"{WEB} did not reach httpTokens=required within 90 s; "
        "last seen: httpTokens=optional (state pending, instance running). "
        "Run the same command again to go on waiting; a larger timeoutSeconds helps only if EC2 is slow."
    )


def test_a_timeout_before_the_first_answer_says_so() -> None:
    assert "within 0.5 s; last seen: nothing." in timeout_reason(WEB, WANTED, None, 0.5)
