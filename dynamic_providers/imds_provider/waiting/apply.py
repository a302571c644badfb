"""Bring one instance onto the wanted options: read, send only what differs, wait."""

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
    GONE_STATES,
    Judge,
    Observation,
    Verdict,
    gone_reason,
    judge,
    judge_accepted,
    judge_as_found,
    missing_reason,
    unreported_reason,
)
from ..rules.options import Options, OptionValue, modification
from .clock import Deadline
from .waiter import MISSING_GRACE_SECONDS, find_instances, next_delay, timeout_reason, wait

ATTEMPTS = 4
"""How often a modification is sent while describes show that the one before had no effect."""


class Ec2Calls(Protocol):
    """What is needed of EC2: :class:`imds_provider.aws.ec2.Ec2`, or a fake."""

    region: str

    def describe(self, instance_ids: Iterable[str], deadline: Deadline) -> Mapping[str, Observation]: ...

    def describe_ahead(self, instance_id: str, deadline: Deadline) -> Mapping[str, Observation]:
        """Describe an instance as it was a moment ago; the answer may hold others."""

    def modify(
        self, instance_id: str, parameters: Options, deadline: Deadline
    ) -> tuple[str, Mapping[str, OptionValue]]: ...


@dataclass(frozen=True)
class Outcome:
    """The instance before and after, its verdict, and whether a modification was sent.

    ``problem`` is what kept a change from being completed that EC2 has accepted, or may have.
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
    """Bring the instance onto ``wanted`` and wait until it is applied, or only until EC2 has accepted it.

    Nothing is sent when nothing differs. When the answer to a modification is lost, a describe decides whether it
    took effect before it is sent again.

    Args:
        ec2: EC2 in the instance's region.
        instance_id: the instance.
        wanted: the wanted options.
        deadline: after it, nothing more is sent or waited for.
        wait_until_applied: whether to wait until the options are applied.
        allow_downgrade: the reason why the instance may be loosened; without one, such a change is refused.
        keep_stricter: whether, without a reason, what would loosen is left out instead.
        missing_grace_seconds: how long EC2 may not know the instance.
        found: called with the instance as first described, before anything is sent.

    Raises:
        ImdsError: only while nothing has been sent. From then on an error is the outcome's ``problem``: what was done
            must be recorded, whatever comes of it.
    """
    before = find(ec2, instance_id, deadline, missing_grace_seconds=missing_grace_seconds, ahead=True)
    found(before)
    if keep_stricter and not is_reason(allow_downgrade):
        wanted = without_loosening(before.options, wanted)
    change = _Change(ec2, wanted, deadline, missing_grace_seconds, allow_downgrade, seen=before)
    try:
        change.send()
        verdict = change.wait(until_applied=wait_until_applied)
    except EngineGoneError:
        raise
    except ImdsError as error:
        if not change.sent:
            raise
        return Outcome(before, change.seen, Verdict.PENDING, modified=True, problem=error)
    return Outcome(before, change.seen, verdict, change.sent)


def send(
    ec2: Ec2Calls, seen: Observation, wanted: Options, deadline: Deadline, allow_downgrade: object = None
) -> Observation:
    """Send what differs, and return the instance as EC2 answers that it is now.

    Every modification goes through here, so this is where one that loosens is refused.

    Raises:
        LooseningRefusedError: the change would loosen the instance, and ``allow_downgrade`` gives no reason.
        ImdsError: as ``ec2.modify`` does.
    """
    require_reason(seen.instance_id, seen.options, wanted, allow_downgrade)
    state, options = ec2.modify(seen.instance_id, modification(seen.options, wanted), deadline)
    return replace(seen, state=state, options={**seen.options, **options})


def find(
    ec2: Ec2Calls,
    instance_id: str,
    deadline: Deadline,
    *,
    missing_grace_seconds: float = MISSING_GRACE_SECONDS,
    ahead: bool = False,
) -> Observation:
    """Describe the instance, again for a while if EC2 does not know it; ``ahead`` of a change, as of a moment ago.

    Raises:
        InstanceMissingError: EC2 does not know it.
        InstanceGoneError: it is terminated or shutting down.
        AwsError: EC2 reports no metadata options of it, so nothing can be compared, or refuses the call.
        DeadlinePassedError: the deadline passed first.
    """

    def describe(ids: Iterable[str]) -> Mapping[str, Observation]:
        return ec2.describe_ahead(instance_id, deadline) if ahead else ec2.describe(ids, deadline)

    found = find_instances(describe, [instance_id], deadline, missing_grace_seconds)
    seen = found.get(instance_id)
    if seen is None:
        raise InstanceMissingError(missing_reason(instance_id, ec2.region))
    if seen.instance_state in GONE_STATES:
        raise InstanceGoneError(gone_reason(seen))
    if not seen.options:
        raise AwsError(unreported_reason(instance_id, ec2.region))
    return seen


@dataclass
class _Change:
    """A change of one instance: as it was last seen, and whether a modification may have reached EC2."""

    ec2: Ec2Calls
    wanted: Options
    deadline: Deadline
    missing_grace_seconds: float
    allow_downgrade: object
    seen: Observation
    sent: bool = False

    def send(self) -> None:
        """Send what differs until EC2 answers, or a describe shows, that it has accepted it."""
        for attempt in range(ATTEMPTS):
            if not modification(self.seen.options, self.wanted):
                return
            error = self._send_once()
            if error is None:
                return
            self.deadline.sleep(0.5 * 2**attempt)
            try:
                self._describe()
            except DeadlinePassedError:
                raise (_undecided(error) if self.sent else error) from None
            if attempt == ATTEMPTS - 1 and modification(self.seen.options, self.wanted):
                self.sent = False  # as far as EC2 shows, long after
                raise error

    def _send_once(self) -> AwsError | None:
        """Send what differs, and return an error after which it may be sent again."""
        try:
            self.seen = self._send(self.seen, self.wanted)
        except DeadlinePassedError:
            reason = timeout_reason(self.seen.instance_id, self.wanted, self.seen, self.deadline.seconds)
            raise NotAppliedError(reason) from None
        except InstanceMissingError as error:
            # It was found a moment ago, so EC2 does not yet agree with itself about a new instance.
            return error
        except OutcomeUnknownError as error:
            self.sent = True
            return error
        except AwsError:
            # EC2 refuses an instance that was terminated since with one code or another: that error says it better.
            self._describe()
            raise
        self.sent = True
        return None

    def wait(self, *, until_applied: bool) -> Verdict:
        """Wait until the instance has its options, reapplying once what somebody else changes."""
        done = self._judge(until_applied=until_applied)
        verdict = done(self.seen, self.wanted)
        if verdict is not Verdict.PENDING:
            return verdict
        self.deadline.sleep(next_delay(0))  # EC2 has only just answered
        instance_id = self.seen.instance_id
        result = wait(
            lambda ids: self.ec2.describe(ids, self.deadline),
            {instance_id: self.wanted},
            self.deadline,
            region=self.ec2.region,
            judge=done,
            reapply=self._send,
        )
        self.seen = result.observations.get(instance_id, self.seen)
        if instance_id in result.errors:
            raise result.errors[instance_id]
        return result.verdicts[instance_id]

    def _judge(self, *, until_applied: bool) -> Judge:
        if not until_applied:
            return judge_accepted
        return judge if self.sent else judge_as_found

    def _send(self, seen: Observation, wanted: Options) -> Observation:
        return send(self.ec2, seen, wanted, self.deadline, self.allow_downgrade)

    def _describe(self) -> None:
        self.seen = find(
            self.ec2, self.seen.instance_id, self.deadline, missing_grace_seconds=self.missing_grace_seconds
        )


def _undecided(error: AwsError) -> AwsError:
    return OutcomeUnknownError(f"{error} It may have taken effect: run `pulumi up` again to find out.", error.code)
