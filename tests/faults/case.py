"""One case of the matrix: a scenario in an operation, from one of its calls on, and its outcome."""

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
from tests.faults.scenarios import SCENARIOS, TARGET, Scenario
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
class Case:
    """``str`` of it is its name: ``create/throttled-once/first``."""

    operation: Operation
    scenario: Scenario
    position: Position

    def __str__(self) -> str:
        return f"{self.operation}/{self.scenario.name}/{self.position}"


@dataclass(frozen=True)
class Result:
    case: Case
    outcome: Outcome
    violations: tuple[Violation, ...]
    errors: tuple[str, ...]


def all_cases() -> list[Case]:
    """Every scenario in every operation, from the calls that it can affect; one without faults has a single case."""
    return [
        Case(operation, scenario, position)
        for scenario in SCENARIOS
        for operation in OPERATIONS
        for position in _positions(operation, scenario)
    ]


def run(case: Case) -> Result:
    """Run the operation in the scenario, and once more without it."""
    nth = _nth(case)
    while True:
        try:
            return _run(case, nth)
        except _TooFewCallsError as error:
            # A wait makes one call more or less, as the machine is slow or fast.
            nth = error.calls


class _TooFewCallsError(Exception):
    """The scenario did not begin: there were only so many ``calls``."""

    def __init__(self, calls: int, nth: int) -> None:
        super().__init__(f"{calls} of {nth} calls were made")
        self.calls = calls


@cache
def _calls(operation: Operation, just_launched: bool) -> tuple[tuple[str, frozenset[str]], ...]:  # noqa: FBT001
    """The calls of an operation when nothing goes wrong: the action and the names of the instances."""
    with LocalCloud.in_process(Settings(pending=PENDING_SECONDS)) as cloud:
        stage = _Stage(cloud, Case(operation, Scenario("none", just_launched=just_launched), "first"))
        stage.set_up()
        found: list[tuple[str, frozenset[str]]] = []

        def note() -> None:
            names = {id_: name for name, id_ in stage.fleet.ids.items()}
            found.extend(
                (call["action"], frozenset(names[each] for each in call["instance_ids"])) for call in cloud.log()
            )

        random.seed(0)
        with provider_run(cloud) as engine:
            stage.operate(engine, before_barrier=note if operation in ("create", "update") else cloud.reset)
        if operation not in ("create", "update"):
            note()
        return tuple(found)


def _affected_calls(operation: Operation, scenario: Scenario) -> int:
    """How many calls of the operation the scenario can affect."""
    fault, target = scenario.faults[0], _target(operation, scenario)
    return sum(
        fault.action in ("*", action) and (fault.instance is None or target in names)
        for action, names in _calls(operation, scenario.just_launched)
    )


def _positions(operation: Operation, scenario: Scenario) -> tuple[Position, ...]:
    if not scenario.faults:
        return ("first",)
    return {0: POSITIONS[:1], 1: POSITIONS[:1], 2: ("first", "last")}.get(
        _affected_calls(operation, scenario), POSITIONS
    )


