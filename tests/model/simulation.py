"""A sequence of steps, carried out one by one, with the invariants checked after each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from imds_provider.rules.options import Options, from_ec2
from localcloud.client import LocalCloud
from tests.model import invariants
from tests.model.edits import conflicts, edited, without_aliases
from tests.model.runs import DeclaredProgram, Runs
from tests.model.snapshots import Instance, Modification, Operation, Run, Snapshot, is_in_effect
from tests.model.steps import (
    FAULTS,
    MODIFY,
    SLOTS,
    TOLERATED,
    Declarations,
    Destroy,
    Drift,
    FaultName,
    Launch,
    Refresh,
    StateChange,
    Step,
    SwitchStack,
    Up,
)
from tests.support.ec2_options import to_ec2
from tests.support.provider_run import REGION

PENDING_SECONDS = 1.0
BETWEEN_STEPS_SECONDS = 60.0
"""Time between two steps, so that an outdated answer of EC2 is outdated only by what the same run has done."""

OPERATIONS: Mapping[type[Up | Refresh | Destroy], Operation] = {Up: "up", Refresh: "refresh", Destroy: "destroy"}


class ViolationError(AssertionError):
    """An invariant does not hold."""


@dataclass
class _Stack:
    """A stack, and the program that it is run with."""

    runs: Runs
    program: Declarations = field(default_factory=dict)


class Simulation:
    """Three instances, and stacks that may manage them and take turns."""

    def __init__(self, cloud: LocalCloud, stacks: Sequence[Runs], settings: Mapping[str, object] | None = None) -> None:
        self.cloud = cloud
        self._stacks = [_Stack(each) for each in stacks]
        self._ids: dict[str, str] = {}
        self._launched = 0
        cloud.wipe()
        cloud.settings(**{"pending": PENDING_SECONDS, **(settings or {})})
        for slot in SLOTS:
            self._launch(slot, {})

    @property
    def _program(self) -> Declarations:
        return self._stacks[0].program

    @property
    def rows(self) -> list[str]:
        """The names of the rows that the program declares."""
        return sorted(self._program)

    def take(self, step: Step) -> bool:
        """Carry out one step and return whether it was possible. Raises :class:`ViolationError`."""
        if not self._can_take(step):
            return False
        self.cloud.advance(BETWEEN_STEPS_SECONDS)
        match step:
            case Launch(slot, options):
                self._launch(slot, options)
            case StateChange(slot, verb):
                self._change_state(slot, verb)
            case Drift(slot, options):
                self.cloud.change(self._ids[slot], {"options": to_ec2(options)})
            case SwitchStack():
                self._stacks.append(self._stacks.pop(0))
            case Up() | Refresh() | Destroy():
                self._run(OPERATIONS[type(step)], self._program, step.fault)
            case _:
                self._run("up", edited(self._program, step) or {}, step.fault)
        return True

    def _can_take(self, step: Step) -> bool:
        match step:
            case Launch(slot):
                return slot in self.gone()
            case StateChange(slot):
                return slot not in self.gone()
            case Drift() | Up() | Refresh() | Destroy() | SwitchStack():
                return True
            case _:
                return edited(self._program, step) is not None

    def gone(self) -> list[str]:
        """The slots whose instance is terminated."""
        return [slot for slot, instance in self._instances().items() if instance.gone]

    def _launch(self, slot: str, options: Options) -> None:
        self._launched += 1
        self._ids[slot] = f"i-{self._launched:017x}"
        self.cloud.seed([{"id": self._ids[slot], "region": REGION, "options": to_ec2(options)}])

    def _change_state(self, slot: str, verb: str) -> None:
        verbs = {"stop": self.cloud.stop, "start": self.cloud.start_instance, "terminate": self.cloud.terminate}
        verbs[verb](self._ids[slot])

    def _run(self, operation: Operation, declarations: Declarations, fault: FaultName) -> None:
        stack = self._stacks[0]
        before, program = self._snapshot(), DeclaredProgram(declarations, self._ids)
        self.cloud.reset()
        self.cloud.set_faults(*FAULTS[fault])
        ended = stack.runs.run(operation, program)
        occurred, modifications = self._fault_occurred(), self._modifications()
        changed_by_others = {name: value for each in FAULTS[fault] if occurred for name, value in each.options.items()}
        self._end_fault(before)
        run = Run(
            operation,
            declarations,
            before,
            self._snapshot(),
            modifications,
            ended.failed,
            may_fail=occurred and fault not in TOLERATED,
            changed_by_others=from_ec2(changed_by_others),
            output=ended.output,
            diffs_first=stack.runs.diffs_first,
            stale_answers=occurred and any(each.effect == "stale" for each in FAULTS[fault]),
        )
        found = [*ended.forbidden, *invariants.violations(run)]
        if not conflicts(declarations):  # otherwise whoever has edited the program takes that back
            stack.program = declarations
        if not ended.failed:
            found += _preview(run, stack.runs.preview(program))
            stack.program = without_aliases(stack.program) if operation == "up" else stack.program
        if found:
            raise ViolationError("\n".join([f"{operation} with {fault}:", *found, *ended.failed.values()]))

    def _snapshot(self) -> Snapshot:
        runs = self._stacks[0].runs
        return Snapshot(self._instances(), {name: dict(row) for name, row in runs.rows().items()}, runs.replaced())

    def _instances(self) -> dict[str, Instance]:
        views = {view["id"]: view for view in self.cloud.instances()}
        return {
            slot: Instance(
                id_, from_ec2(views[id_]["options"]), views[id_]["state"], views[id_]["metadata_state"] == "pending"
            )
            for slot, id_ in self._ids.items()
        }

    def _modifications(self) -> tuple[Modification, ...]:
        slots = {id_: slot for slot, id_ in self._ids.items()}
        return tuple(
            Modification(slots[call["params"]["InstanceId"]], from_ec2(_with_numbers(call["params"])))
            for call in self.cloud.log(MODIFY)
        )

    def _fault_occurred(self) -> bool:
        return any(int(str(each["matched"])) >= int(str(each["nth"])) for each in self.cloud.faults())

    def _end_fault(self, before: Snapshot) -> None:
        stuck = any(each["effect"] == "stuck" for each in self.cloud.faults())
        self.cloud.clear_faults()
        for slot, instance in before.instances.items() if stuck else ():
            if instance.state == "running":
                self.cloud.change(self._ids[slot], {"metadata_state": "applied"})


def _preview(run: Run, changed: set[str]) -> list[str]:
    """After an `up` that succeeded the next preview is empty; after a refresh it shows every row that has drifted."""
    if run.operation == "up":
        return [f"the preview is not empty: {sorted(changed)}"] if changed else []
    if run.operation == "destroy":
        return []
    drifted = set()
    for name, declared in run.program.items():
        instance = run.after.instances[declared.slot]
        row = next((run.after.rows[each] for each in (name, *declared.aliases) if each in run.after.rows), None)
        if row and row["instanceId"] == instance.id and not is_in_effect(declared.options, instance.options):
            drifted.add(name)
    return [f"the preview does not show that {sorted(drifted - changed)} drifted"] if drifted - changed else []


def play(
    cloud: LocalCloud, stacks: Sequence[Runs], steps: Sequence[Step], settings: Mapping[str, object] | None = None
) -> None:
    """Carry out all the steps from the beginning. Raises :class:`ViolationError`."""
    simulation = Simulation(cloud, stacks, settings)
    for step in steps:
        simulation.take(step)


def _with_numbers(params: Mapping[str, str]) -> dict[str, object]:
    return {name: int(value) if value.isdecimal() else value for name, value in params.items()}
