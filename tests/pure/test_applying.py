from __future__ import annotations

import pytest

from imds_provider.applying import ATTEMPTS, READ_AHEAD_SECONDS, Outcome, apply_options, find
from imds_provider.errors import (
    DeadlinePassedError,
    Ec2Error,
    InstanceGoneError,
    InstanceMissingError,
    NotAppliedError,
    OutcomeUnknownError,
)
from imds_provider.options import Options
from imds_provider.settling import Deadline, Verdict
from tests.support.fakes import LAX, FakeClock, FakeEc2, observe

WEB = "i-0123456789abcdef0"
WANTED: Options = {"httpTokens": "required"}
RIGHT: Options = {**LAX, **WANTED}
SENT: Options = {"HttpTokens": "required", "HttpEndpoint": "enabled"}
LOST = OutcomeUnknownError(f"{WEB}: no answer.", "InternalError")
NOT_FOUND = InstanceMissingError(f"{WEB}: EC2 does not know it.", "InvalidInstanceID.NotFound")


class Applying:
    """EC2 on a clock, and the operation as the resource asks for it."""

    def __init__(self, *, pending_seconds: float = 1.5, stale_seconds: float = 0.0, latency: float = 0.0) -> None:
        self.clock = FakeClock()
        self.ec2 = FakeEc2(self.clock, pending_seconds=pending_seconds, stale_seconds=stale_seconds, latency=latency)
        self.started = self.clock.now()

    def apply(self, wanted: Options = WANTED, *, seconds: float = 120, wait: bool = True) -> Outcome:
        return apply_options(self.ec2, WEB, wanted, Deadline(self.clock, seconds), wait_until_applied=wait)

    def find(self, *, seconds: float = 120) -> None:
        find(self.ec2, WEB, Deadline(self.clock, seconds))

    @property
    def elapsed(self) -> float:
        return self.clock.now() - self.started


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (RIGHT, WANTED),
        ({**LAX, "httpEndpoint": "disabled"}, {"httpPutResponseHopLimit": 3}),
        ({"httpTokens": "optional"}, {"instanceMetadataTags": "enabled"}),
    ],
    ids=["equal", "cannot apply", "not reported"],
)
def test_nothing_is_sent_when_nothing_differs(*, options: Options, wanted: Options, wait: bool) -> None:
    applying = Applying()
    applying.ec2.add(WEB, options)
    outcome = applying.apply(wanted, wait=wait)
    assert applying.ec2.modifications == []
    assert len(applying.ec2.looks) == 1
    assert (outcome.verdict, outcome.modified, outcome.left_something_to_wait_for) == (Verdict.APPLIED, False, False)
    assert outcome.before == outcome.after


def test_one_modification_is_sent_and_waited_for() -> None:
    applying = Applying(pending_seconds=1.5)
    applying.ec2.add(WEB)
    outcome = applying.apply()
    assert applying.ec2.modifications == [SENT]
    assert (outcome.verdict, outcome.modified, outcome.left_something_to_wait_for) == (Verdict.APPLIED, True, True)
    assert outcome.before == observe(WEB, LAX)
    assert outcome.after == observe(WEB, RIGHT)
    assert 1.5 <= applying.elapsed <= 2.0


def test_the_outcome_is_what_was_observed_also_for_what_was_not_asked() -> None:
    applying = Applying()
    applying.ec2.add(WEB, {**LAX, "httpPutResponseHopLimit": 5, "instanceMetadataTags": "enabled"})
    after = applying.apply().after
    assert after.options == {**RIGHT, "httpPutResponseHopLimit": 5, "instanceMetadataTags": "enabled"}


def test_an_answer_that_is_applied_already_needs_no_describe() -> None:
    applying = Applying(pending_seconds=0)
    applying.ec2.add(WEB)
    outcome = applying.apply()
    assert outcome.after == observe(WEB, RIGHT)
    assert (len(applying.ec2.looks), applying.clock.pauses) == (1, [])


def test_the_wait_pauses_before_it_looks_again() -> None:
    applying = Applying(pending_seconds=0.1)
    applying.ec2.add(WEB)
    applying.apply()
    assert len(applying.ec2.looks) == 2
    assert len(applying.clock.pauses) == 1


def test_without_a_wait_the_accepted_values_are_enough() -> None:
    applying = Applying(pending_seconds=1000)
    applying.ec2.add(WEB)
    outcome = applying.apply(wait=False)
    assert (outcome.verdict, outcome.left_something_to_wait_for) == (Verdict.APPLIED, True)
    assert outcome.after == observe(WEB, RIGHT, state="pending")
    assert (len(applying.ec2.looks), applying.elapsed) == (1, 0)


def test_a_change_that_somebody_else_made_and_that_is_pending_is_waited_for_but_not_sent_again() -> None:
    applying = Applying()
    applying.ec2.add(WEB, RIGHT, state="pending")
    applying.clock.after(3, lambda: applying.ec2.change(WEB, state="applied"))
    outcome = applying.apply()
    assert applying.ec2.modifications == []
    assert outcome.after.state == "applied"
    assert applying.elapsed >= 3


def test_what_is_pending_without_having_been_sent_here_still_leaves_something_to_wait_for() -> None:
    applying = Applying()
    applying.ec2.add(WEB, RIGHT, state="pending")
    outcome = applying.apply(wait=False)
    assert (outcome.modified, outcome.left_something_to_wait_for) == (False, True)


