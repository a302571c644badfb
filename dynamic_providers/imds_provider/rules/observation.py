"""An instance as EC2 shows it, and how that compares with the wanted options.

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
    ``applied``; ``owner_id`` is the ID of its account; ``launched_at`` is its last start; ``operator`` is the AWS
    service that manages it, such as ``eks.amazonaws.com``, if one does; ``autoscaling_group`` is the name of the group
    that it belongs to, if any; ``name`` is its Name tag.
    """

    instance_id: str
    instance_state: str
    state: str
    options: Options
    owner_id: str = ""
    launched_at: datetime | None = None
    operator: str = ""
    autoscaling_group: str = ""
    name: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether EC2 says that a change has yet to apply. Without a state it does not."""
        return self.state not in ("applied", "")


class Verdict(Enum):
    """How an instance compares with the wanted options."""

    APPLIED = "applied"
    PENDING = "pending"
    """Not yet: the only verdict after which a wait continues."""
    PENDING_START = "pending-start"
    """Accepted by EC2; applies when the stopped instance starts."""
    UNKNOWN = "unknown"
    """EC2 does not report a wanted option, or reports a value that this version does not know."""
    GONE = "gone"
    """Terminated or shutting down."""


def judge(seen: Observation, wanted: Options, *, changed: bool = True) -> Verdict:
    """Judge one observation of an instance.

    ``applied`` alone proves nothing, since an answer from before the change still says it: the values must be seen
    too. Without a state, the values decide. A stopped instance is not waited for. If its options were ``changed``,
    they apply at its next start whatever the state says: AWS has been seen to answer ``applied`` there.
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
    """Judge whether EC2 has accepted the values, for a change that something else waits for."""
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


def missing_reason(instance_id: str, region: str) -> str:
    """Report an instance that EC2 does not know."""
    return (
        f"{instance_id} does not exist in {region}: check the ID, the region and the account, "
        "or run `pulumi refresh` if the program launched it and it was terminated."
    )


def unreported_reason(instance_id: str, region: str) -> str:
    """Report an instance whose options cannot be compared."""
    return f"{instance_id}: EC2 in {region} reports no metadata options, so they cannot be compared or changed."


def gone_reason(seen: Observation) -> str:
    """Report an instance that is terminated or shutting down."""
    return (
        f"{seen.instance_id} is {seen.instance_state}: its metadata options can no longer be changed. "
        "Remove it from the program, or run `pulumi refresh` if the program launched it."
    )
