from __future__ import annotations

import pytest

from imds_provider.errors import (
    AwsError,
    ConflictError,
    DeadlinePassedError,
    EngineGoneError,
    InstanceGoneError,
    InstanceMissingError,
    NotAppliedError,
    OutcomeUnknownError,
)
from imds_provider.rules.observation import Verdict, judge
from imds_provider.rules.options import Options
from imds_provider.waiting.apply import ATTEMPTS, send
from imds_provider.waiting.clock import Deadline
from imds_provider.waiting.waiter import STALE_SECONDS, wait
from tests.support.applying import LOST, NOT_FOUND, RIGHT, SENT, WANTED, WEB, Applying
from tests.support.fakes import LAX, FakeClock, FakeEc2, observe

API = "i-0fedcba9876543210"


def test_a_lost_answer_to_a_modification_that_took_effect_is_not_sent_again() -> None:
    applying = Applying()
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(LOST, took_effect=True)
    outcome = applying.apply()
    assert applying.ec2.modifications == [SENT]
    assert (outcome.verdict, outcome.modified) == (Verdict.APPLIED, True)
    assert outcome.before == observe(WEB, LAX)


def test_a_lost_answer_to_a_modification_that_had_no_effect_is_sent_again_after_a_describe() -> None:
    applying = Applying(pending_seconds=0)
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(LOST)
    assert applying.apply().after == observe(WEB, RIGHT)
    assert applying.ec2.modifications == [SENT, SENT]
    assert len(applying.ec2.describes) == 2
    assert applying.clock.pauses != []


def test_only_the_first_describe_before_a_modification_may_be_of_a_moment_ago() -> None:
    applying = Applying(pending_seconds=0.5)
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(LOST)
    applying.apply()
    assert applying.ec2.described_ahead == [WEB]
    assert len(applying.ec2.describes) > 1


def test_a_modification_that_never_takes_effect_is_given_up_on_after_a_last_describe() -> None:
    applying = Applying()
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(*[LOST] * 10)
    with pytest.raises(OutcomeUnknownError) as caught:
        applying.apply()
    assert caught.value is LOST
    assert len(applying.ec2.modifications) == ATTEMPTS
    assert len(applying.ec2.describes) == ATTEMPTS + 1


def test_a_lost_answer_that_no_time_is_left_to_check_says_what_may_have_happened() -> None:
    applying = Applying(latency=2)
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(LOST, took_effect=True)
    problem = applying.apply(seconds=3).problem
    assert isinstance(problem, OutcomeUnknownError)
    assert "may have taken effect: run `pulumi up` again to find out." in str(problem)
    assert problem.code == "InternalError"
    assert len(applying.ec2.modifications) == 1


def test_the_last_lost_answer_too_is_decided_by_a_describe() -> None:
    applying = Applying()
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(*[LOST] * (ATTEMPTS - 1))
    applying.ec2.fail_modify(LOST, took_effect=True)
    assert applying.apply().after == observe(WEB, RIGHT)
    assert len(applying.ec2.modifications) == ATTEMPTS


def test_a_new_instance_that_modify_does_not_know_yet_is_tried_again() -> None:
    applying = Applying()
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(NOT_FOUND, NOT_FOUND)
    outcome = applying.apply()
    assert outcome.after == observe(WEB, RIGHT)
    assert len(applying.ec2.modifications) == 3


def test_an_instance_that_only_modify_does_not_know_ends_in_its_own_error() -> None:
    applying = Applying()
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(*[NOT_FOUND] * 10)
    with pytest.raises(InstanceMissingError) as caught:
        applying.apply()
    assert str(caught.value) == str(NOT_FOUND)


def test_a_refusal_is_not_tried_again() -> None:
    applying = Applying()
    applying.ec2.add(WEB)
    refusal = AwsError(f"{WEB}: EC2 refused.", "UnauthorizedOperation")
    applying.ec2.fail_modify(refusal)
    with pytest.raises(AwsError) as caught:
        applying.apply()
    assert caught.value is refusal
    assert len(applying.ec2.modifications) == 1


def test_an_instance_that_does_not_exist_is_described_for_a_while_and_then_a_clear_error() -> None:
    applying = Applying()
    with pytest.raises(InstanceMissingError, match=f"{WEB} does not exist in eu-west-1: check the ID, the region"):
        applying.apply()
    assert 10 <= applying.elapsed <= 12.2
    assert len(applying.ec2.describes) > 3
    assert applying.ec2.modifications == []


