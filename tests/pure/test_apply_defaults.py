"""Bringing an account's defaults onto the wanted values, with time and EC2 in memory."""

from __future__ import annotations

import pytest

from imds_provider.errors import (
    AwsError,
    ConflictError,
    DeclarativePolicyError,
    EngineGoneError,
    LooseningRefusedError,
    NotAppliedError,
    OutcomeUnknownError,
)
from imds_provider.rules.options import Options
from imds_provider.waiting.apply_defaults import DefaultsOutcome, apply_defaults
from imds_provider.waiting.clock import Deadline
from tests.support.fake_defaults import FakeDefaults, account
from tests.support.fakes import FakeClock

REQUIRED: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 2}
LOST = OutcomeUnknownError("the answer was lost.")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ec2(clock: FakeClock) -> FakeDefaults:
    return FakeDefaults(clock)


def apply(
    clock: FakeClock, ec2: FakeDefaults, wanted: Options = REQUIRED, seconds: float = 60, **given: object
) -> DefaultsOutcome:
    return apply_defaults(ec2, wanted, Deadline(clock, seconds), **given)  # type: ignore[arg-type]  # as a test passes


def test_only_what_differs_is_sent_and_read_once_where_it_shows_at_once(clock: FakeClock, ec2: FakeDefaults) -> None:
    ec2.put(account({"httpTokens": "required", "httpEndpoint": "enabled"}))
    outcome = apply(clock, ec2)
    assert ec2.modifications == [{"HttpPutResponseHopLimit": 2}]
    assert (ec2.reads, clock.pauses) == (2, [])
    assert (outcome.before.values["httpPutResponseHopLimit"], outcome.after) == (-1, ec2.now)
    assert outcome.problem is None


def test_nothing_is_sent_where_nothing_differs(clock: FakeClock, ec2: FakeDefaults) -> None:
    ec2.put(account(REQUIRED))
    assert apply(clock, ec2, {**REQUIRED, "httpTokensEnforced": "disabled"}).problem is None
    assert (ec2.reads, ec2.modifications) == (1, [])


@pytest.mark.parametrize("stale", [0.5, 3, 4.5])
def test_answers_from_before_are_read_again_no_faster_than_every_second(clock: FakeClock, stale: float) -> None:
    ec2 = FakeDefaults(clock, stale_seconds=stale)
    assert apply(clock, ec2).after == ec2.now
    assert len(ec2.modifications) == 1
    assert min(clock.pauses) >= 1


def test_what_shows_late_is_sent_once_more_and_waited_for_until_the_deadline(clock: FakeClock) -> None:
    ec2 = FakeDefaults(clock, stale_seconds=40)
    assert apply(clock, ec2).problem is None
    assert len(ec2.modifications) == 2
    late = FakeDefaults(clock, stale_seconds=400)
    started = clock.now()
    problem = apply(clock, late).problem
    assert isinstance(problem, NotAppliedError)
    assert str(problem).startswith(
        "the account in eu-west-1 did not reach httpTokens=required httpPutResponseHopLimit=2 "
    )
    assert clock.now() - started == pytest.approx(60)
    assert len(late.modifications) == 2


@pytest.mark.parametrize("took_effect", [True, False])
def test_a_lost_answer_is_decided_by_a_read_before_anything_is_sent_again(
    clock: FakeClock, ec2: FakeDefaults, *, took_effect: bool
) -> None:
    ec2.fail_modify(LOST, took_effect=took_effect)
    assert apply(clock, ec2).problem is None
    assert len(ec2.modifications) == (1 if took_effect else 2)
    assert ec2.now.values["httpTokens"] == "required"


def test_what_never_seems_to_take_effect_is_recorded_as_undecided_since_reads_may_be_late(
    clock: FakeClock, ec2: FakeDefaults
) -> None:
    ec2.fail_modify(*[LOST] * 10)
    outcome = apply(clock, ec2)
    assert str(outcome.problem).startswith("the answer was lost. It may have taken effect: ")
    assert (outcome.before, outcome.after) == (ec2.now, ec2.now)
    assert len(ec2.modifications) == 4


def test_a_lost_answer_that_no_read_can_decide_is_recorded_as_undecided(clock: FakeClock, ec2: FakeDefaults) -> None:
    ec2.fail_modify(LOST, took_effect=True)
    before = ec2.read(Deadline(clock, 1))

    def lose_the_reads(_: object) -> None:
        ec2.read_errors.append(LOST)

    problem = apply(clock, ec2, found=lose_the_reads).problem
    assert str(problem) == "the answer was lost. It may have taken effect: run `pulumi up` again to find out."
    assert before.values["httpTokens"] == "no-preference"


