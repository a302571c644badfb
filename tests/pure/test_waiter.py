"""The loop that waits for many instances, on a clock that only the loop moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from imds_provider.rules.observation import Observation, Settled, Verdict, judge_accepted
from imds_provider.rules.options import Options
from imds_provider.waiting.clock import Deadline
from imds_provider.waiting.waiter import CONFIRM_MISSING_SECONDS, NotSettledError, wait
from tests.support.fakes import LAX, FakeClock, FakeEc2, observe

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OLD = "i-1a2b3c4d"
WANTED: Options = {"httpTokens": "required"}
PARAMETERS: Options = {"HttpTokens": "required", "HttpEndpoint": "enabled"}


class Waiting:
    """A clock, EC2 on it, and a wait of two minutes unless told otherwise."""

    def __init__(self, *, pending_seconds: float = 1.5, stale_seconds: float = 0.0, latency: float = 0.0) -> None:
        self.clock = FakeClock()
        self.ec2 = FakeEc2(self.clock, pending_seconds=pending_seconds, stale_seconds=stale_seconds, latency=latency)
        self.started = self.clock.now()
        self.told: list[tuple[int, int, float]] = []

    def modify(self, *instance_ids: str) -> None:
        for instance_id in instance_ids:
            self.ec2.modify(instance_id, PARAMETERS, Deadline(self.clock, 5))

    def wait(
        self,
        *instance_ids: str,
        seconds: float = 120,
        look_at_once: bool = True,
        missing_grace_seconds: float = 10,
        wanted: Options = WANTED,
        may_go: bool = False,
    ) -> Settled:
        deadline = Deadline(self.clock, seconds)
        return wait(
            lambda ids: self.ec2.describe(ids, deadline),
            dict.fromkeys(instance_ids, wanted),
            deadline,
            place="eu-west-1",
            missing_grace_seconds=missing_grace_seconds,
            look_at_once=look_at_once,
            may_go=may_go,
            progress=lambda *told: self.told.append(told),
        )

    @property
    def elapsed(self) -> float:
        return self.clock.now() - self.started


def test_instances_that_are_right_already_take_one_look_and_no_pause() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB, {**LAX, **WANTED})
    waiting.ec2.add(API, {**LAX, **WANTED}, instance_state="stopped", state="pending")
    settled = waiting.wait(WEB, API)
    assert settled.verdicts == {WEB: Verdict.APPLIED, API: Verdict.PENDING_START}
    assert settled.observations[WEB] == waiting.ec2.now_of(WEB)
    assert (len(waiting.ec2.looks), waiting.clock.pauses) == (1, [])


def test_nothing_to_wait_for_takes_no_look() -> None:
    waiting = Waiting()
    assert waiting.wait() == Settled({}, {})
    assert waiting.ec2.looks == []


def test_the_loop_ends_with_the_first_look_that_shows_applied_soon_after_ec2_says_so() -> None:
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
    assert len(waiting.ec2.looks) < 40


def test_each_look_asks_only_for_those_still_pending() -> None:
    waiting = Waiting(pending_seconds=0.6)
    waiting.ec2.add(WEB, {**LAX, **WANTED})
    waiting.ec2.add(API)
    waiting.modify(API)
    waiting.wait(WEB, API)
    first, *others = waiting.ec2.looks
    assert first == (WEB, API)
    assert others
    assert set(others) == {(API,)}


def test_with_a_change_just_made_the_loop_pauses_before_its_first_look() -> None:
    waiting = Waiting(pending_seconds=0.1)
    waiting.ec2.add(WEB)
    waiting.modify(WEB)
    waiting.wait(WEB, look_at_once=False)
    assert len(waiting.ec2.looks) == len(waiting.clock.pauses) == 1


def test_an_answer_from_before_the_change_that_says_applied_is_not_believed() -> None:
    waiting = Waiting(pending_seconds=0.0, stale_seconds=3.0)
    waiting.ec2.add(WEB)
    waiting.modify(WEB)
    settled = waiting.wait(WEB)
    assert waiting.elapsed >= 3.0
    assert settled.observations[WEB].options["httpTokens"] == "required"


def test_the_wait_ends_at_its_deadline_with_wanted_and_last_seen_values() -> None:
    waiting = Waiting(pending_seconds=1000)
    waiting.ec2.add(WEB)
    waiting.ec2.add(API, {**LAX, **WANTED})
    waiting.modify(WEB)
    with pytest.raises(NotSettledError) as caught:
        waiting.wait(WEB, API, seconds=7)
    assert waiting.elapsed == pytest.approx(7)
    assert {each: found.kind for each, found in caught.value.unsettled.items()} == {WEB: "timeout"}
    sentence = str(caught.value)
    assert f"{WEB} did not reach httpTokens=required within 7 s; last seen: httpTokens=required" in sentence
    assert "(state pending, instance running)" in sentence
    assert "timeoutSeconds" in sentence
    assert caught.value.observations[API].state == "applied"


def test_a_look_that_ends_after_the_deadline_still_counts() -> None:
    waiting = Waiting(latency=3)
    waiting.ec2.add(WEB, {**LAX, **WANTED})
    assert waiting.wait(WEB, seconds=2).verdicts == {WEB: Verdict.APPLIED}


def test_no_look_begins_after_the_deadline() -> None:
    waiting = Waiting(pending_seconds=1000, latency=3)
    waiting.ec2.add(WEB)
    waiting.modify(WEB)
    with pytest.raises(NotSettledError):
        waiting.wait(WEB, seconds=2)
    assert len(waiting.ec2.looks) == 1


def test_a_new_instance_may_take_seconds_to_appear() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB, {**LAX, **WANTED}, appears_after=6)
    assert waiting.wait(WEB).verdicts == {WEB: Verdict.APPLIED}


def test_an_instance_that_stays_unknown_is_given_up_on_after_the_grace() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB, {**LAX, **WANTED})
    with pytest.raises(NotSettledError) as caught:
        waiting.wait(OLD, WEB)
    assert caught.value.unsettled[OLD].kind == "missing"
    assert caught.value.unsettled[OLD].reason.startswith(f"{OLD} does not exist in eu-west-1: check the id")
    assert 10 <= waiting.elapsed <= 10 + 2.2


def test_the_grace_begins_anew_with_each_sight_of_an_instance() -> None:
    waiting = Waiting(pending_seconds=1000)
    waiting.ec2.add(WEB)
    waiting.modify(WEB)
    hidden = [range(20, 28), range(40, 48)]

    def look(ids: Iterable[str]) -> Mapping[str, Observation]:
        if any(int(waiting.elapsed) in seconds for seconds in hidden):
            return {}
        return {each: waiting.ec2.now_of(each) for each in ids}

    with pytest.raises(NotSettledError) as caught:
        wait(look, {WEB: WANTED}, Deadline(waiting.clock, 60), place="eu-west-1")
    assert caught.value.unsettled[WEB].kind == "timeout"


def test_one_slow_look_is_not_enough_to_take_an_instance_for_missing() -> None:
    waiting = Waiting(latency=2 * CONFIRM_MISSING_SECONDS)
    with pytest.raises(NotSettledError):
        waiting.wait(WEB, missing_grace_seconds=CONFIRM_MISSING_SECONDS)
    assert len(waiting.ec2.looks) >= 2


@pytest.mark.parametrize("instance_state", ["shutting-down", "terminated"])
def test_an_instance_that_is_terminated_in_mid_wait_fails_at_the_next_look(instance_state: str) -> None:
    waiting = Waiting(pending_seconds=1000)
    waiting.ec2.add(WEB)
    waiting.modify(WEB)
    waiting.clock.after(5, lambda: waiting.ec2.change(WEB, instance_state=instance_state))
    with pytest.raises(NotSettledError, match=f"{WEB} is {instance_state}: ") as caught:
        waiting.wait(WEB)
    assert caught.value.unsettled[WEB].kind == "gone"
    assert 5 <= waiting.elapsed <= 7.2


def test_an_instance_that_is_stopped_in_mid_wait_is_not_waited_for_any_longer() -> None:
    waiting = Waiting(pending_seconds=1000)
    waiting.ec2.add(WEB)
    waiting.modify(WEB)
    waiting.clock.after(5, lambda: waiting.ec2.change(WEB, instance_state="stopping"))
    assert waiting.wait(WEB).verdicts == {WEB: Verdict.PENDING_START}
    assert 5 <= waiting.elapsed <= 7.2


@pytest.mark.parametrize("instance_state", ["shutting-down", "terminated"])
def test_where_instances_may_go_one_that_is_terminated_is_no_failure(instance_state: str) -> None:
    waiting = Waiting(pending_seconds=20)
    for each in (WEB, API):
        waiting.ec2.add(each)
        waiting.modify(each)
    waiting.clock.after(5, lambda: waiting.ec2.change(WEB, instance_state=instance_state))
    settled = waiting.wait(WEB, API, may_go=True)
    assert settled.verdicts == {WEB: Verdict.GONE, API: Verdict.APPLIED}
    assert waiting.ec2.looks[-1] == (API,), "it is asked for no longer"
    assert [told[0] for told in waiting.told][-2:] == [1, 2]


def test_where_instances_may_go_one_that_ec2_does_not_know_is_gone_after_the_grace() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB, {**LAX, **WANTED})
    settled = waiting.wait(OLD, WEB, may_go=True)
    assert settled.verdicts == {OLD: Verdict.GONE, WEB: Verdict.APPLIED}
    assert list(settled.observations) == [WEB]
    assert 10 <= waiting.elapsed <= 10 + 2.2


def test_where_instances_may_go_a_new_one_may_still_take_seconds_to_appear() -> None:
    waiting = Waiting()
    waiting.ec2.add(WEB, {**LAX, **WANTED}, appears_after=6)
    assert waiting.wait(WEB, may_go=True).verdicts == {WEB: Verdict.APPLIED}


def test_where_instances_may_go_one_that_is_not_applied_in_time_fails_all_the_same() -> None:
    waiting = Waiting(pending_seconds=1000)
    waiting.ec2.add(WEB)
    waiting.ec2.add(API, instance_state="terminated")
    waiting.modify(WEB)
    with pytest.raises(NotSettledError) as caught:
        waiting.wait(WEB, API, seconds=7, may_go=True)
    assert {each: found.kind for each, found in caught.value.unsettled.items()} == {WEB: "timeout"}


def test_one_that_fails_does_not_end_the_wait_for_the_others_and_all_failures_are_told() -> None:
    waiting = Waiting(pending_seconds=20)
    waiting.ec2.add(WEB)
    waiting.ec2.add(API, instance_state="terminated")
    waiting.modify(WEB)
    with pytest.raises(NotSettledError) as caught:
        waiting.wait(API, OLD, WEB)
    assert {each: found.kind for each, found in caught.value.unsettled.items()} == {API: "gone", OLD: "missing"}
    assert caught.value.observations[WEB].state == "applied"
    assert waiting.elapsed >= 20
    assert API in str(caught.value)
    assert OLD in str(caught.value)


def test_progress_is_told_after_each_look() -> None:
    waiting = Waiting(pending_seconds=1)
    waiting.ec2.add(WEB, {**LAX, **WANTED})
    waiting.ec2.add(API)
    waiting.modify(API)
    waiting.wait(WEB, API)
    assert len(waiting.told) == len(waiting.ec2.looks)
    assert waiting.told[0] == (1, 2, 0.0)
    assert waiting.told[-1][:2] == (2, 2)
    assert waiting.told[-1][2] == pytest.approx(waiting.elapsed)


def test_a_wait_for_acceptance_ends_while_the_options_are_pending() -> None:
    clock = FakeClock()
    seen = observe(WEB, {**LAX, **WANTED}, state="pending")
    settled = wait(lambda _: {WEB: seen}, {WEB: WANTED}, Deadline(clock, 5), place="eu-west-1", judge=judge_accepted)
    assert settled.verdicts == {WEB: Verdict.APPLIED}