def test_an_instance_that_appears_within_seconds_is_brought_onto_the_options() -> None:
    applying = Applying()
    applying.ec2.add(WEB, appears_after=5)
    assert applying.apply().after == observe(WEB, RIGHT)


@pytest.mark.parametrize("instance_state", ["shutting-down", "terminated"])
def test_a_terminated_instance_fails_at_once_and_nothing_is_sent(instance_state: str) -> None:
    applying = Applying()
    applying.ec2.add(WEB, instance_state=instance_state)
    with pytest.raises(InstanceGoneError, match=f"{WEB} is {instance_state}: "):
        applying.apply()
    assert (applying.ec2.modifications, applying.elapsed) == ([], 0)


def test_an_instance_that_is_terminated_while_it_is_waited_for_fails() -> None:
    applying = Applying(pending_seconds=1000)
    applying.ec2.add(WEB)
    applying.clock.after(2, lambda: applying.ec2.change(WEB, instance_state="terminated"))
    problem = applying.apply().problem
    assert isinstance(problem, InstanceGoneError)
    assert f"{WEB} is terminated: " in str(problem)
    assert applying.elapsed <= 4.2


def test_an_instance_that_is_stopped_while_it_is_waited_for_is_left_to_its_next_start() -> None:
    applying = Applying(pending_seconds=1000)
    applying.ec2.add(WEB)
    applying.clock.after(2, lambda: applying.ec2.change(WEB, instance_state="stopping"))
    assert applying.apply().verdict is Verdict.PENDING_START


def test_the_wait_ends_at_the_deadline_with_the_wanted_and_the_last_seen_values() -> None:
    applying = Applying(pending_seconds=1000)
    applying.ec2.add(WEB)
    outcome = applying.apply(seconds=9)
    assert isinstance(outcome.problem, NotAppliedError)
    assert "did not reach httpTokens=required within 9 s; last seen: " in str(outcome.problem)
    assert "state pending, instance running" in str(outcome.problem)
    assert outcome.after == observe(WEB, RIGHT, state="pending")
    assert applying.elapsed == pytest.approx(9)


def test_the_deadline_counts_from_the_beginning_not_from_the_modification() -> None:
    applying = Applying(pending_seconds=1000, latency=1)
    applying.ec2.add(WEB, appears_after=6)
    assert isinstance(applying.apply(seconds=9).problem, NotAppliedError)
    assert applying.elapsed <= 10


def test_nothing_is_sent_after_the_deadline() -> None:
    applying = Applying(latency=3)
    applying.ec2.add(WEB)
    with pytest.raises(NotAppliedError, match="did not reach httpTokens=required within 2 s; last seen: httpTokens=op"):
        applying.apply(seconds=2)
    assert applying.ec2.modifications == []


def test_a_modification_that_was_held_back_past_the_deadline_is_a_timeout() -> None:
    applying = Applying()
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(DeadlinePassedError("no request may be made in the time that is left."))
    with pytest.raises(NotAppliedError, match=f"{WEB} did not reach httpTokens=required"):
        applying.apply()


def test_an_instance_that_could_not_be_found_in_time_says_so() -> None:
    applying = Applying()
    with pytest.raises(DeadlinePassedError, match=f"{WEB}: not found within 3 s. Run the same command again"):
        applying.find(seconds=3)


def test_an_instance_without_reported_options_cannot_be_managed() -> None:
    applying = Applying()
    applying.ec2.add(WEB, {})
    with pytest.raises(AwsError, match=f"{WEB}: EC2 in eu-west-1 reports no metadata options, so they"):
        applying.apply()
    assert applying.ec2.modifications == []


def test_what_somebody_else_changes_during_the_wait_is_reapplied() -> None:
    applying = Applying(pending_seconds=30)
    applying.ec2.add(WEB)
    applying.clock.after(2, lambda: applying.ec2.put(WEB, LAX, state="applied"))
    outcome = applying.apply()
    assert (outcome.after, outcome.problem) == (observe(WEB, RIGHT), None)
    assert applying.ec2.modifications == [SENT, SENT]
    assert STALE_SECONDS <= applying.elapsed - 2 <= STALE_SECONDS + 4 + 30


def test_what_somebody_makes_stricter_during_the_wait_stays_so() -> None:
    wanted: Options = {"httpTokens": "optional"}
    clock = FakeClock()
    ec2 = FakeEc2(clock)
    ec2.add(WEB, RIGHT)
    deadline = Deadline(clock, 120)
    result = wait(
        lambda ids: ec2.describe(ids, deadline),
        {WEB: wanted},
        deadline,
        region=ec2.region,
        judge=judge,
        reapply=lambda seen, wanted: send(ec2, seen, wanted, deadline),
    )
    error = result.errors[WEB]
    assert isinstance(error, ConflictError)
    assert str(error) == (
        f"{WEB} was changed by somebody else during the wait, to httpTokens=required, which is stricter and is kept. "
        "Agree on one value, then run `pulumi up` again."
    )
    assert ec2.modifications == []


