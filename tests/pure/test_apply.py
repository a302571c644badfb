from __future__ import annotations

import pytest

from imds_provider.errors import LooseningRefusedError
from imds_provider.rules.observation import Verdict
from imds_provider.rules.options import Options
from tests.support.applying import RIGHT, SENT, WANTED, WEB, Applying
from tests.support.fakes import LAX, observe


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (RIGHT, WANTED),
        ({**LAX, "httpEndpoint": "disabled"}, {"httpPutResponseHopLimit": 3}),
    ],
    ids=["equal", "cannot apply"],
)
def test_nothing_is_sent_when_nothing_differs(*, options: Options, wanted: Options, wait: bool) -> None:
    applying = Applying()
    applying.ec2.add(WEB, options)
    outcome = applying.apply(wanted, wait=wait)
    assert applying.ec2.modifications == []
    assert len(applying.ec2.describes) == 1
    assert (outcome.verdict, outcome.modified, outcome.left_something_to_wait_for) == (Verdict.APPLIED, False, False)
    assert outcome.before == outcome.after


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("options", [{"httpTokens": "optional"}, {**LAX, "instanceMetadataTags": "hidden"}])
def test_nothing_is_sent_where_it_is_not_known_what_there_is(*, options: Options, wait: bool) -> None:
    applying = Applying()
    applying.ec2.add(WEB, options)
    outcome = applying.apply({"instanceMetadataTags": "enabled"}, wait=wait)
    assert applying.ec2.modifications == []
    assert (outcome.verdict, outcome.modified) == (Verdict.UNKNOWN, False)


LOOSER: Options = {"httpTokens": "optional", "httpPutResponseHopLimit": 2}


@pytest.mark.parametrize("reason", [None, "", " "])
@pytest.mark.parametrize(
    ("options", "wanted", "what"),
    [
        (RIGHT, LOOSER, "httpTokens: required -> optional"),
        ({**LAX, "httpEndpoint": "disabled"}, {"httpEndpoint": "enabled"}, "httpEndpoint: disabled -> enabled"),
    ],
)
def test_nothing_is_loosened_without_a_reason(options: Options, wanted: Options, what: str, reason: str | None) -> None:
    applying = Applying()
    applying.ec2.add(WEB, options)
    with pytest.raises(LooseningRefusedError, match=rf"{WEB} would be loosened \({what}\): .* allow_downgrade"):
        applying.apply(wanted, allow_downgrade=reason)
    assert applying.ec2.modifications == []
    assert applying.apply(wanted, allow_downgrade="agent 1.2 calls IMDSv1").modified


def test_what_is_restored_keeps_the_stricter_value_and_takes_everything_else() -> None:
    applying = Applying()
    applying.ec2.add(WEB, RIGHT)
    outcome = applying.apply(LOOSER, keep_stricter=True)
    assert outcome.after.options == {**RIGHT, "httpPutResponseHopLimit": 2}
    assert applying.apply(LOOSER, keep_stricter=True, allow_downgrade="known").after.options == {**RIGHT, **LOOSER}


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
    assert (len(applying.ec2.describes), applying.clock.pauses) == (1, [])


def test_the_wait_pauses_before_its_first_describe() -> None:
    applying = Applying(pending_seconds=0.1)
    applying.ec2.add(WEB)
    applying.apply()
    assert len(applying.ec2.describes) == 2
    assert len(applying.clock.pauses) == 1


def test_without_a_wait_the_accepted_values_are_enough() -> None:
    applying = Applying(pending_seconds=1000)
    applying.ec2.add(WEB)
    outcome = applying.apply(wait=False)
    assert (outcome.verdict, outcome.left_something_to_wait_for) == (Verdict.APPLIED, True)
    assert outcome.after == observe(WEB, RIGHT, state="pending")
    assert (len(applying.ec2.describes), applying.elapsed) == (1, 0)


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


def test_applying_twice_sends_once() -> None:
    applying = Applying()
    applying.ec2.add(WEB)
    applying.apply()
    assert applying.apply().modified is False
    assert applying.ec2.modifications == [SENT]


def test_a_stopped_instance_that_complies_already_is_applied() -> None:
    applying = Applying()
    applying.ec2.add(WEB, RIGHT, instance_state="stopped")
    outcome = applying.apply()
    assert (outcome.verdict, outcome.modified) == (Verdict.APPLIED, False)
