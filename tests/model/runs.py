"""Runs of a program that manages some of the slots, in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.faults.stack import BARRIER, Program, Row, Stack
from tests.faults.stack import Run as StackRun
from tests.model.rules import Operation
from tests.model.steps import Wish
from tests.model.unwired import UnwiredRuns


@dataclass(frozen=True)
class Ended:
    """How a run ended: what failed, each with the sentence that says why, and what did not end in time."""

    failed: Mapping[str, str]
    hung: tuple[str, ...] = ()


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
        given = _program(program)
        with self._processes.process() as engine:
            match operation:
                case "up":
                    run = self._stack.up(given, engine)
                case "refresh":
                    run = self._stack.refresh(given, engine)
                case "destroy":
                    run = self._stack.destroy(engine, given.timeout)
        return _ended(run)

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
    return Ended(
        {name: f"{type(error).__name__}: {error}" for name, error in run.failed.items()},
        tuple(f"{each.resource}: {each.seconds or 'never ended'}" for each in run.hung),
    )
