"""Wait until EC2 knows instances, and until it shows the wanted options on them.

Sources: EC2 user guide, "Modify instance metadata options for existing instances" (the ``pending`` and ``applied``
states); API reference, ``InstanceState``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..errors import (
    AwsError,
    ConflictError,
    DeadlinePassedError,
    ImdsError,
    InstanceGoneError,
    InstanceMissingError,
    LooseningRefusedError,
    NotAppliedError,
    OutcomeUnknownError,
)
from ..rules.observation import Judge, Observation, Verdict, WaitResult, gone_reason, missing_reason
from ..rules.options import Options, changes, render
from .clock import Deadline

FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 2.0
MISSING_GRACE_SECONDS = 10.0
"""How long EC2 may not know an instance before it counts as missing: a new one takes seconds to appear."""
CONFIRM_MISSING_SECONDS = 1.5
"""The same for an instance that is known to have existed: long enough for several describes."""
STALE_SECONDS = 5.0
"""How long ``applied`` with other values may be an answer from before the change; after that somebody changed it."""

Describe = Callable[[Iterable[str]], Mapping[str, Observation]]
"""Describes instances by ID, and leaves out those that EC2 does not know."""


def next_delay(elapsed: float, jitter: Callable[[], float] = random.random) -> float:
    """Seconds until the next describe: a fifth of the time waited, from 0.25 to 2 s, varied by up to a tenth.

    In proportion to the time waited, so that a short wait is not made long by its last pause.
    """
    delay = min(max(FIRST_DELAY_SECONDS, elapsed / 5), LONGEST_DELAY_SECONDS)
    return delay * (0.9 + 0.2 * jitter())


def find_instances(
    describe: Describe, instance_ids: Iterable[str], deadline: Deadline, missing_grace_seconds: float
) -> dict[str, Observation]:
    """Describe instances until EC2 knows all of them, or ``missing_grace_seconds`` have passed since its first answer.

    Those that EC2 does not know by then are left out. Terminated ones are not.

    Raises:
        DeadlinePassedError: the deadline passed first.
        ImdsError: as ``describe`` does; nothing is retried here.
    """
    ids, clock = sorted(instance_ids), deadline.clock
    started = clock.now()
    found = dict(describe(ids))
    answered = clock.now()
    while missing := [each for each in ids if each not in found]:
        if clock.now() - answered >= missing_grace_seconds:
            break
        deadline.sleep(next_delay(clock.now() - started))
        if deadline.passed:
            raise DeadlinePassedError(
                f"{', '.join(missing)}: not found within {deadline.seconds:g} s. "
                "Run the same command again, or raise timeoutSeconds."
            )
        found.update(describe(missing))
    return found


def wait(
    describe: Describe,
    wanted: Mapping[str, Options],
    deadline: Deadline,
    *,
    region: str,
    judge: Judge,
    reapply: Callable[[Observation, Options], object],
    progress: Callable[[int, int, float], None] = lambda _applied, _pending, _seconds: None,
) -> WaitResult:
    """Describe the instances of ``wanted`` until ``judge`` finds none of them pending, or the deadline passes.

    Each describe asks only for those still pending. A lost answer is asked for again, so that a change that was sent
    is not lost sight of.

    Args:
        describe: describes instances.
        wanted: the wanted options of each instance, by ID.
        deadline: after it, instances that are still pending fail.
        region: where the instances are, for error messages.
        judge: judges one observation of an instance.
        reapply: sends the change again to an instance that somebody else changed. That happens once; an instance
            that is changed a second time fails.
        progress: called after each describe with how many instances are applied and pending, and the seconds waited.

    Raises:
        ImdsError: as ``describe`` does. What is wrong with single instances is in the result's ``errors``.
    """
    clock = deadline.clock
    started = clock.now()
    state = _WaitState(wanted, judge, region)
    while state.pending:
        try:
            found = describe(tuple(state.pending))
        except DeadlinePassedError:
            break
        except OutcomeUnknownError:
            if deadline.passed:
                raise
        else:
            state.update(found, clock.now())
            progress(len(state.result.verdicts), len(state.pending), clock.now() - started)
            state.reapply(reapply, clock.now())
        if deadline.passed:
            break
        if state.pending:
            deadline.sleep(next_delay(clock.now() - started))
    state.time_out(deadline.seconds)
    return state.result


@dataclass
class _Pending:
    """An instance that is waited for. Times are those of the clock."""

    instance_id: str
    wanted: Options
    seen: Observation | None = None
    missing_since: float | None = None
    differs_since: float | None = None
    """Since when EC2 has shown other values as applied."""
    reapplied: bool = False


class _WaitState:
    """The instances still pending, and what became of the others."""

    def __init__(self, wanted: Mapping[str, Options], judge: Judge, region: str) -> None:
        self.pending = {instance_id: _Pending(instance_id, options) for instance_id, options in wanted.items()}
        self.result = WaitResult({}, {}, {})
        self._judge = judge
        self._region = region

    def update(self, found: Mapping[str, Observation], now: float) -> None:
        """Judge everything pending by one describe."""
        for instance in tuple(self.pending.values()):
            seen = found.get(instance.instance_id)
            if seen is None:
                self._missing(instance, now)
            else:
                self._seen(instance, seen, now)

    def _missing(self, instance: _Pending, now: float) -> None:
        if instance.missing_since is None:
            instance.missing_since = now
        if now - instance.missing_since >= MISSING_GRACE_SECONDS:
            self._fail(instance, InstanceMissingError(missing_reason(instance.instance_id, self._region)))

    def _seen(self, instance: _Pending, seen: Observation, now: float) -> None:
        instance.seen = self.result.observations[instance.instance_id] = seen
        instance.missing_since = None
        if seen.is_pending or not changes(seen.options, instance.wanted):
            instance.differs_since = None
        elif instance.differs_since is None:
            instance.differs_since = now
        verdict = self._judge(seen, instance.wanted)
        if verdict is Verdict.GONE:
            self._fail(instance, InstanceGoneError(gone_reason(seen)))
        elif verdict is not Verdict.PENDING:
            self.result.verdicts[instance.instance_id] = verdict
            del self.pending[instance.instance_id]

    def reapply(self, send: Callable[[Observation, Options], object], now: float) -> None:
        """Send the change again to instances that have differed for so long that it is no old answer."""
        for instance in tuple(self.pending.values()):
            seen, since = instance.seen, instance.differs_since
            if seen is None or since is None or now - since < STALE_SECONDS:
                continue
            if instance.reapplied:
                self._fail(instance, ConflictError(changed_twice(seen, instance.wanted)))
                continue
            instance.reapplied, instance.differs_since = True, now
            try:
                send(seen, instance.wanted)
            except (OutcomeUnknownError, DeadlinePassedError):
                return  # the next describe, or the deadline, decides
            except LooseningRefusedError:
                self._fail(instance, ConflictError(made_stricter(seen, instance.wanted)))
            except AwsError as error:
                self._fail(instance, error)

    def time_out(self, seconds: float) -> None:
        """Fail everything still pending."""
        for instance in tuple(self.pending.values()):
            reason = timeout_reason(instance.instance_id, instance.wanted, instance.seen, seconds)
            self._fail(instance, NotAppliedError(reason))

    def _fail(self, instance: _Pending, error: ImdsError) -> None:
        self.result.errors[instance.instance_id] = error
        del self.pending[instance.instance_id]


def made_stricter(seen: Observation, wanted: Options) -> str:
    """Report an instance that somebody else has made stricter than wanted since it was changed."""
    return (
        f"{seen.instance_id} was changed by somebody else during the wait, to {_instead_of(seen, wanted)}, which is "
        "stricter and is kept. Agree on one value, then run `pulumi up` again."
    )


def changed_twice(seen: Observation, wanted: Options) -> str:
    """Report an instance that somebody else changes as often as it is changed here."""
    return (
        f"{seen.instance_id} was changed twice by somebody else during the wait, the last time to "
        f"{_instead_of(seen, wanted)}: another stack, tool or person manages the same options. Agree on one owner, "
        "then run `pulumi up` again."
    )


def timeout_reason(instance_id: str, wanted: Options, seen: Observation | None, seconds: float) -> str:
    """Report an instance that did not have the wanted options in time."""
    last = f"{render(seen.options)} (state {seen.state}, instance {seen.instance_state})" if seen else "nothing"
    return (
        f"{instance_id} did not reach {render(wanted)} within {seconds:g} s; last seen: {last}. "
        "Run the same command again to go on waiting; a larger timeoutSeconds helps only if EC2 is slow."
    )


def _instead_of(seen: Observation, wanted: Options) -> str:
    """The instance's own values of the options that differ from the wanted ones."""
    return render({name: seen.options[name] for name in changes(seen.options, wanted)})
