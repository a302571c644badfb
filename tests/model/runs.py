"""Runs of a program, in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from imds_provider.errors import ImdsError
from imds_provider.rules.option_owners import OptionOwners
from tests.model.snapshots import Operation, Outputs
from tests.model.steps import Declarations
from tests.support.attempts import Run as StackRun
from tests.support.offline import OfflineRuns
from tests.support.provider_run import JumpingEngine
from tests.support.stack_in_process import Program, Row, Stack, is_barrier

REASON = "an agent calls IMDSv1"
"""In ``allow_downgrade``."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: the errors of what failed, what it did that no run may do, and what it showed."""

    failed: Mapping[str, str]
    forbidden: tuple[str, ...] = ()
    output: str = ""


@dataclass(frozen=True)
class DeclaredProgram:
    """The declarations of a program, and the ID of the instance in each slot."""

    declarations: Declarations
    ids: Mapping[str, str]


class Runs(Protocol):
    """A stack that can be run, in this process or by the real engine.

    ``diffs_first``: every row is compared with the state before any is changed.
    """

    diffs_first: bool

    def run(self, operation: Operation, program: DeclaredProgram) -> Ended: ...

    def preview(self, program: DeclaredProgram) -> set[str]:
        """The names of the resources that the next `up` would change."""

    def rows(self) -> Mapping[str, Outputs]:
        """The outputs of each recorded row."""

    def replaced(self) -> Sequence[Outputs]:
        """The outputs of rows that were replaced and are yet to be deleted."""


class RunsInProcess:
    """Runs on a stack in this process, without the engine."""

    diffs_first = True

    def __init__(self, processes: OfflineRuns) -> None:
        self._processes = processes
        self._stack = Stack()

    def run(self, operation: Operation, program: DeclaredProgram) -> Ended:
        if operation == "up" and (problems := _conflicts(program)):
            return Ended({"program": "\n".join(problems)})
        with self._processes.process() as engine:
            return _ended(self._run(operation, _program(program), engine), engine)

    def _run(self, operation: Operation, program: Program, engine: JumpingEngine) -> StackRun:
        if operation == "up":
            return self._stack.up(program, engine)
        if operation == "refresh":
            return self._stack.refresh(program, engine)
        return self._stack.destroy(engine, program.timeout)

    def preview(self, program: DeclaredProgram) -> set[str]:
        with self._processes.process():
            return self._stack.preview(_program(program))

    def rows(self) -> Mapping[str, Outputs]:
        return {name: each.outputs for name, each in self._stack.state.items() if not is_barrier(name)}

    def replaced(self) -> Sequence[Outputs]:
        return [each.outputs for _, each in self._stack.replaced]


def _conflicts(program: DeclaredProgram) -> list[str]:
    """The errors with which the resource class refuses a program before anything is sent."""
    owners = OptionOwners()
    given = [(name, program.ids[each.slot], each.options) for name, each in program.declarations.items()]
    return [each for name, id_, options in given for each in owners.add(id_, id_, name, options)]


def _program(program: DeclaredProgram) -> Program:
    return Program(
        tuple(
            Row(
                name,
                program.ids[each.slot],
                each.options,
                wait=each.wait,
                on_destroy=each.on_destroy,
                allow_downgrade=REASON if each.may_loosen else None,
                aliases=each.aliases,
            )
            for name, each in program.declarations.items()
        )
    )


def _ended(run: StackRun, engine: JumpingEngine) -> Ended:
    hung = [f"{each.resource}: took {each.seconds or 'forever'}" for each in run.hung]
    raised = [f"{name}: raised {error!r}" for name, error in run.failed.items() if not isinstance(error, ImdsError)]
    return Ended({name: str(error) for name, error in run.failed.items()}, (*hung, *raised), "\n".join(engine.messages))
