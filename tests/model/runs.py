"""Runs of a program that manages some of the slots, in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from imds_provider.errors import ImdsError
from imds_provider.rules.deciders import Deciders
from tests.model.snapshots import Operation, Outputs
from tests.model.steps import Wishes
from tests.support.attempts import Run as StackRun
from tests.support.offline import OfflineRuns
from tests.support.provider_run import JumpingEngine
from tests.support.stack_in_process import Program, Row, Stack, is_barrier

REASON = "an agent calls IMDSv1"
"""In ``allow_downgrade``."""


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    What failed, each with the sentence that says why; what it did that no run may do; and what it said.
    """

    failed: Mapping[str, str]
    forbidden: tuple[str, ...] = ()
    said: str = ""


@dataclass(frozen=True)
class Described:
    """A program: its wishes, and which instance each slot holds."""

    wishes: Wishes
    ids: Mapping[str, str]


class Runs(Protocol):
    """A stack that can be run: in this process, or by the engine.

    ``in_turn`` says whether every row is compared with what is recorded before any is changed.
    """

    in_turn: bool

    def run(self, operation: Operation, program: Described) -> Ended: ...

    def preview(self, program: Described) -> set[str]:
        """What the next run would change."""

    def rows(self) -> Mapping[str, Outputs]:
        """The outputs of each row that is recorded."""

    def replaced(self) -> Sequence[Outputs]:
        """Those of rows that another has taken the place of, and that are yet to be deleted."""


class RunsHere:
    """The engine's part played in this process."""

    in_turn = True

    def __init__(self, processes: OfflineRuns) -> None:
        self._processes = processes
        self._stack = Stack()

    def run(self, operation: Operation, program: Described) -> Ended:
        if operation == "up" and (problems := _two_deciders(program)):
            return Ended({"program": "\n".join(problems)})
        with self._processes.process() as engine:
            return _ended(self._run(operation, _program(program), engine), engine)

    def _run(self, operation: Operation, program: Program, engine: JumpingEngine) -> StackRun:
        if operation == "up":
            return self._stack.up(program, engine)
        if operation == "refresh":
            return self._stack.refresh(program, engine)
        return self._stack.destroy(engine, program.timeout)

    def preview(self, program: Described) -> set[str]:
        with self._processes.process():
            return self._stack.preview(_program(program))

    def rows(self) -> Mapping[str, Outputs]:
        return {name: each.outputs for name, each in self._stack.state.items() if not is_barrier(name)}

    def replaced(self) -> Sequence[Outputs]:
        return [each.outputs for _, each in self._stack.replaced]


def _two_deciders(program: Described) -> list[str]:
    """What the resource class of the program refuses before anything is sent."""
    deciders = Deciders()
    given = [(name, program.ids[wish.slot], wish.options) for name, wish in program.wishes.items()]
    return [each for name, id_, options in given for each in deciders.decide(id_, id_, name, options)]


def _program(program: Described) -> Program:
    return Program(
        tuple(
            Row(
                name,
                program.ids[wish.slot],
                wish.options,
                wait=wish.wait,
                on_destroy=wish.on_destroy,
                allow_downgrade=REASON if wish.may_loosen else None,
                aliases=wish.aliases,
            )
            for name, wish in program.wishes.items()
        )
    )


def _ended(run: StackRun, engine: JumpingEngine) -> Ended:
    """Every way in which an operation can fail, as the story has it."""
    hung = [f"{each.resource}: took {each.seconds or 'forever'}" for each in run.hung]
    raised = [f"{name}: raised {error!r}" for name, error in run.failed.items() if not isinstance(error, ImdsError)]
    return Ended({name: str(error) for name, error in run.failed.items()}, (*hung, *raised), "\n".join(engine.messages))
