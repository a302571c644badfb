"""Bringing one instance onto the wanted options: read, send only what differs, wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from .errors import (
    DeadlinePassedError,
    Ec2Error,
    ImdsError,
    InstanceGoneError,
    InstanceMissingError,
    NotAppliedError,
    OutcomeUnknownError,
)
from .options import Options, OptionValue, modification
from .settling import (
    MISSING_GRACE_SECONDS,
    Deadline,
    NotSettledError,
    Observation,
    Verdict,
    judge,
    judge_accepted,
    judge_found,
    timeout_reason,
    wait,
)

ATTEMPTS = 4
"""How often a modification is sent when a describe shows that the one before had no effect."""

READ_AHEAD_SECONDS = 0.5
"""How old the observation may be that a modification is worked out from.

Values that ride along come from it, so what somebody changes in between would be undone: no longer than a look and a
modification take anyway.
"""


class Ec2Calls(Protocol):
    """What is needed of EC2: :class:`imds_provider.ec2.Ec2`, or a fake."""

    region: str

    def describe(
        self, instance_ids: Iterable[str], deadline: Deadline, *, max_age_seconds: float = 0.0
    ) -> Mapping[str, Observation]: ...

    def modify(
        self, instance_id: str, parameters: Options, deadline: Deadline
    ) -> tuple[str, Mapping[str, OptionValue]]: ...


@dataclass(frozen=True)
class Outcome:
    """The instance before and after, where it stands, and whether a modification was sent."""

    before: Observation
    after: Observation
    verdict: Verdict
    modified: bool

    @property
    def left_something_to_wait_for(self) -> bool:
        return self.modified or self.after.state != "applied"


def apply_options(
    ec2: Ec2Calls,
    instance_id: str,
    wanted: Options,
    deadline: Deadline,
    *,
    wait_until_applied: bool,
    missing_grace_seconds: float = MISSING_GRACE_SECONDS,
) -> Outcome:
    """Bring the instance onto ``wanted`` and wait until it is applied, or only until EC2 has taken it.

    Nothing is sent when nothing differs. When the answer to a modification is lost, a describe decides whether it
    took effect before it is sent again. Raises :class:`InstanceMissingError`, :class:`InstanceGoneError`,
    :class:`NotAppliedError` or another :class:`Ec2Error`.
    """
    before = find(
        ec2,
        instance_id,
        deadline,
        missing_grace_seconds=missing_grace_seconds,
        max_age_seconds=READ_AHEAD_SECONDS,
    )
    now, modified = _modify(ec2, before, wanted, deadline, missing_grace_seconds)
    done = judge if wait_until_applied else judge_accepted
    verdict = done(now, wanted)
    if verdict is Verdict.PENDING:
        try:
            settled = wait(
                lambda ids: ec2.describe(ids, deadline),
                {instance_id: wanted},
                deadline,
                place=ec2.region,
                judge=done,
                look_at_once=False,
            )
        except NotSettledError as error:
            raise _unsettled(error, instance_id) from None
        now, verdict = settled.observations[instance_id], settled.verdicts[instance_id]
    return Outcome(before, now, verdict, modified)


def _modify(
    ec2: Ec2Calls, now: Observation, wanted: Options, deadline: Deadline, missing_grace_seconds: float
) -> tuple[Observation, bool]:
    """Send what differs until EC2 says, or shows, that it has taken it. Also gives whether anything was sent."""
    sent = False
    problem: Ec2Error | None = None
    for attempt in range(ATTEMPTS):
        parameters = modification(now.options, wanted)
        if not parameters:
            return now, sent
        try:
            state, options = ec2.modify(now.instance_id, parameters, deadline)
            return replace(now, state=state, options={**now.options, **options}), True
        except DeadlinePassedError:
            raise NotAppliedError(timeout_reason(now.instance_id, wanted, now, deadline.seconds)) from None
        except (InstanceMissingError, OutcomeUnknownError) as error:
            # Missing: found a moment ago, so EC2 has yet to agree with itself about a new instance.
            sent = sent or isinstance(error, OutcomeUnknownError)
            problem = error
            deadline.clock.sleep(min(0.5 * 2**attempt, deadline.remaining()))
            try:
                now = find(ec2, now.instance_id, deadline, missing_grace_seconds=missing_grace_seconds)
            except NotAppliedError:
                raise (_undecided(error) if sent else error) from None
        except Ec2Error:
            # An instance that has ended since it was found is refused by one code or another: look what it is.
            find(ec2, now.instance_id, deadline, missing_grace_seconds=missing_grace_seconds)
            raise
    if problem is not None and modification(now.options, wanted):
        raise problem
    return now, sent


def find(
    ec2: Ec2Calls,
    instance_id: str,
    deadline: Deadline,
    *,
    missing_grace_seconds: float = MISSING_GRACE_SECONDS,
    max_age_seconds: float = 0.0,
) -> Observation:
    """The instance as it is, or was so many seconds ago, looking again for a while if EC2 does not know it.

    Raises :class:`InstanceMissingError`, :class:`InstanceGoneError`, or :class:`Ec2Error` when EC2 reports no
    metadata options of it, in which case nothing could be compared.
    """
    try:
        settled = wait(
            lambda ids: ec2.describe(ids, deadline, max_age_seconds=max_age_seconds),
            {instance_id: {}},
            deadline,
            place=ec2.region,
            judge=judge_found,
            missing_grace_seconds=missing_grace_seconds,
            patient=False,
        )
    except NotSettledError as error:
        raise _unsettled(error, instance_id) from None
    seen = settled.observations[instance_id]
    if not seen.options:
        raise Ec2Error(f"{instance_id}: EC2 in {ec2.region} reports no metadata options of it.")
    return seen


def _unsettled(error: NotSettledError, instance_id: str) -> ImdsError:
    unsettled = error.unsettled[instance_id]
    kinds: dict[str, type[ImdsError]] = {
        "gone": InstanceGoneError,
        "missing": InstanceMissingError,
        "timeout": NotAppliedError,
    }
    return kinds[unsettled.kind](unsettled.reason)


def _undecided(error: Ec2Error) -> Ec2Error:
    return OutcomeUnknownError(f"{error} It may have taken effect; running `pulumi up` again finds out.", error.code)