def _nth(case: Case) -> int:
    """The call at which the scenario begins; 0 if there is none that it could affect."""
    if not case.scenario.faults:
        return 0
    count = _affected_calls(case.operation, case.scenario)
    return {"first": min(1, count), "middle": (count + 1) // 2, "last": count}[case.position]


def _target(operation: Operation, scenario: Scenario) -> str:
    return scenario.target or ("web" if operation == "barrier" else "alone")


def _run(case: Case, nth: int) -> Result:
    """Raises :class:`_TooFewCallsError` when the scenario cannot begin at the ``nth`` call."""
    with LocalCloud.in_process(Settings(pending=PENDING_SECONDS)) as cloud:
        stage = _Stage(cloud, case)
        stage.set_up()
        random.seed(0)
        with provider_run(cloud, read_timeout=case.scenario.read_timeout) as engine:
            at_barrier = case.operation == "barrier"
            if not at_barrier:
                stage.begin_scenario(nth, engine)
            first = stage.operate(engine, lambda: stage.begin_scenario(nth, engine) if at_barrier else None)
            matched = int(str(cloud.faults()[0]["matched"])) if case.scenario.faults else 0
            if matched < nth:
                raise _TooFewCallsError(matched, nth)
            violations = [*invariants.misbehaviour(first, engine, stage.fleet), *stage.check_after_scenario(first)]
        stage.end_scenario()
        with provider_run(cloud) as engine:
            again = stage.operate_again(engine)
            violations += [Violation("lost", f"the next run fails: {each}") for each in again.failed.values()]
            violations += invariants.misbehaviour(again, engine, stage.fleet)
            if not again.failed:
                violations += stage.check_after_repair()
    errors = tuple(str(error) for error in first.failed.values())
    outcome: Outcome = "violated" if violations else "refused" if errors else "converged"
    return Result(case, outcome, tuple(violations), errors)


class _Stage:
    """A cloud with the instances, the stack, its programs and the scenario."""

    def __init__(self, cloud: LocalCloud, case: Case) -> None:
        self.cloud = cloud
        self.operation, self.scenario = case.operation, case.scenario
        self.target = _target(case.operation, case.scenario)
        self.stack = Stack()
        self.fleet = Fleet({})
        self._ahead = 0.0
        self._over = False

    def set_up(self) -> None:
        """Do everything up to the operation, without the scenario unless it always holds."""
        if self.scenario.always:
            self.cloud.settings(**self.scenario.settings)
        self.fleet = (launch_now if self.scenario.just_launched else launch)(self.cloud)
        if self.operation not in ("create", "barrier"):
            with provider_run(self.cloud) as engine:
                made = self.stack.up(self._program(FIRST), engine)
            if made.failed:
                raise AssertionError(f"failed without a fault: {made.failed}")
            self.cloud.advance(MINUTE)
            self._ahead = engine.ahead + MINUTE
        if self.operation == "read":
            # So that there is something to read.
            self.cloud.change(self.fleet.ids["web"], {"options": {"HttpPutResponseHopLimit": 7}})
        self.cloud.reset()

    def operate(self, engine: JumpingEngine, before_barrier: Callable[[], None] = lambda: None) -> Run:
        if self.operation == "read":
            return self.stack.refresh(self._program(FIRST), engine)
        if self.operation in ("delete-retain", "delete-restore"):
            return self.stack.destroy(engine, self.scenario.timeout)
        return self.stack.up(self._program(self._wanted()), engine, before_barrier)

    def operate_again(self, engine: JumpingEngine) -> Run:
        """Run the same command again, and after a refresh the `up` that repairs what it showed."""
        again = self.operate(engine)
        if self.operation == "read" and not again.failed:
            return self.stack.up(self._program(FIRST), engine)
        return again

    def begin_scenario(self, nth: int, engine: JumpingEngine) -> None:
        self.cloud.reset()
        scenario = self.scenario
        if scenario.enforced:
            self._enforce("enabled")
        if scenario.just_launched:
            # Unknown again, however long ago the launch was.
            age = time.monotonic() - self.fleet.launched_at + self._ahead + engine.ahead
            self.cloud.settings(appear=age + float(str(scenario.settings["appear"])))
        elif not scenario.always:
            self.cloud.settings(**scenario.settings)
        target = self.fleet.ids[self.target]
        self.cloud.set_faults(
            *(
                replace(each, instance=target if each.instance == TARGET else each.instance, nth=nth or 1)
                for each in scenario.faults
            )
        )
        if scenario.drift and nth:
            self.fleet.drift[self.target] = dict(scenario.drift)
        if scenario.ends and nth:
            self.fleet.gone.add(self.target)

    def end_scenario(self) -> None:
        """Let everything work again, remove what is gone from the program, and let some time pass."""
        self._over = True
        self.cloud.clear_faults()
        if self.scenario.enforced:
            self._enforce("no-preference")
        if not self.scenario.always:
            self.cloud.settings(pending=PENDING_SECONDS, latency={}, throttle=False, stale=0, appear=0)
        if self.scenario.stuck:
            for view in self.cloud.instances():
                if view["state"] == "running":
                    self.cloud.change(view["id"], {"metadata_state": "applied"})
        self.cloud.advance(MINUTE)

    def check_after_scenario(self, first: Run) -> Iterator[Violation]:
        """Check what holds even if the run failed, and what holds if it did not."""
        truth = self.fleet.truth(self.cloud)
        yield from invariants.unmanaged(truth, self.fleet, self._managed())
        if first.failed:
            return
        if self.operation == "read":
            if not self.scenario.stale:
                yield from invariants.refreshed(self.stack, truth, self._unknown())
        else:
            yield from self._check_success(truth, self._program(self._wanted()))

    def check_after_repair(self) -> Iterator[Violation]:
        truth, program = self.fleet.truth(self.cloud), self._program(self._wanted())
        yield from invariants.unmanaged(truth, self.fleet, self._managed())
        yield from self._check_success(truth, program)
        if self.operation.startswith("delete"):
            if self.stack.state:
                yield Violation("lost", f"still in the state: {sorted(self.stack.state)}")
        elif changed := self.stack.preview(program):
            yield Violation("lost", f"the preview is not empty: {sorted(changed)}")

    def _check_success(self, truth: Mapping[str, Options], program: Program) -> Iterator[Violation]:
        values = RESTORED if self.operation == "delete-restore" else self._wanted()
        for name, options in self._wanted().items():
            yield from invariants.in_effect(name, truth, {each: values[name][each] for each in self._known(options)})
        if self.operation.startswith("delete"):
            return
        views = {view["id"]: view for view in self.cloud.instances()}
        present = program.without(*(self.fleet.ids[name] for name in self.fleet.gone))
        changing = self.target if self.scenario.changes_state else None
        yield from invariants.recorded(self.stack, present, views, truth, changing=changing, unknown=self._unknown())
        yield from invariants.previous(self.stack, present, self.fleet, self._unknown())

    def _known(self, names: Options) -> set[str]:
        return set(names) - self._unknown()

    def _unknown(self) -> frozenset[str]:
        """The options that the region does not have."""
        given = self.scenario.settings.get("unknown_options")
        ec2_names = given[REGION] if isinstance(given, Mapping) else ()
        return frozenset(option.name for option in OPTIONS if option.ec2_name in ec2_names)

    def _wanted(self) -> Mapping[str, Options]:
        return SECOND if self.operation == "update" else FIRST

    def _managed(self) -> Mapping[str, Options]:
        """All options that any program has managed."""
        return {name: {**FIRST[name], **self._wanted()[name]} for name in FIRST}

    def _program(self, wanted: Mapping[str, Options]) -> Program:
        on_destroy = "restore" if self.operation == "delete-restore" else "retain"
        program = self.fleet.program(wanted, on_destroy=on_destroy, timeout=self.scenario.timeout)
        return program.without(*(self.fleet.ids[name] for name in self.fleet.gone)) if self._over else program

    def _enforce(self, value: str) -> None:
        ec2 = client(self.cloud)
        ec2.modify_instance_metadata_defaults(HttpTokensEnforced=value)  # type: ignore[arg-type]  # both are allowed values
        ec2.close()
