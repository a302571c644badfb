"""Bring an account's defaults in a region onto the wanted values: read, send only what differs, read until it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ..errors import (
    AwsError,
    ConflictError,
    DeadlinePassedError,
    EngineGoneError,
    ImdsError,
    LooseningRefusedError,
    NotAppliedError,
    OutcomeUnknownError,
)
from ..rules.account_changes import (
    changed_twice,
    made_stricter,
    objection,
    timeout_reason,
    without_loosening_defaults,
)
from ..rules.account_defaults import AccountDefaults, default_changes, default_parameters
from ..rules.loosening import is_reason
from ..rules.options import Options
from .apply import ATTEMPTS
from .clock import Deadline
from .waiter import STALE_SECONDS, next_delay

POLL_SECONDS = 1.0
"""The least pause between two reads: EC2 allows two requests a second in an account and region, to all callers."""


class DefaultsCalls(Protocol):
    """What is needed of EC2: :class:`imds_provider.aws.account_defaults.AccountDefaultsApi`, or a fake."""

    region: str

    def read(self, deadline: Deadline) -> AccountDefaults: ...

    def modify(self, parameters: Options, deadline: Deadline) -> None: ...


@dataclass(frozen=True)
class DefaultsOutcome:
    """The defaults before and after.

    ``problem`` is what kept a change from being completed that EC2 has accepted, or may have.
    """

    before: AccountDefaults
    after: AccountDefaults
    problem: ImdsError | None = None


def apply_defaults(
    ec2: DefaultsCalls,
    wanted: Options,
    deadline: Deadline,
    *,
    allow_downgrade: object = None,
    keep_stricter: bool = False,
    found: Callable[[AccountDefaults], object] = lambda _: None,
) -> DefaultsOutcome:
    """Bring the defaults onto ``wanted`` and wait until EC2 shows them.

    Nothing is sent when nothing differs. When the answer to a modification is lost, a read decides whether it took
    effect before it is sent again.

    Args:
        ec2: EC2 in the account and region.
        wanted: the wanted defaults.
        deadline: after it, nothing more is sent or waited for.
        allow_downgrade: the reason why the defaults may be loosened; without one, such a change is refused.
        keep_stricter: whether, without a reason, what would loosen is left out instead.
        found: called with the defaults as first read, before anything is sent.

    Raises:
        ImdsError: only while nothing has been sent. From then on an error is the outcome's ``problem``: what was done
            must be recorded, whatever comes of it.
    """
    before = ec2.read(deadline)
    found(before)
    if keep_stricter and not is_reason(allow_downgrade):
        wanted = without_loosening_defaults(before.values, wanted)
    change = _Change(ec2, wanted, deadline, allow_downgrade, before, before)
    try:
        change.send()
        change.wait()
    except EngineGoneError:
        raise
    except ImdsError as error:
        if not change.sent:
            raise
        return DefaultsOutcome(before, change.seen, error)
    return DefaultsOutcome(before, change.seen)


@dataclass
class _Change:
    """A change of the defaults: as they were last seen, and whether a modification may have reached EC2."""

    ec2: DefaultsCalls
    wanted: Options
    deadline: Deadline
    allow_downgrade: object
    before: AccountDefaults
    seen: AccountDefaults
    sent: bool = False
    reapplied: bool = False

    def send(self) -> None:
        """Send what differs until EC2 answers, or a read shows, that it has accepted it."""
        for attempt in range(ATTEMPTS):
            if self._is_in_force():
                return
            try:
                self._send()
            except DeadlinePassedError:
                raise self._timeout() from None
            except OutcomeUnknownError as error:
                self.sent = True
                self._pause(attempt)
                self._read_again(error)
                # Reads may be late, so that even the last one proves nothing.
                if attempt == ATTEMPTS - 1 and not self._is_in_force():
                    raise _undecided(error) from None
            else:
                self.sent = True
                return

    def wait(self) -> None:
        """Read the defaults until they show, reapplying once what somebody else sets or an answer never shows."""
        if self._is_in_force():
            return
        clock = self.deadline.clock
        started = sent_at = clock.now()
        while True:
            self._read()
            if self._is_in_force():
                return
            if self.deadline.passed:
                raise self._timeout()
            stale = clock.now() - sent_at >= STALE_SECONDS
            if not self.reapplied and (stale or not self._may_be_old()):
                self._reapply()
                sent_at = clock.now()
            elif stale and not self._may_be_old():
                raise ConflictError(changed_twice(self.ec2.region, self.seen, self.wanted))
            self.deadline.sleep(max(POLL_SECONDS, next_delay(clock.now() - started)))

    def _is_in_force(self) -> bool:
        return not default_changes(self.seen.values, self.wanted)

    def _may_be_old(self) -> bool:
        """Whether the values that differ may be those from before, which an answer can show for a while."""
        differing = default_changes(self.seen.values, self.wanted)
        return all(self.seen.values[name] == self.before.values[name] for name in differing)

    def _send(self) -> None:
        """Send what differs. Every modification goes through here, so this is where one is refused."""
        refused = objection(self.ec2.region, self.seen, self.wanted, self.allow_downgrade)
        if refused is not None:
            raise refused
        self.ec2.modify(default_parameters(default_changes(self.seen.values, self.wanted)), self.deadline)

    def _reapply(self) -> None:
        self.reapplied = True
        try:
            self._send()
        except (OutcomeUnknownError, DeadlinePassedError):
            return  # the next read, or the deadline, decides
        except LooseningRefusedError:
            raise ConflictError(made_stricter(self.ec2.region, self.seen, self.wanted)) from None

    def _read(self) -> None:
        """Read the defaults; where the answer is lost they stay as they were last seen."""
        try:
            self.seen = self.ec2.read(self.deadline)
        except OutcomeUnknownError:
            return
        except DeadlinePassedError:
            raise self._timeout() from None

    def _read_again(self, error: AwsError) -> None:
        """Read whether a modification took effect whose answer was lost."""
        try:
            self.seen = self.ec2.read(self.deadline)
        except (DeadlinePassedError, OutcomeUnknownError):
            raise _undecided(error) from None

    def _pause(self, attempt: int) -> None:
        self.deadline.sleep(POLL_SECONDS * 2**attempt)

    def _timeout(self) -> NotAppliedError:
        return NotAppliedError(timeout_reason(self.ec2.region, self.wanted, self.seen, self.deadline.seconds))


def _undecided(error: AwsError) -> AwsError:
    return OutcomeUnknownError(f"{error} It may have taken effect: run `pulumi up` again to find out.", error.code)