def test_lost_answers_to_reads_of_the_wait_are_asked_for_again(clock: FakeClock, ec2: FakeDefaults) -> None:
    outcome = apply(clock, ec2, found=lambda _: ec2.read_errors.extend([LOST, LOST]))
    assert (outcome.problem, outcome.after) == (None, ec2.now)
    assert len(ec2.modifications) == 1


def test_a_refused_modification_is_an_error_and_records_nothing(clock: FakeClock, ec2: FakeDefaults) -> None:
    ec2.fail_modify(AwsError("EC2 refused it."))
    with pytest.raises(AwsError, match="EC2 refused it"):
        apply(clock, ec2)


def test_an_error_of_the_wait_is_recorded_with_what_was_sent(clock: FakeClock, ec2: FakeDefaults) -> None:
    outcome = apply(clock, ec2, found=lambda _: ec2.read_errors.append(AwsError("EC2 refused it.")))
    assert str(outcome.problem) == "EC2 refused it."


def test_nothing_is_recorded_when_the_engine_is_gone(clock: FakeClock, ec2: FakeDefaults) -> None:
    with pytest.raises(EngineGoneError):
        apply(clock, ec2, found=lambda _: ec2.read_errors.append(EngineGoneError("gone")))


def test_what_somebody_else_sets_meanwhile_is_reapplied_once(clock: FakeClock, ec2: FakeDefaults) -> None:
    ec2.after_modify.append({"httpPutResponseHopLimit": 7})
    assert apply(clock, ec2).problem is None
    assert ec2.modifications == [
        {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
        {"HttpPutResponseHopLimit": 2},
    ]


def test_what_somebody_else_sets_twice_is_a_conflict(clock: FakeClock, ec2: FakeDefaults) -> None:
    ec2.after_modify.extend([{"httpPutResponseHopLimit": 7}, {"httpPutResponseHopLimit": 8}])
    problem = apply(clock, ec2).problem
    assert isinstance(problem, ConflictError)
    assert "was changed twice by somebody else during the wait, the last time to httpPutResponseHopLimit=8: " in str(
        problem
    )
    assert len(ec2.modifications) == 2


def test_what_somebody_else_makes_stricter_meanwhile_stays(clock: FakeClock, ec2: FakeDefaults) -> None:
    ec2.after_modify.append({"httpTokensEnforced": "enabled"})
    ec2.put(account({"httpEndpoint": "enabled"}))
    outcome = apply(clock, ec2, {"httpTokensEnforced": "disabled", "httpEndpoint": "no-preference"})
    problem = outcome.problem
    assert isinstance(problem, ConflictError)
    assert "to httpTokensEnforced=enabled, which is stricter and is kept" in str(problem)
    assert ec2.now.is_enforced


@pytest.mark.parametrize("reason", [None, "", " "])
def test_loosening_without_a_reason_is_refused_before_anything_is_sent(
    reason: str | None, clock: FakeClock, ec2: FakeDefaults
) -> None:
    ec2.put(account({"httpTokensEnforced": "enabled"}))
    with pytest.raises(LooseningRefusedError, match="httpTokensEnforced: enabled -> disabled"):
        apply(clock, ec2, {"httpTokensEnforced": "disabled"}, allow_downgrade=reason)
    assert ec2.modifications == []


def test_a_restore_without_a_reason_leaves_out_what_would_loosen(clock: FakeClock, ec2: FakeDefaults) -> None:
    ec2.put(account({"httpTokens": "required", "httpPutResponseHopLimit": 2}))
    back: Options = {"httpTokens": "no-preference", "httpPutResponseHopLimit": -1}
    assert apply(clock, ec2, back, keep_stricter=True).problem is None
    assert ec2.modifications == [{"HttpPutResponseHopLimit": -1}]
    assert apply(clock, ec2, back, keep_stricter=True, allow_downgrade="the agent is old").problem is None
    assert ec2.now == account()


def test_what_a_declarative_policy_decides_is_never_sent(clock: FakeClock, ec2: FakeDefaults) -> None:
    ec2.put(account({"httpTokens": "required"}, policy="Ask us."))
    with pytest.raises(DeclarativePolicyError, match=r"declarative policy decides this, which says: Ask us\. "):
        apply(clock, ec2, allow_downgrade="a reason")
    assert apply(clock, ec2, {"httpTokens": "required"}).after.is_managed_by_policy
    assert ec2.modifications == []


def test_after_the_deadline_nothing_is_sent(clock: FakeClock, ec2: FakeDefaults) -> None:
    with pytest.raises(NotAppliedError):
        apply(clock, ec2, seconds=5, found=lambda _: clock.advance(5))
    assert ec2.modifications == []
