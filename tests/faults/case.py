"""One cell of the matrix: a trouble that strikes an operation at one of its calls, and what comes of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, get_args

from imds_provider.rules.options import OPTIONS, Options
from localcloud.client import LocalCloud
from localcloud.settings import Settings
from tests.faults import invariants
from tests.faults.instances import FIRST, PENDING_SECONDS, RESTORED, SECOND, Fleet, client, launch, launch_now
from tests.faults.invariants import Violation
from tests.faults.scenarios import TROUBLES, VICTIM, Trouble
from tests.support.attempts import Run
from tests.support.provider_run import REGION, JumpingEngine, provider_run
from tests.support.stack_in_process import Program, Stack

Operation = Literal["create", "update", "read", "delete-retain", "delete-restore", "barrier"]
Position = Literal["first", "middle", "last"]
Outcome = Literal["converged", "refused", "violated"]

OPERATIONS: tuple[Operation, ...] = get_args(Operation)
POSITIONS: tuple[Position, ...] = get_args(Position)

MINUTE = 60.0


@dataclass(frozen=True)
class Cell:
    """``str`` of it is its name: ``create/throttled-once/first``."""

    operation: Operation
    trouble: Trouble
    position: Position

    def __str__(self) -> str:
        return f"{self.operation}/{self.trouble.name}/{self.position}"


@dataclass(frozen=True)
class Result:
    cell: Cell
    outcome: Outcome
    violations: tuple[Violation, ...]
    errors: tuple[str, ...]


def every_cell() -> list[Cell]:
    """Every trouble in every operation, at the calls of it that it can strike: a trouble that lasts strikes once."""
    return [
        Cell(operation, trouble, position)
        for trouble in TROUBLES
        for operation in OPERATIONS
        for position in _positions(operation, trouble)
    ]


def run(cell: Cell) -> Result:
    """Run it with the trouble, and once more without."""
    nth = _nth(cell)
    while True:
        try:
            return _run(cell, nth)
        except _TooFewCallsError as error:
            # A wait has one call more or less, as the machine is slow or fast.
            nth = error.calls


class _TooFewCallsError(Exception):
    """The trouble did not strike: there were only so many ``calls``."""

    def __init__(self, calls: int, nth: int) -> None:
        super().__init__(f"{calls} of {nth} calls were made")
        self.calls = calls


@cache
def _calls(operation: Operation, young: bool) -> tuple[tuple[str, frozenset[str]], ...]:  # noqa: FBT001
    """The calls of an operation without any trouble: the action, and the names of the instances."""
    with LocalCloud.in_process(Settings(pending=PENDING_SECONDS)) as cloud:
        scene = _Scene(cloud, Cell(operation, Trouble("none", young=young), "first"))
        scene.set_up()
        found: list[tuple[str, frozenset[str]]] = []

        def note() -> None:
            names = {id_: name for name, id_ in scene.fleet.ids.items()}
            found.extend(
                (call["action"], frozenset(names[each] for each in call["instance_ids"])) for call in cloud.log()
            )

        random.seed(0)
        with provider_run(cloud) as engine:
            scene.operate(engine, before_barrier=note if operation in ("create", "update") else cloud.reset)
        if operation not in ("create", "update"):
            note()
        return tuple(found)


def _strikable(operation: Operation, trouble: Trouble) -> int:
    """How many calls of the operation the trouble can strike."""
    fault, victim = trouble.faults[0], _victim(operation, trouble)
    return sum(
        fault.action in ("*", action) and (fault.instance is None or victim in names)
        for action, names in _calls(operation, trouble.young)
    )


def _positions(operation: Operation, trouble: Trouble) -> tuple[Position, ...]:
    if not trouble.faults:
        return ("first",)
    return {0: POSITIONS[:1], 1: POSITIONS[:1], 2: ("first", "last")}.get(_strikable(operation, trouble), POSITIONS)


def _nth(cell: Cell) -> int:
    """The call at which the trouble begins; 0 where there is none that it could strike."""
    if not cell.trouble.faults:
        return 0
    count = _strikable(cell.operation, cell.trouble)
    return {"first": min(1, count), "middle": (count + 1) // 2, "last": count}[cell.position]


def _victim(operation: Operation, trouble: Trouble) -> str:
    return trouble.victim or ("web" if operation == "barrier" else "alone")


def _run(cell: Cell, nth: int) -> Result:
    """Raises :class:`_TooFewCallsError` when the trouble cannot begin at the ``nth`` call."""
    with LocalCloud.in_process(Settings(pending=PENDING_SECONDS)) as cloud:
        scene = _Scene(cloud, cell)
        scene.set_up()
        random.seed(0)
        with provider_run(cloud, read_timeout=cell.trouble.read_timeout) as engine:
            at_barrier = cell.operation == "barrier"
            if not at_barrier:
                scene.begin_trouble(nth, engine)
            first = scene.operate(engine, lambda: scene.begin_trouble(nth, engine) if at_barrier else None)
            matched = int(str(cloud.faults()[0]["matched"])) if cell.trouble.faults else 0
            if matched < nth:
                raise _TooFewCallsError(matched, nth)
            violations = [*invariants.misbehaviour(first, engine, scene.fleet), *scene.judge_after_trouble(first)]
        scene.end_trouble()
        with provider_run(cloud) as engine:
            again = scene.operate_again(engine)
            violations += [Violation("lost", f"the next run fails: {each}") for each in again.failed.values()]
            violations += invariants.misbehaviour(again, engine, scene.fleet)
            if not again.failed:
                violations += scene.judge_in_the_end()
    errors = tuple(str(error) for error in first.failed.values())
    outcome: Outcome = "violated" if violations else "refused" if errors else "converged"
    return Result(cell, outcome, tuple(violations), errors)


class _Scene:
    """A cloud with the instances, the stack and its programs, and the trouble to come."""

    def __init__(self, cloud: LocalCloud, cell: Cell) -> None:
        self.cloud = cloud
        self.operation, self.trouble = cell.operation, cell.trouble
        self.victim = _victim(cell.operation, cell.trouble)
        self.stack = Stack()
        self.fleet = Fleet({})
        self._ahead = 0.0
        self._over = False

    def set_up(self) -> None:
        """Everything up to the operation, without the trouble unless it is always there."""
        if self.trouble.always:
            self.cloud.settings(**self.trouble.settings)
        self.fleet = (launch_now if self.trouble.young else launch)(self.cloud)
        if self.operation not in ("create", "barrier"):
            with provider_run(self.cloud) as engine:
                made = self.stack.up(self._program(FIRST), engine)
            if made.failed:
                raise AssertionError(f"without any trouble: {made.failed}")
            self.cloud.advance(MINUTE)
            self._ahead = engine.ahead + MINUTE
        if self.operation == "read":
            # So that there is something to see.
            self.cloud.change(self.fleet.ids["web"], {"options": {"HttpPutResponseHopLimit": 7}})
        self.cloud.reset()

    def operate(self, engine: JumpingEngine, before_barrier: Callable[[], None] = lambda: None) -> Run:
        if self.operation == "read":
            return self.stack.refresh(self._program(FIRST), engine)
        if self.operation in ("delete-retain", "delete-restore"):
            return self.stack.destroy(engine, self.trouble.timeout)
        return self.stack.up(self._program(self._wanted()), engine, before_barrier)

    def operate_again(self, engine: JumpingEngine) -> Run:
        """The same command again, after a refresh the way back from what it showed."""
        again = self.operate(engine)
        if self.operation == "read" and not again.failed:
            return self.stack.up(self._program(FIRST), engine)
        return again

    def begin_trouble(self, nth: int, engine: JumpingEngine) -> None:
        self.cloud.reset()
        trouble = self.trouble
        if trouble.enforced:
            self._enforce("enabled")
        if trouble.young:
            # Unknown once more, however long ago the launch was by now.
            age = time.monotonic() - self.fleet.launched_at + self._ahead + engine.ahead
            self.cloud.settings(appear=age + float(str(trouble.settings["appear"])))
        elif not trouble.always:
            self.cloud.settings(**trouble.settings)
        victim = self.fleet.ids[self.victim]
        self.cloud.set_faults(
            *(
                replace(each, instance=victim if each.instance == VICTIM else each.instance, nth=nth or 1)
                for each in trouble.faults
            )
        )
        if trouble.behind and nth:
            self.fleet.behind[self.victim] = dict(trouble.behind)
        if trouble.ends and nth:
            self.fleet.gone.add(self.victim)

    def end_trouble(self) -> None:
        """All is as it should be again, what is gone is no longer in the program, and some time goes by."""
        self._over = True
        self.cloud.clear_faults()
        if self.trouble.enforced:
            self._enforce("no-preference")
        if not self.trouble.always:
            self.cloud.settings(pending=PENDING_SECONDS, latency={}, throttle=False, stale=0, appear=0)
        if self.trouble.stuck:
            for view in self.cloud.instances():
                if view["state"] == "running":
                    self.cloud.change(view["id"], {"metadata_state": "applied"})
        self.cloud.advance(MINUTE)

    def judge_after_trouble(self, first: Run) -> Iterator[Violation]:
        """What holds even where the run failed, and what holds only where it did not."""
        truth = self.fleet.truth(self.cloud)
        yield from invariants.not_ours(truth, self.fleet, self._managed())
        if first.failed:
            return
        if self.operation == "read":
            if not self.trouble.lies:
                yield from invariants.looked_up(self.stack, truth, self._unknown())
        else:
            yield from self._judge_success(truth, self._program(self._wanted()))

    def judge_in_the_end(self) -> Iterator[Violation]:
        truth, program = self.fleet.truth(self.cloud), self._program(self._wanted())
        yield from invariants.not_ours(truth, self.fleet, self._managed())
        yield from self._judge_success(truth, program)
        if self.operation.startswith("delete"):
            if self.stack.state:
                yield Violation("lost", f"still in the state: {sorted(self.stack.state)}")
        elif changed := self.stack.preview(program):
            yield Violation("lost", f"the preview is not empty: {sorted(changed)}")

    def _judge_success(self, truth: Mapping[str, Options], program: Program) -> Iterator[Violation]:
        values = RESTORED if self.operation == "delete-restore" else self._wanted()
        for name, options in self._wanted().items():
            yield from invariants.as_wanted(name, truth, {each: values[name][each] for each in self._known(options)})
        if self.operation.startswith("delete"):
            return
        views = {view["id"]: view for view in self.cloud.instances()}
        present = program.without(*(self.fleet.ids[name] for name in self.fleet.gone))
        moving = self.victim if self.trouble.moves else None
        yield from invariants.recorded(self.stack, present, views, truth, moving=moving, unknown=self._unknown())
        yield from invariants.previous(self.stack, present, self.fleet, self._unknown())

    def _known(self, names: Options) -> set[str]:
        return set(names) - self._unknown()

    def _unknown(self) -> frozenset[str]:
        """The options that the region does not know."""
        given = self.trouble.settings.get("unknown_options")
        ec2_names = given[REGION] if isinstance(given, Mapping) else ()
        return frozenset(option.name for option in OPTIONS if option.ec2_name in ec2_names)

    def _wanted(self) -> Mapping[str, Options]:
        return SECOND if self.operation == "update" else FIRST

    def _managed(self) -> Mapping[str, Options]:
        """Every option that has ever been managed."""
        return {name: {**FIRST[name], **self._wanted()[name]} for name in FIRST}

    def _program(self, wanted: Mapping[str, Options]) -> Program:
        on_destroy = "restore" if self.operation == "delete-restore" else "retain"
        program = self.fleet.program(wanted, on_destroy=on_destroy, timeout=self.trouble.timeout)
        return program.without(*(self.fleet.ids[name] for name in self.fleet.gone)) if self._over else program

    def _enforce(self, value: str) -> None:
        ec2 = client(self.cloud)
        ec2.modify_instance_metadata_defaults(HttpTokensEnforced=value)  # type: ignore[arg-type]  # both are its own
        ec2.close()
