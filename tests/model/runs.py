"""Runs of a program that manages some of the slots, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from imds_provider.errors import ImdsError
from tests.faults.process import JumpingEngine
from tests.faults.stack import BARRIER, Program, Row, Stack
from tests.faults.stack import Run as StackRun
from tests.model.rules import Operation
from tests.model.steps import Wish
from tests.model.unwired import UnwiredRuns


@dataclass(frozen=True)
class Ended:
    """How a run ended: what failed, each with the sentence that says why, and what it did that no run may do."""

    failed: Mapping[str, str]
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class Described:
    """A program: its wishes, and which instance each slot holds."""

    wishes: Mapping[str, Wish]
    ids: Mapping[str, str]


class Runs(Protocol):
    """A stack that can be run: in this process, or by the engine."""

    def run(self, operation: Operation, program: Described) -> Ended: ...

    def preview(self, program: Described) -> set[str]:
        """What the next run would change."""

    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """The outputs of each slot that is recorded."""


class RunsHere:
    """The engine's part played in this process."""

    def __init__(self, processes: UnwiredRuns) -> None:
        self._processes = processes
        self._stack = Stack()

    def run(self, operation: Operation, program: Described) -> Ended:
        with self._processes.process() as engine:
            return _ended(self._run(operation, _program(program), engine))

    def _run(self, operation: Operation, program: Program, engine: JumpingEngine) -> StackRun:
        if operation == "up":
            return self._stack.up(program, engine)
        if operation == "refresh":
            return self._stack.refresh(program, engine)
        return self._stack.destroy(engine, program.timeout)

    def preview(self, program: Described) -> set[str]:
        with self._processes.process():
            return self._stack.preview(_program(program))

    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        return {name: each.outputs for name, each in self._stack.state.items() if name != BARRIER}


def _program(program: Described) -> Program:
    return Program(
        tuple(
            Row(slot, program.ids[slot], wish.options, wait=wish.wait, on_destroy=wish.on_destroy)
            for slot, wish in program.wishes.items()
        )
    )


def _ended(run: StackRun) -> Ended:
    """Every way in which an operation can fail, as the story has it."""
    hung = [f"{each.resource}: took {each.seconds or 'forever'}" for each in run.hung]
    raised = [f"{name}: raised {error!r}" for name, error in run.failed.items() if not isinstance(error, ImdsError)]
    return Ended({name: str(error) for name, error in run.failed.items()}, (*hung, *raised))