@pytest.mark.parametrize("instance_state", ["stopped", "stopping"])
@pytest.mark.parametrize("wait", [True, False])
def test_a_stopped_instance_takes_the_values_and_is_not_waited_for(*, instance_state: str, wait: bool) -> None:
    applying = Applying()
    applying.ec2.add(WEB, instance_state=instance_state)
    outcome = applying.apply(wait=wait)
    assert applying.ec2.modifications == [SENT]
    assert outcome.verdict is Verdict.PENDING_START
    assert outcome.after == observe(WEB, RIGHT, state="pending", instance_state=instance_state)
    assert applying.elapsed == 0


def test_a_describe_from_before_the_change_does_not_end_the_wait() -> None:
    applying = Applying(pending_seconds=0.5, stale_seconds=3)
    applying.ec2.add(WEB)
    assert applying.apply().after == observe(WEB, RIGHT)
    assert applying.elapsed >= 3
    assert applying.ec2.modifications == [SENT]


def test_a_lost_answer_to_a_modification_that_took_effect_is_not_sent_again() -> None:
    applying = Applying()
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(LOST, took_effect=True)
    outcome = applying.apply()
    assert applying.ec2.modifications == [SENT]
    assert (outcome.verdict, outcome.modified) == (Verdict.APPLIED, True)
    assert outcome.before == observe(WEB, LAX)


def test_a_lost_answer_to_a_modification_that_had_no_effect_is_sent_again_after_a_look() -> None:
    applying = Applying(pending_seconds=0)
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(LOST)
    assert applying.apply().after == observe(WEB, RIGHT)
    assert applying.ec2.modifications == [SENT, SENT]
    assert len(applying.ec2.looks) == 2
    assert applying.clock.pauses != []


def test_only_what_a_modification_is_first_worked_out_from_may_have_been_seen_a_moment_ago() -> None:
    applying = Applying(pending_seconds=0.5)
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(LOST)
    applying.apply()
    first, *others = applying.ec2.max_ages
    assert first == READ_AHEAD_SECONDS <= 2
    assert others
    assert set(others) == {0.0}


def test_a_modification_that_never_takes_effect_is_given_up_on_after_a_last_look() -> None:
    applying = Applying()
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(*[LOST] * 10)
    with pytest.raises(OutcomeUnknownError) as caught:
        applying.apply()
    assert caught.value is LOST
    assert len(applying.ec2.modifications) == ATTEMPTS
    assert len(applying.ec2.looks) == ATTEMPTS + 1


def test_a_lost_answer_that_there_is_no_time_left_to_look_into_says_what_may_have_happened() -> None:
    applying = Applying(latency=2)
    applying.ec2.add(WEB)
    applying.ec2.fail_modify(LOST, took_effect=True)
    with pytest.raises(OutcomeUnknownError, match="may have taken effect; running `pulumi up` again") as caught:
        applying.apply(seconds=3)
    assert caught.value.code == "InternalError"
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
    refusal = Ec2Error(f"{WEB}: EC2 refused.", "UnauthorizedOperation")
    applying.ec2.fail_modify(refusal)
    with pytest.raises(Ec2Error) as caught:
        applying.apply()
    assert caught.value is refusal
    assert len(applying.ec2.modifications) == 1


def test_an_instance_that_does_not_exist_is_looked_for_and_then_a_clear_error() -> None:
    applying = Applying()
    with pytest.raises(InstanceMissingError, match=f"{WEB} does not exist in eu-west-1: check the id, the region"):
        applying.apply()
    assert 10 <= applying.elapsed <= 12.2
    assert len(applying.ec2.looks) > 3
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
    with pytest.raises(InstanceGoneError, match=f"{WEB} is terminated: "):
        applying.apply()
    assert applying.elapsed <= 4.2


def test_an_instance_that_is_stopped_while_it_is_waited_for_is_left_to_its_next_start() -> None:
    applying = Applying(pending_seconds=1000)
    applying.ec2.add(WEB)
    applying.clock.after(2, lambda: applying.ec2.change(WEB, instance_state="stopping"))
    assert applying.apply().verdict is Verdict.PENDING_START


def test_the_wait_ends_at_the_deadline_with_the_wanted_and_the_last_seen_values() -> None:
    applying = Applying(pending_seconds=1000)
    applying.ec2.add(WEB)
    with pytest.raises(NotAppliedError, match="did not reach httpTokens=required within 9 s; last seen: ") as caught:
        applying.apply(seconds=9)
    assert "state pending, instance running" in str(caught.value)
    assert applying.elapsed == pytest.approx(9)


def test_the_deadline_counts_from_the_beginning_not_from_the_modification() -> None:
    applying = Applying(pending_seconds=1000, latency=1)
    applying.ec2.add(WEB, appears_after=6)
    with pytest.raises(NotAppliedError):
        applying.apply(seconds=9)
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


def test_an_instance_that_could_not_be_looked_at_in_time_says_so() -> None:
    applying = Applying()
    with pytest.raises(NotAppliedError, match=f"{WEB} did not show up within 3 s; last seen: nothing of it."):
        applying.find(seconds=3)


def test_an_instance_without_reported_options_cannot_be_managed() -> None:
    applying = Applying()
    applying.ec2.add(WEB, {})
    with pytest.raises(Ec2Error, match=f"{WEB}: EC2 in eu-west-1 reports no metadata options of it."):
        applying.apply()
    assert applying.ec2.modifications == []


def test_applying_twice_sends_once() -> None:
    applying = Applying()
    applying.ec2.add(WEB)
    applying.apply()
    assert applying.apply().modified is False
    assert applying.ec2.modifications == [SENT]
