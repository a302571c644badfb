"""An instance as EC2 shows it, and where it stands with respect to the options wanted of it.

Source: EC2 API reference, ``InstanceMetadataOptionsResponse`` (``State``) and ``InstanceState``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ..errors import ImdsError, InstanceGoneError, InstanceMissingError
from .options import Options, changes, unknown

STOPPED_STATES = frozenset({"stopping", "stopped"})
GONE_STATES = frozenset({"shutting-down", "terminated"})


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


@dataclass(frozen=True)
class WaitResult:
    """What each instance was last seen as, and the verdict or error that its wait ended with, by ID."""

    observations: dict[str, Observation]
    verdicts: dict[str, Verdict]
    errors: dict[str, ImdsError]

    def ids(self, verdict: Verdict) -> list[str]:
        """The IDs of the instances with that verdict, in order."""
        return sorted(instance_id for instance_id, found in self.verdicts.items() if found is verdict)

    @property
    def gone(self) -> list[str]:
        """The IDs of the instances that are terminated or do not exist, in order."""
        gone = (InstanceGoneError, InstanceMissingError)
        return sorted(instance_id for instance_id, error in self.errors.items() if isinstance(error, gone))


Judge = Callable[[Observation, Options], Verdict]


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
