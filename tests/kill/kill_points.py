"""Where a run is killed: in which operation, at which call to EC2, at which moment of it, and which process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, get_args

from localcloud.faults import Fault

Operation = Literal["create", "update", "delete"]
Moment = Literal["unsent", "unanswered", "answered"]
"""Of a call: ``unsent``, so that EC2 never carries it out; carried out but ``unanswered``; or ``answered``, without
anybody having acted on the answer."""
Victim = Literal["host", "engine"]

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
MOMENTS: tuple[Moment, ...] = get_args(Moment)
VICTIMS: tuple[Victim, ...] = get_args(Victim)

DESCRIBE, MODIFY = "DescribeInstances", "ModifyInstanceMetadataOptions"
READ_DEFAULTS, MODIFY_DEFAULTS = "GetInstanceMetadataDefaults", "ModifyInstanceMetadataDefaults"
A, B = "i-aaaaaaaaaaaaaaaaa", "i-bbbbbbbbbbbbbbbbb"
ACCOUNT = "account"
"""Stands for the account's defaults where an instance ID stands for its options."""

HOLD_SECONDS = 1.5
"""How long EC2 holds a call: the time that a host whose engine is killed has to notice before it calls again."""
ANSWER_SECONDS = 0.5
"""The same if the answer is to arrive: long enough to stop the victim before it does."""


@dataclass(frozen=True)
class Call:
    """A call that an operation makes: a modification by its instance, a read by its number in the run.

    ``moments`` are those at which runs are killed.
    """

    action: str
    instance: str | None = None
    nth: int = 1
    moments: tuple[Moment, ...] = MOMENTS

    @property
    def modifies(self) -> str | None:
        """What the call modifies, if it does: an instance, or the account."""
        return ACCOUNT if self.action == MODIFY_DEFAULTS else self.instance


CALLS: Mapping[str, Call] = {
    "survey": Call(DESCRIBE),
    "find": Call(DESCRIBE, nth=2),
    "modify-a": Call(MODIFY, instance=A),
    "modify-b": Call(MODIFY, instance=B),
    "first-poll": Call(DESCRIBE, nth=3),
    "last-poll": Call(DESCRIBE, nth=4),
    "restore": Call(DESCRIBE),
    "modify-account": Call(MODIFY_DEFAULTS, moments=("unanswered",)),
    "poll-account": Call(READ_DEFAULTS, nth=2, moments=("unanswered",)),
}
"""The survey is the program's; a delete has none, since its instance is no longer in the program.

The account's resource runs beside those of the instances, so their kill points hit it at other moments.
"""
_ACCOUNT = ("modify-account", "poll-account")
_CREATE_OR_UPDATE = (*_ACCOUNT, "survey", "find", "modify-a", "modify-b", "first-poll", "last-poll")
CALLS_OF: Mapping[Operation, tuple[str, ...]] = {
    "create": _CREATE_OR_UPDATE,
    "update": _CREATE_OR_UPDATE,
    "delete": (*_ACCOUNT, "restore", "modify-a", "modify-b"),
}


@dataclass(frozen=True)
class KillPoint:
    """One point at which a run is killed, as in ``engine/create/modify-a/unanswered``."""

    victim: Victim
    operation: Operation
    call: str
    moment: Moment

    def __str__(self) -> str:
        return f"{self.victim}/{self.operation}/{self.call}/{self.moment}"

    @classmethod
    def parse(cls, text: str) -> KillPoint:
        """The kill point of that name. Raises ``ValueError`` for any other string."""
        for each in kill_points():
            if str(each) == text:
                return each
        raise ValueError(f"there is no kill point {text}; one is {kill_points()[0]}.")

    def faults(self, hold_seconds: float = HOLD_SECONDS) -> tuple[Fault, ...]:
        """The faults that hold the call, or drop it; each counts it."""
        call = CALLS[self.call]
        seconds = ANSWER_SECONDS if self.moment == "answered" else hold_seconds
        hold = Fault("delay", call.action, call.instance, nth=call.nth, seconds=seconds, after=self.moment != "unsent")
        if self.moment != "unsent":
            return (hold,)
        return hold, Fault("drop", call.action, call.instance, nth=call.nth)


def kill_points() -> list[KillPoint]:
    """All of them. At the survey there is no host yet, or an idle one."""
    return [
        KillPoint(victim, operation, call, moment)
        for victim in VICTIMS
        for operation in OPERATIONS
        for call in CALLS_OF[operation]
        for moment in CALLS[call].moments
        if (victim, call) != ("host", "survey")
    ]


Chain = tuple[KillPoint, ...]
"""Kill points of different operations, in the order of the operations, so that one stack can run all of them."""


def chains(given: Iterable[KillPoint]) -> list[Chain]:
    """As few chains as the kill points fit into, each with one victim."""
    given = list(given)
    found: list[Chain] = []
    for victim in VICTIMS:
        columns = [
            [each for each in given if (each.victim, each.operation) == (victim, operation)] for operation in OPERATIONS
        ]
        found += [tuple(each for each in row if each is not None) for row in zip_longest(*columns)]
    return found
