"""The loop that waits until instances have the wanted options.

Sources: EC2 user guide, "Modify instance metadata options for existing instances" (the ``pending`` and ``applied``
states); API reference, ``InstanceState``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..errors import AwsError, DeadlinePassedError, LooseningRefusedError, OutcomeUnknownError
from ..rules.observation import Judge, Observation, Settled, Verdict, gone_reason, judge, missing_reason
from ..rules.options import Options, changes, render
from .clock import Deadline

FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 2.0
MISSING_GRACE_SECONDS = 10.0
"""How long EC2 may not know an instance before it counts as not existing: a new one takes seconds to appear."""
CONFIRM_MISSING_SECONDS = 1.5
"""The same for an instance that is known to have existed: long enough for several looks."""
STRAYED_SECONDS = 5.0
"""How long ``applied`` with other values may be an answer from before the change; after that somebody changed it."""


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


def next_delay(elapsed: float, jitter: Callable[[], float] = random.random) -> float:
    """Seconds until the next look: a fifth of the time waited so far, from 0.25 to 2 s, varied by up to a tenth.

    In proportion to the time waited, so that a short wait is not made long by its last pause.
    """
    delay = min(max(FIRST_DELAY_SECONDS, elapsed / 5), LONGEST_DELAY_SECONDS)
    return delay * (0.9 + 0.2 * jitter())


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
        except AwsError as error:
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


def timeout_reason(instance_id: str, wanted: Options, seen: Observation | None, seconds: float) -> str:
    """The sentence for an instance that did not settle in time: wanted, last seen, what to do."""
    last = f"{render(seen.options)} (state {seen.state}, instance {seen.instance_state})" if seen else "nothing of it"
    reach = f"reach {render(wanted)}" if wanted else "show up"
    return (
        f"{instance_id} did not {reach} within {seconds:g} s; last seen: {last}. "
        "Run the same command again: it goes on waiting. A larger timeoutSeconds helps if EC2 is only slow."
    )
