"""When an instance has settled on the wanted options, and the loop that waits until all of them have.

Pure but for the clock and the look at EC2, both of which are handed in.

Sources: EC2 user guide, "Modify instance metadata options for existing instances" (the ``pending`` and ``applied``
states); API reference, ``InstanceState``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Literal, Protocol

from .errors import DeadlinePassedError, Ec2Error, LooseningRefusedError, OutcomeUnknownError
from .options import Options, changes, render, unknown

STOPPED_STATES = frozenset({"stopping", "stopped"})
GONE_STATES = frozenset({"shutting-down", "terminated"})

FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 2.0
MISSING_GRACE_SECONDS = 10.0
"""How long EC2 may not know an instance before it counts as not existing: a new one takes seconds to appear."""
CONFIRM_MISSING_SECONDS = 1.5
"""The same for an instance that is known to have existed: long enough for several looks."""
STRAYED_SECONDS = 5.0
"""How long ``applied`` with other values may be an answer from before the change; after that somebody changed it."""


@dataclass(frozen=True)
class Observation:
    """An instance as one answer of EC2 showed it.

    ``instance_state`` is EC2's instance state name; ``state`` is that of its metadata options, ``pending`` or
    ``applied``; ``owner_id`` is the id of the account that the instance belongs to; ``launched_at`` is its last start.
    """

    instance_id: str
    instance_state: str
    state: str
    options: Options
    owner_id: str = ""
    launched_at: datetime | None = None

    @property
    def is_pending(self) -> bool:
        """Whether EC2 says that a change has yet to apply; it does not where it gives no state at all."""
        return self.state not in ("applied", "")


class Verdict(Enum):
    """Where an instance stands with respect to the options wanted of it."""

    APPLIED = "applied"
    PENDING = "pending"
    """Not yet: the only verdict that the loop goes on after."""
    PENDING_START = "pending-start"
    """Accepted, and in force from the next start of an instance that is stopped."""
    UNKNOWN = "unknown"
    """EC2 does not report a wanted option, or reports a value that this version does not know."""
    GONE = "gone"
    """Terminated or about to be."""


def judge(seen: Observation, wanted: Options, *, changed: bool = True) -> Verdict:
    """Judge one observation of an instance.

    ``applied`` alone proves nothing, since an answer from before the change still says it: the values must be seen
    too. Where EC2 gives no state at all, the values decide. A stopped instance is not waited for. If its options were
    ``changed``, they apply at its next start, whatever the state says: an answer of AWS is on record that shows
    ``applied`` there.
    """
    if seen.instance_state in GONE_STATES:
        return Verdict.GONE
    differs = bool(changes(seen.options, wanted))
    stopped = seen.instance_state in STOPPED_STATES
    if stopped and (changed or differs or seen.is_pending):
        return Verdict.PENDING_START
    if differs or seen.is_pending:
        return Verdict.PENDING
    return Verdict.UNKNOWN if unknown(seen.options, wanted) else Verdict.APPLIED


def judge_as_found(seen: Observation, wanted: Options) -> Verdict:
    """Judge an instance that nothing was sent to."""
    return judge(seen, wanted, changed=False)


def judge_accepted(seen: Observation, wanted: Options) -> Verdict:
    """Judge whether EC2 has taken the values, for a change that something else waits for."""
    verdict = judge(seen, wanted)
    if verdict is Verdict.PENDING and not changes(seen.options, wanted):
        return Verdict.APPLIED
    return verdict


def judge_found(seen: Observation, _wanted: Options) -> Verdict:
    """Judge whether the instance is there at all and can take options."""
    return Verdict.GONE if seen.instance_state in GONE_STATES else Verdict.APPLIED


class Clock(Protocol):
    """Time as the loop sees it: seconds from an arbitrary start, and a pause that may end early by raising."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class Deadline:
    """A point in time after which nothing more is sent or waited for."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self._end = clock.now() + seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - self.clock.now())

    @property
    def passed(self) -> bool:
        return self.remaining() == 0.0


Kind = Literal["gone", "missing", "refused", "timeout"]


@dataclass(frozen=True)
class Unsettled:
    """Why an instance did not settle: ``kind`` for the program, ``reason`` as a sentence for a person."""

    kind: Kind
    reason: str


class NotSettledError(Exception):
    """The wait ended with instances that have not settled, and never will or not in time."""

    def __init__(self, unsettled: Mapping[str, Unsettled], observations: Mapping[str, Observation]) -> None:
        self.unsettled = dict(unsettled)
        self.observations = dict(observations)
        super().__init__(" ".join(each.reason for each in self.unsettled.values()))


@dataclass(frozen=True)
class Settled:
    """What was last seen of every instance, and what it means."""

    observations: Mapping[str, Observation]
    verdicts: Mapping[str, Verdict]

    def ids(self, verdict: Verdict) -> list[str]:
        """The instances with that verdict, in order of their ids."""
        return sorted(instance_id for instance_id, found in self.verdicts.items() if found is verdict)


def next_delay(elapsed: float, jitter: Callable[[], float] = random.random) -> float:
    """Seconds until the next look: a fifth of the time waited so far, from 0.25 to 2 s, varied by up to a tenth.

    In proportion to the time waited, so that a short wait is not made long by its last pause.
    """
    delay = min(max(FIRST_DELAY_SECONDS, elapsed / 5), LONGEST_DELAY_SECONDS)
    return delay * (0.9 + 0.2 * jitter())


Judge = Callable[[Observation, Options], Verdict]


class _Roll:
    """Who is still pending, and what became of the others."""

    def __init__(self, wanted: Mapping[str, Options], judge: Judge, place: str, *, may_go: bool) -> None:
        self.pending = dict(wanted)
        self.unsettled: dict[str, Unsettled] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.last_seen: dict[str, Observation] = {}
        self._judge = judge
        self._place = place
        self._may_go = may_go
        self._missing_since: dict[str, float] = {}
        self._strayed_since: dict[str, float] = {}
        self._reapplied: set[str] = set()

    def call(self, found: Mapping[str, Observation], now: float, missing_grace_seconds: float) -> None:
        """Judge everyone pending by one look."""
        for instance_id, options in tuple(self.pending.items()):
            seen = found.get(instance_id)
            if seen is not None:
                self._missing_since.pop(instance_id, None)
                self.last_seen[instance_id] = seen
                if not _strays(seen, options):
                    self._strayed_since.pop(instance_id, None)
                verdict = self._judge(seen, options)
                if verdict is Verdict.GONE and not self._may_go:
                    self.give_up(instance_id, "gone", gone_reason(seen))
                elif verdict is not Verdict.PENDING:
                    self._settle(instance_id, verdict)
            elif now - self._missing_since.setdefault(instance_id, now) < missing_grace_seconds:
                continue
            elif self._may_go:
                self._settle(instance_id, Verdict.GONE)
            else:
                self.give_up(instance_id, "missing", missing_reason(instance_id, self._place))

    def _settle(self, instance_id: str, verdict: Verdict) -> None:
        self.verdicts[instance_id] = verdict
        del self.pending[instance_id]

    def strayed(self, now: float) -> list[Observation]:
        """Those to reapply the change to: they have had other values for so long that it is no old answer.

        Each is given once. One that strays again is given up: somebody else decides it too.
        """
        found = []
        for instance_id, options in tuple(self.pending.items()):
            seen = self.last_seen.get(instance_id)
            if seen is None or not _strays(seen, options):
                continue
            if now - self._strayed_since.setdefault(instance_id, now) < STRAYED_SECONDS:
                continue
            if instance_id in self._reapplied:
                self.give_up(instance_id, "refused", contested_reason(seen, options))
                continue
            self._strayed_since[instance_id] = now
            self._reapplied.add(instance_id)
            found.append(seen)
        return found

    def time_out(self, seconds: float) -> None:
        """Give up on everyone who is still pending."""
        for instance_id, options in tuple(self.pending.items()):
            reason = timeout_reason(instance_id, options, self.last_seen.get(instance_id), seconds)
            self.give_up(instance_id, "timeout", reason)

    def give_up(self, instance_id: str, kind: Kind, reason: str) -> None:
        self.unsettled[instance_id] = Unsettled(kind, reason)
        del self.pending[instance_id]


def _strays(seen: Observation, wanted: Options) -> bool:
    return not seen.is_pending and bool(changes(seen.options, wanted))


def wait(
    look: Callable[[Iterable[str]], Mapping[str, Observation]],
    wanted: Mapping[str, Options],
    deadline: Deadline,
    *,
    place: str,
    judge: Judge = judge,
    missing_grace_seconds: float = MISSING_GRACE_SECONDS,
    look_at_once: bool = True,
    patient: bool = True,
    may_go: bool = False,
    reapply: Callable[[Observation, Options], object] | None = None,
    progress: Callable[[int, int, float], None] = lambda _settled, _total, _seconds: None,
) -> Settled:
    """Look again and again at the instances of ``wanted`` until ``judge`` finds none of them pending.

    Each look asks only for those still pending; ``look`` leaves out an instance that EC2 does not know. ``place``
    names the region for the person who reads the error. ``progress`` hears how many have settled, of how many, after
    how many seconds. With ``look_at_once`` false the loop pauses first, for when the change has only just been made.
    With ``patient`` a look whose answer is lost is made again, since what has been changed must not be lost sight of.
    With ``may_go`` an instance that is gone is no failure; its verdict says so.
    ``reapply`` sends the change again to an instance that somebody else has changed. That happens once: an instance
    that is changed a second time has two deciders, and fails.

    Raises :class:`NotSettledError` once nothing is pending any more or the deadline has passed, if any instance is
    gone, stays unknown to EC2 for ``missing_grace_seconds``, cannot be reapplied, or is still pending.
    """
    clock = deadline.clock
    started = clock.now()
    roll = _Roll(wanted, judge, place, may_go=may_go)
    if not look_at_once:
        clock.sleep(min(next_delay(0), deadline.remaining()))
    while roll.pending:
        try:
            found = look(tuple(roll.pending))
        except DeadlinePassedError:
            roll.time_out(deadline.seconds)
            break
        except OutcomeUnknownError:
            if deadline.passed or not patient:
                raise
            found = None
        elapsed = clock.now() - started
        if found is not None:
            roll.call(found, started + elapsed, missing_grace_seconds)
            progress(len(roll.verdicts), len(wanted), elapsed)
            _reapply(roll, started + elapsed, reapply)
        if deadline.passed:
            roll.time_out(deadline.seconds)
        if roll.pending:
            clock.sleep(min(next_delay(elapsed), deadline.remaining()))
    if roll.unsettled:
        raise NotSettledError(roll.unsettled, roll.last_seen)
    return Settled(roll.last_seen, roll.verdicts)


def _reapply(roll: _Roll, now: float, reapply: Callable[[Observation, Options], object] | None) -> None:
    if reapply is None:
        return
    for seen in roll.strayed(now):
        try:
            reapply(seen, roll.pending[seen.instance_id])
        except (OutcomeUnknownError, DeadlinePassedError):
            return  # the next look, or the deadline, decides
        except LooseningRefusedError:
            roll.give_up(seen.instance_id, "refused", tightened_reason(seen, roll.pending[seen.instance_id]))
        except Ec2Error as error:
            roll.give_up(seen.instance_id, "refused", str(error))


def tightened_reason(seen: Observation, wanted: Options) -> str:
    """The sentence for an instance that somebody else has made stricter since it was changed."""
    return (
        f"{seen.instance_id} was changed by somebody else while it was waited for, to "
        f"{render(_in_their_place(seen, wanted))}, which is stricter and stays. Agree on one of them, then run "
        "`pulumi up` again."
    )


def contested_reason(seen: Observation, wanted: Options) -> str:
    """The sentence for an instance that somebody else changes as often as it is changed here."""
    return (
        f"{seen.instance_id} was changed twice by somebody else while it was waited for, the last time to "
        f"{render(_in_their_place(seen, wanted))}: another stack, tool or person decides the same options. "
        "Agree on one of them, then run `pulumi up` again."
    )


def _in_their_place(seen: Observation, wanted: Options) -> Options:
    """What the instance has in place of the wanted values."""
    return {name: seen.options[name] for name in changes(seen.options, wanted)}


def missing_reason(instance_id: str, place: str) -> str:
    """The sentence for an instance that EC2 does not know."""
    return (
        f"{instance_id} does not exist in {place}: check the id, the region and the account, "
        "or run `pulumi refresh` if the program launched it and it was terminated."
    )


def unreported_reason(instance_id: str, place: str) -> str:
    """The sentence for an instance of which nothing can be compared."""
    return f"{instance_id}: EC2 in {place} reports no metadata options of it, so they cannot be compared or changed."


def gone_reason(seen: Observation) -> str:
    """The sentence for an instance that cannot take options any more."""
    return (
        f"{seen.instance_id} is {seen.instance_state}: its metadata options cannot be changed any more. "
        "Take it out of the program, or run `pulumi refresh` if the program launched it."
    )


def timeout_reason(instance_id: str, wanted: Options, seen: Observation | None, seconds: float) -> str:
    """The sentence for an instance that did not settle in time: wanted, last seen, what to do."""
    last = f"{render(seen.options)} (state {seen.state}, instance {seen.instance_state})" if seen else "nothing of it"
    reach = f"reach {render(wanted)}" if wanted else "show up"
    return (
        f"{instance_id} did not {reach} within {seconds:g} s; last seen: {last}. "
        "Run the same command again: it goes on waiting. A larger timeoutSeconds helps if EC2 is only slow."
    )
