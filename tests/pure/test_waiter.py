"""The waits for many instances, on a clock that only they move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from imds_provider.errors import (
    DeadlinePassedError,
    ImdsError,
    InstanceGoneError,
    InstanceMissingError,
    NotAppliedError,
    OutcomeUnknownError,
)
from imds_provider.rules.observation import Judge, Observation, Verdict, WaitResult, judge, judge_accepted
from imds_provider.rules.options import Options
from imds_provider.waiting.clock import Deadline
from imds_provider.waiting.waiter import CONFIRM_MISSING_SECONDS, Describe, find_instances, wait
from tests.support.fakes import LAX, FakeClock, FakeEc2, observe

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OLD = "i-1a2b3c4d"
WANTED: Options = {"httpTokens": "required"}
PARAMETERS: Options = {"HttpTokens": "required", "HttpEndpoint": "enabled"}


class Waiting:
    """A clock, EC2 on it, and waits of two minutes by default, in which nothing is sent."""

    def __init__(self, *, pending_seconds: float = 1.5, stale_seconds: float = 0.0, latency: float = 0.0) -> None:
        self.clock = FakeClock()
        self.ec2 = FakeEc2(self.clock, pending_seconds=pending_seconds, stale_seconds=stale_seconds, latency=latency)
        self.started = self.clock.now()
        self.progress: list[tuple[int, int, float]] = []

    def modify(self, *instance_ids: str) -> None:
        for instance_id in instance_ids:
            self.ec2.modify(instance_id, PARAMETERS, Deadline(self.clock, 5))

    def wait(
        self,
        *instance_ids: str,
        seconds: float = 120,
        describe: Describe | None = None,
        judge: Judge = judge,
    ) -> WaitResult:
        deadline = Deadline(self.clock, seconds)
        return wait(
            describe or (lambda ids: self.ec2.describe(ids, deadline)),
            dict.fromkeys(instance_ids, WANTED),
            deadline,
            region="eu-west-1",
            judge=judge,
            reapply=not_reapplied,
            progress=lambda *numbers: self.progress.append(numbers),
        )

    def find(self, *instance_ids: str, seconds: float = 120, missing_grace_seconds: float = 10) -> list[str]:
        deadline = Deadline(self.clock, seconds)
        found = find_instances(
            lambda ids: self.ec2.describe(ids, deadline), instance_ids, deadline, missing_grace_seconds
        )
        assert all(seen == self.ec2.now_of(each) for each, seen in found.items())
        return sorted(found)

    @property
    def elapsed(self) -> float:
        return self.clock.now() - self.started


def not_reapplied(seen: Observation, wanted: Options) -> None:
    raise AssertionError(f"{wanted} was sent again to {seen}")


def kinds(result: WaitResult) -> dict[str, type[ImdsError]]:
    return {each: type(error) for each, error in result.errors.items()}


def test_instances_that_are_right_already_take_one_describe_and_no_pause() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB, {**LAX, **WANTED})
    waiting.ec2.add(API, {**LAX, **WANTED}, instance_state="stopped", state="pending")
    result = waiting.wait(WEB, API)
    assert (result.verdicts, result.errors) == ({WEB: Verdict.APPLIED, API: Verdict.PENDING_START}, {})
    assert result.observations[WEB] == waiting.ec2.now_of(WEB)
    assert (len(waiting.ec2.describes), waiting.clock.pauses) == (1, [])


def test_nothing_to_wait_for_takes_no_describe() -> None:
    waiting = Waiting()
    assert waiting.wait() == WaitResult({}, {}, {})
    assert waiting.ec2.describes == []


def test_the_wait_ends_with_the_first_describe_that_shows_applied_soon_after_ec2_says_so() -> None:
    waiting = Waiting(pending_seconds=1.5)
    waiting.ec2.add(WEB)
    waiting.modify(WEB)
    assert waiting.wait(WEB).verdicts == {WEB: Verdict.APPLIED}
    assert 1.5 <= waiting.elapsed <= 1.5 + 0.5


def test_pauses_grow_from_a_quarter_of_a_second_to_two() -> None:
    waiting = Waiting(pending_seconds=40)
    waiting.ec2.add(WEB)
    waiting.modify(WEB)
    waiting.wait(WEB)
    assert 0.25 * 0.9 <= waiting.clock.pauses[0] <= 0.25 * 1.1
    assert max(waiting.clock.pauses) <= 2 * 1.1
    assert min(waiting.clock.pauses[-5:]) >= 2 * 0.9
    assert len(waiting.ec2.describes) < 40


def test_each_describe_asks_only_for_those_still_pending() -> None:
    waiting = Waiting(pending_seconds=0.6)
    waiting.ec2.add(WEB, {**LAX, **WANTED})
    waiting.ec2.add(API)
    waiting.modify(API)
    waiting.wait(WEB, API)
    first, *others = waiting.ec2.describes
    assert first == (WEB, API)
    assert others
    assert set(others) == {(API,)}


def test_an_answer_from_before_the_change_that_says_applied_is_not_believed() -> None:
    waiting = Waiting(pending_seconds=0.0, stale_seconds=3.0)
    waiting.ec2.add(WEB)
    waiting.modify(WEB)
    result = waiting.wait(WEB)
    assert waiting.elapsed >= 3.0
    assert result.observations[WEB].options["httpTokens"] == "required"


def test_the_wait_ends_at_its_deadline_with_wanted_and_last_seen_values() -> None:
    waiting = Waiting(pending_seconds=1000)
    waiting.ec2.add(WEB)
    waiting.ec2.add(API, {**LAX, **WANTED})
    waiting.modify(WEB)
    result = waiting.wait(WEB, API, seconds=7)
    assert waiting.elapsed == pytest.approx(7)
    assert kinds(result) == {WEB: NotAppliedError}
    sentence = str(result.errors[WEB])
    assert f"{WEB} did not reach httpTokens=required within 7 s; last seen: httpTokens=required" in sentence
    assert "(state pending, instance running)" in sentence
    assert "timeoutSeconds" in sentence
    assert result.observations[API].state == "applied"


def test_a_describe_that_ends_after_the_deadline_still_counts() -> None:
    waiting = Waiting(latency=3)
    waiting.ec2.add(WEB, {**LAX, **WANTED})
    assert waiting.wait(WEB, seconds=2).verdicts == {WEB: Verdict.APPLIED}


def test_no_describe_begins_after_the_deadline() -> None:
    waiting = Waiting(pending_seconds=1000, latency=3)
    waiting.ec2.add(WEB)
    waiting.modify(WEB)
    assert kinds(waiting.wait(WEB, seconds=2)) == {WEB: NotAppliedError}
    assert len(waiting.ec2.describes) == 1


def test_a_new_instance_may_take_seconds_to_appear() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB, {**LAX, **WANTED}, appears_after=6)
    assert waiting.wait(WEB).verdicts == {WEB: Verdict.APPLIED}


def test_an_instance_that_stays_unknown_is_given_up_on_after_the_grace() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB, {**LAX, **WANTED})
    result = waiting.wait(OLD, WEB)
    assert (kinds(result), result.verdicts) == ({OLD: InstanceMissingError}, {WEB: Verdict.APPLIED})
    assert str(result.errors[OLD]).startswith(f"{OLD} does not exist in eu-west-1: check the ID")
    assert list(result.observations) == [WEB]
    assert 10 <= waiting.elapsed <= 10 + 2.2


def test_the_grace_starts_over_each_time_an_instance_is_seen() -> None:
    waiting = Waiting(pending_seconds=1000)
    waiting.ec2.add(WEB)
    waiting.modify(WEB)
    hidden = [range(20, 28), range(40, 48)]

    def describe(ids: Iterable[str]) -> Mapping[str, Observation]:
        if any(int(waiting.elapsed) in seconds for seconds in hidden):
            return {}
        return {each: waiting.ec2.now_of(each) for each in ids}

    assert kinds(waiting.wait(WEB, seconds=60, describe=describe)) == {WEB: NotAppliedError}


def test_a_lost_answer_is_asked_for_again_until_the_deadline() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB, {**LAX, **WANTED})

    def lost_for(seconds: float) -> Describe:
        def describe(ids: Iterable[str]) -> Mapping[str, Observation]:
            if waiting.elapsed < seconds:
                raise OutcomeUnknownError("no answer.")
            return {each: waiting.ec2.now_of(each) for each in ids}

        return describe

    assert waiting.wait(WEB, describe=lost_for(9)).verdicts == {WEB: Verdict.APPLIED}
    assert 9 <= waiting.elapsed <= 9 + 2.2
    with pytest.raises(OutcomeUnknownError):
        waiting.wait(WEB, seconds=5, describe=lost_for(100))


@pytest.mark.parametrize("instance_state", ["shutting-down", "terminated"])
def test_an_instance_that_is_terminated_during_the_wait_fails_at_the_next_describe(instance_state: str) -> None:
    waiting = Waiting(pending_seconds=20)
    for each in (WEB, API):
        waiting.ec2.add(each)
        waiting.modify(each)
    waiting.clock.after(5, lambda: waiting.ec2.change(WEB, instance_state=instance_state))
    result = waiting.wait(WEB, API)
    assert (kinds(result), result.verdicts) == ({WEB: InstanceGoneError}, {API: Verdict.APPLIED})
    assert str(result.errors[WEB]).startswith(f"{WEB} is {instance_state}: ")
    assert waiting.ec2.describes[-1] == (API,), "it is asked for no longer"
    assert [(applied, pending) for applied, pending, _ in waiting.progress][-2:] == [(0, 1), (1, 0)]


def test_an_instance_that_is_stopped_during_the_wait_is_not_waited_for_any_longer() -> None:
    waiting = Waiting(pending_seconds=1000)
    waiting.ec2.add(WEB)
    waiting.modify(WEB)
    waiting.clock.after(5, lambda: waiting.ec2.change(WEB, instance_state="stopping"))
    assert waiting.wait(WEB).verdicts == {WEB: Verdict.PENDING_START}
    assert 5 <= waiting.elapsed <= 7.2


def test_one_that_fails_does_not_end_the_wait_for_the_others_and_all_failures_are_reported() -> None:
    waiting = Waiting(pending_seconds=20)
    waiting.ec2.add(WEB)
    waiting.ec2.add(API, instance_state="terminated")
    waiting.modify(WEB)
    result = waiting.wait(API, OLD, WEB)
    assert kinds(result) == {API: InstanceGoneError, OLD: InstanceMissingError}
    assert result.observations[WEB].state == "applied"
    assert waiting.elapsed >= 20


def test_progress_is_reported_after_each_describe() -> None:
    waiting = Waiting(pending_seconds=1)
    waiting.ec2.add(WEB, {**LAX, **WANTED})
    waiting.ec2.add(API)
    waiting.modify(API)
    waiting.wait(WEB, API)
    assert len(waiting.progress) == len(waiting.ec2.describes)
    assert waiting.progress[0] == (1, 1, 0.0)
    assert waiting.progress[-1][:2] == (2, 0)
    assert waiting.progress[-1][2] == pytest.approx(waiting.elapsed)


def test_a_wait_for_acceptance_ends_while_the_options_are_pending() -> None:
    seen = observe(WEB, {**LAX, **WANTED}, state="pending")
    result = Waiting().wait(WEB, describe=lambda _: {WEB: seen}, judge=judge_accepted)
    assert result.verdicts == {WEB: Verdict.APPLIED}


def test_instances_that_exist_are_found_with_one_describe_whatever_their_state() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB, state="pending")
    waiting.ec2.add(API, instance_state="terminated")
    assert waiting.find(WEB, API) == sorted([WEB, API])
    assert (len(waiting.ec2.describes), waiting.clock.pauses) == (1, [])


def test_one_that_ec2_does_not_know_is_asked_for_alone_for_as_long_as_the_grace_lasts() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB)
    assert waiting.find(WEB, OLD) == [WEB]
    assert set(waiting.ec2.describes[1:]) == {(OLD,)}
    assert 10 <= waiting.elapsed <= 10 + 2.2


def test_one_that_appears_within_the_grace_is_found() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB, appears_after=6)
    assert waiting.find(WEB) == [WEB]


def test_one_slow_describe_is_not_enough_to_take_an_instance_for_missing() -> None:
    waiting = Waiting(latency=2 * CONFIRM_MISSING_SECONDS)
    assert waiting.find(WEB, missing_grace_seconds=CONFIRM_MISSING_SECONDS) == []
    assert len(waiting.ec2.describes) >= 2


def test_what_was_not_found_by_the_deadline_is_not_taken_for_missing() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB)
    with pytest.raises(
        DeadlinePassedError,
        match=f"^{OLD}: not found within 3 s. Run the same command again, or raise timeoutSeconds.$",
    ):
        waiting.find(WEB, OLD, seconds=3)