def test_a_lost_answer_for_one_instance_does_not_take_the_second_try_from_another() -> None:
    clock = FakeClock()
    ec2 = FakeEc2(clock, pending_seconds=0)
    for each in (WEB, API):
        ec2.add(each)
    deadline = Deadline(clock, 120)
    ec2.fail_modify(LOST)
    result = wait(
        lambda ids: ec2.describe(ids, deadline),
        {WEB: WANTED, API: WANTED},
        deadline,
        region=ec2.region,
        judge=judge,
        reapply=lambda seen, wanted: send(ec2, seen, wanted, deadline),
    )
    assert result.verdicts[API] is Verdict.APPLIED


def test_what_somebody_changes_a_second_time_has_two_owners_and_is_not_changed_again() -> None:
    applying = Applying(pending_seconds=3)
    applying.ec2.add(WEB)
    for seconds in (0.1, 8):
        applying.clock.after(seconds, lambda: applying.ec2.put(WEB, LAX, state="applied"))
    outcome = applying.apply()
    assert applying.ec2.modifications == [SENT, SENT]
    assert str(outcome.problem) == (
        f"{WEB} was changed twice by somebody else during the wait, the last time to httpTokens=optional: "
        "another stack, tool or person manages the same options. Agree on one owner, then run `pulumi up` again."
    )


def test_an_instance_that_refuses_what_is_reapplied_says_why() -> None:
    applying = Applying(pending_seconds=30)
    applying.ec2.add(WEB)
    refusal = AwsError(f"{WEB}: EC2 refused.", "UnauthorizedOperation")

    def somebody_changes_it() -> None:
        applying.ec2.put(WEB, LAX, state="applied")
        applying.ec2.fail_modify(refusal)

    applying.clock.after(2, somebody_changes_it)
    outcome = applying.apply()
    assert str(outcome.problem) == str(refusal)
    assert outcome.after == observe(WEB, LAX)


def test_a_reapplied_modification_whose_answer_is_lost_is_decided_by_the_next_describe() -> None:
    applying = Applying(pending_seconds=30)
    applying.ec2.add(WEB)

    def somebody_changes_it() -> None:
        applying.ec2.put(WEB, LAX, state="applied")
        applying.ec2.fail_modify(LOST, took_effect=True)

    applying.clock.after(2, somebody_changes_it)
    assert applying.apply().after == observe(WEB, RIGHT)
    assert applying.ec2.modifications == [SENT, SENT]


def test_a_refusal_after_a_lost_answer_is_a_problem_of_something_that_may_have_been_done() -> None:
    applying = Applying()
    applying.ec2.add(WEB)
    refusal = AwsError(f"{WEB}: EC2 refused.", "ExpiredToken")
    applying.ec2.fail_modify(LOST, refusal)
    outcome = applying.apply()
    assert outcome.problem is refusal
    assert outcome.before == observe(WEB, LAX)


def test_an_instance_that_was_terminated_since_it_was_found_says_so_whatever_ec2_refuses_it_with() -> None:
    applying = Applying(latency=1)
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(AwsError(f"{WEB}: EC2 refused.", "UnauthorizedOperation"))
    applying.clock.after(1.5, lambda: applying.ec2.change(WEB, instance_state="terminated"))
    with pytest.raises(InstanceGoneError, match=f"{WEB} is terminated: "):
        applying.apply()


def test_describes_from_before_a_reapplied_modification_are_no_second_change_by_somebody_else() -> None:
    applying = Applying(pending_seconds=1, stale_seconds=4)
    applying.ec2.add(WEB)
    applying.clock.after(0.1, lambda: applying.ec2.put(WEB, LAX, state="applied"))
    outcome = applying.apply()
    assert (outcome.after, outcome.problem) == (observe(WEB, RIGHT), None)
    assert applying.ec2.modifications == [SENT, SENT]


def test_an_engine_that_exits_during_the_wait_ends_it_at_once() -> None:
    applying = Applying(pending_seconds=1000)
    applying.ec2.add(WEB)

    def exit_engine() -> None:
        raise EngineGoneError("the Pulumi engine exited.")

    applying.clock.after(3, exit_engine)
    with pytest.raises(EngineGoneError):
        applying.apply()
    assert applying.elapsed == pytest.approx(3)
