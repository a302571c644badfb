"""Bringing one instance onto the wanted options: read, send only what differs, wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from ..errors import (
    AwsError,
    DeadlinePassedError,
    EngineGoneError,
    ImdsError,
    InstanceGoneError,
    InstanceMissingError,
    NotAppliedError,
    OutcomeUnknownError,
)
from ..rules.loosening import is_reason, require_reason, without_loosening
from ..rules.observation import (
    Judge,
    Observation,
    Verdict,
    judge,
    judge_accepted,
    judge_as_found,
    judge_found,
    unreported_reason,
)
from ..rules.options import Options, OptionValue, modification
from .clock import Deadline
from .waiter import MISSING_GRACE_SECONDS, NotSettledError, timeout_reason, wait

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
    """The instance before and after, where it stands, and whether a modification was sent.

    ``problem`` is what kept a change that EC2 has taken, or may have, from being seen through.
    """

    before: Observation
    after: Observation
    verdict: Verdict
    modified: bool
    problem: ImdsError | None = None

    @property
    def left_something_to_wait_for(self) -> bool:
        return self.modified or self.after.is_pending


def apply_options(
    ec2: Ec2Calls,
    instance_id: str,
    wanted: Options,
    deadline: Deadline,
    *,
    wait_until_applied: bool,
    allow_downgrade: object = None,
    keep_stricter: bool = False,
    missing_grace_seconds: float = MISSING_GRACE_SECONDS,
    found: Callable[[Observation], object] = lambda _: None,
) -> Outcome:
    """Bring the instance onto ``wanted`` and wait until it is applied, or only until EC2 has taken it.

    Nothing is sent when nothing differs, or when the change would loosen the instance and ``allow_downgrade`` gives no
    reason for that; with ``keep_stricter`` only what loosens is left out. When the answer to a modification is lost, a
    describe decides whether it took effect before it is sent again. ``found`` hears what the instance had before
    anything is sent.

    Raises :class:`LooseningRefusedError`, :class:`InstanceMissingError`, :class:`InstanceGoneError`,
    :class:`NotAppliedError` or another :class:`AwsError` while nothing has been sent. From then on an error is the
    outcome's ``problem``: what has been done must be recorded, whatever becomes of it.
    """
    before = find(
        ec2,
        instance_id,
        deadline,
        missing_grace_seconds=missing_grace_seconds,
        max_age_seconds=READ_AHEAD_SECONDS,
    )
    found(before)
    if keep_stricter and not is_reason(allow_downgrade):
        wanted = without_loosening(before.options, wanted)
    attempt = _Attempt(ec2, wanted, deadline, missing_grace_seconds, allow_downgrade, now=before)
    try:
        attempt.modify()
        verdict = attempt.wait(until_applied=wait_until_applied)
    except EngineGoneError:
        raise
    except ImdsError as error:
        if not attempt.sent:
            raise
        return Outcome(before, attempt.now, Verdict.PENDING, modified=True, problem=error)
    return Outcome(before, attempt.now, verdict, attempt.sent)


def send(
    ec2: Ec2Calls, seen: Observation, wanted: Options, deadline: Deadline, allow_downgrade: object = None
) -> Observation:
    """Send what differs, and give the instance as EC2 answers that it is now.

    Every modification goes through here, so this is where one that loosens is refused. Raises
    :class:`LooseningRefusedError`, or as ``ec2.modify`` does.
    """
    require_reason(seen.instance_id, seen.options, wanted, allow_downgrade)
    state, options = ec2.modify(seen.instance_id, modification(seen.options, wanted), deadline)
    return replace(seen, state=state, options={**seen.options, **options})


@dataclass
class _Attempt:
    """How far an instance has come: as it was last seen, and whether anything has been sent to it."""

    ec2: Ec2Calls
    wanted: Options
    deadline: Deadline
    missing_grace_seconds: float
    allow_downgrade: object
    now: Observation
    sent: bool = False

    def modify(self) -> None:
        """Send what differs until EC2 says, or shows, that it has taken it."""
        for attempt in range(ATTEMPTS):
            if not modification(self.now.options, self.wanted):
                return
            problem = self._send()
            if problem is None:
                return
            self.deadline.clock.sleep(min(0.5 * 2**attempt, self.deadline.remaining()))
            try:
                self._look()
            except NotAppliedError:
                raise (_undecided(problem) if self.sent else problem) from None
            if attempt == ATTEMPTS - 1 and modification(self.now.options, self.wanted):
                self.sent = False  # as far as EC2 shows, long after
                raise problem

    def _send(self) -> AwsError | None:
        """Send what differs once, and give what makes it worth another try."""
        try:
            self.now = send(self.ec2, self.now, self.wanted, self.deadline, self.allow_downgrade)
        except DeadlinePassedError:
            reason = timeout_reason(self.now.instance_id, self.wanted, self.now, self.deadline.seconds)
            raise NotAppliedError(reason) from None
        except InstanceMissingError as error:
            # Found a moment ago, so EC2 has yet to agree with itself about a new instance.
            return error
        except OutcomeUnknownError as error:
            self.sent = True
            return error
        except AwsError:
            # An instance that has ended since it was found is refused by one code or another: look what it is.
            self._look()
            raise
        self.sent = True
        return None

    def wait(self, *, until_applied: bool) -> Verdict:
        """Wait until the instance has its options, reapplying once what somebody else changes."""
        done = self._judge(until_applied=until_applied)
        verdict = done(self.now, self.wanted)
        if verdict is not Verdict.PENDING:
            return verdict
        instance_id = self.now.instance_id
        try:
            settled = wait(
                lambda ids: self.ec2.describe(ids, self.deadline),
                {instance_id: self.wanted},
                self.deadline,
                place=self.ec2.region,
                judge=done,
                look_at_once=False,
                reapply=lambda seen, wanted: send(self.ec2, seen, wanted, self.deadline, self.allow_downgrade),
            )
        except NotSettledError as error:
            self.now = error.observations.get(instance_id, self.now)
            raise _unsettled(error, instance_id) from None
        self.now = settled.observations[instance_id]
        return settled.verdicts[instance_id]

    def _judge(self, *, until_applied: bool) -> Judge:
        if not until_applied:
            return judge_accepted
        return judge if self.sent else judge_as_found

    def _look(self) -> None:
        self.now = find(self.ec2, self.now.instance_id, self.deadline, missing_grace_seconds=self.missing_grace_seconds)


def find(
    ec2: Ec2Calls,
    instance_id: str,
    deadline: Deadline,
    *,
    missing_grace_seconds: float = MISSING_GRACE_SECONDS,
    max_age_seconds: float = 0.0,
) -> Observation:
    """The instance as it is, or was so many seconds ago, looking again for a while if EC2 does not know it.

    Raises :class:`InstanceMissingError`, :class:`InstanceGoneError`, or :class:`AwsError` when EC2 reports no
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
        raise AwsError(unreported_reason(instance_id, ec2.region))
    return seen


def _unsettled(error: NotSettledError, instance_id: str) -> ImdsError:
    unsettled = error.unsettled[instance_id]
    kinds: dict[str, type[ImdsError]] = {
        "gone": InstanceGoneError,
        "missing": InstanceMissingError,
        "refused": AwsError,
        "timeout": NotAppliedError,
    }
    return kinds[unsettled.kind](unsettled.reason)


def _undecided(error: AwsError) -> AwsError:
    return OutcomeUnknownError(f"{error} It may have taken effect; running `pulumi up` again finds out.", error.code)
