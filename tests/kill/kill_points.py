"""Where a run is cut off: in which operation, at which call to EC2, at which moment of it, and who is killed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal, get_args

from localcloud.faults import Fault

Operation = Literal["create", "update", "delete"]
Moment = Literal["unsent", "unanswered", "answered"]
"""Of a call: before EC2 carries it out, which it then never does; carried out, but without an answer yet; answered, but
without anybody having acted on the answer yet."""
Victim = Literal["host", "engine"]

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
MOMENTS: tuple[Moment, ...] = get_args(Moment)
VICTIMS: tuple[Victim, ...] = get_args(Victim)

DESCRIBE, MODIFY = "DescribeInstances", "ModifyInstanceMetadataOptions"
A, B = "i-aaaaaaaaaaaaaaaaa", "i-bbbbbbbbbbbbbbbbb"

HOLD_SECONDS = 1.5
"""How long EC2 keeps a caller waiting, so how long a host whose engine is killed has to notice before it asks again."""
ANSWER_SECONDS = 0.5
"""The same where the answer is to arrive: long enough to stop the victim before it does."""


@dataclass(frozen=True)
class Call:
    """A call that an operation makes: a modification by its instance, a describe by its number in the run."""

    action: str
    instance: str | None = None
    nth: int = 1


CALLS: Mapping[str, Call] = {
    "survey": Call(DESCRIBE),
    "look": Call(DESCRIBE, nth=2),
    "modify-a": Call(MODIFY, instance=A),
    "modify-b": Call(MODIFY, instance=B),
    "first-poll": Call(DESCRIBE, nth=3),
    "last-poll": Call(DESCRIBE, nth=4),
    "last-look": Call(DESCRIBE),
}
"""The survey is the program's; what is deleted is in the program no more, so there is none of it."""
_BRINGING = ("survey", "look", "modify-a", "modify-b", "first-poll", "last-poll")
CALLS_OF: Mapping[Operation, tuple[str, ...]] = {
    "create": _BRINGING,
    "update": _BRINGING,
    "delete": ("last-look", "modify-a", "modify-b"),
}


@dataclass(frozen=True)
class Boundary:
    """One point at which a run is cut off, as in ``engine/create/modify-a/unanswered``."""

    victim: Victim
    operation: Operation
    call: str
    moment: Moment

    def __str__(self) -> str:
        return f"{self.victim}/{self.operation}/{self.call}/{self.moment}"

    @classmethod
    def parse(cls, text: str) -> Boundary:
        """The boundary of that name. Raises ``ValueError`` for any other text."""
        for each in boundaries():
            if str(each) == text:
                return each
        raise ValueError(f"there is no boundary {text}; one is {next(iter(boundaries()))}.")

    def faults(self, hold_seconds: float = HOLD_SECONDS) -> tuple[Fault, ...]:
        """What EC2 does to the call; each fault counts it."""
        call = CALLS[self.call]
        seconds = ANSWER_SECONDS if self.moment == "answered" else hold_seconds
        hold = Fault("delay", call.action, call.instance, nth=call.nth, seconds=seconds, after=self.moment != "unsent")
        if self.moment != "unsent":
            return (hold,)
        return hold, Fault("drop", call.action, call.instance, nth=call.nth)


def boundaries() -> list[Boundary]:
    """Every one. At the survey there is no host yet to be killed."""
    return [
        Boundary(victim, operation, call, moment)
        for victim in VICTIMS
        for operation in OPERATIONS
        for call in CALLS_OF[operation]
        for moment in MOMENTS
        if (victim, call) != ("host", "survey")
    ]


Chain = tuple[Boundary, ...]
"""Boundaries of different operations, in the order of the operations: one stack can be led through all of them."""


def chains(given: Iterable[Boundary]) -> list[Chain]:
    """As few chains as the boundaries fit into, each with a single victim."""
    given = list(given)
    found: list[Chain] = []
    for victim in VICTIMS:
        columns = [
            [each for each in given if (each.victim, each.operation) == (victim, operation)] for operation in OPERATIONS
        ]
        found += [tuple(each for each in row if each is not None) for row in zip_longest(*columns)]
    return found
