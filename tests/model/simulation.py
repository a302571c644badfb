"""A sequence of steps, carried out one by one, with everything that must hold looked at after each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from imds_provider.rules.options import OPTIONS, Options, from_ec2
from localcloud.client import LocalCloud
from localcloud.shapes import MetadataOptions
from tests.model import invariants
from tests.model.edits import conflicts, edited, without_aliases
from tests.model.runs import Described, Runs
from tests.model.snapshots import Instance, Operation, Run, Scene, Sent, is_brought_about
from tests.model.steps import (
    FAULTS,
    MODIFY,
    SLOTS,
    SURVIVED,
    Behind,
    Destroy,
    Launch,
    Move,
    Refresh,
    Step,
    Switch,
    Trouble,
    Up,
    Wishes,
)
from tests.support.provider_run import REGION

PENDING_SECONDS = 1.0
BETWEEN_STEPS_SECONDS = 60.0
"""Time between two steps, so that an answer of EC2 that is out of date is so by what this run has done."""

OPERATIONS: Mapping[type[Up | Refresh | Destroy], Operation] = {Up: "up", Refresh: "refresh", Destroy: "destroy"}


class ViolationError(AssertionError):
    """Something that must hold does not."""


@dataclass
class _Side:
    """A stack, and the program that it is run with."""

    runs: Runs
    program: Wishes = field(default_factory=dict)


class Story:
    """Three instances, stacks that may manage them and take turns, and what the model knows of all that."""

    def __init__(self, cloud: LocalCloud, stacks: Sequence[Runs], settings: Mapping[str, object] | None = None) -> None:
        self.cloud = cloud
        self._sides = [_Side(each) for each in stacks]
        self._ids: dict[str, str] = {}
        self._launched = 0
        cloud.wipe()
        cloud.settings(**{"pending": PENDING_SECONDS, **(settings or {})})
        for slot in SLOTS:
            self._launch(slot, {})

    @property
    def _program(self) -> Wishes:
        return self._sides[0].program

    @property
    def rows(self) -> list[str]:
        """The names of the rows that the program has."""
        return sorted(self._program)

    def take(self, step: Step) -> bool:
        """Carry out one step, and say whether it could be taken at all. Raises :class:`ViolationError`."""
        if not self._can_take(step):
            return False
        self.cloud.advance(BETWEEN_STEPS_SECONDS)
        match step:
            case Launch(slot, options):
                self._launch(slot, options)
            case Move(slot, verb):
                self._move(slot, verb)
            case Behind(slot, options):
                self.cloud.change(self._ids[slot], {"options": _in_ec2s_words(options)})
            case Switch():
                self._sides.append(self._sides.pop(0))
            case Up() | Refresh() | Destroy():
                self._run(OPERATIONS[type(step)], self._program, step.trouble)
            case _:
                self._run("up", edited(self._program, step) or {}, step.trouble)
        return True

    def _can_take(self, step: Step) -> bool:
        match step:
            case Launch(slot):
                return slot in self.gone()
            case Move(slot):
                return slot not in self.gone()
            case Behind() | Up() | Refresh() | Destroy() | Switch():
                return True
            case _:
                return edited(self._program, step) is not None

    def gone(self) -> list[str]:
        """The slots whose instance is terminated."""
        return [slot for slot, instance in self._instances().items() if instance.gone]

    def _launch(self, slot: str, options: Options) -> None:
        self._launched += 1
        self._ids[slot] = f"i-{self._launched:017x}"
        self.cloud.seed([{"id": self._ids[slot], "region": REGION, "options": _in_ec2s_words(options)}])

    def _move(self, slot: str, verb: str) -> None:
        moves = {"stop": self.cloud.stop, "start": self.cloud.start_instance, "terminate": self.cloud.terminate}
        moves[verb](self._ids[slot])

    def _run(self, operation: Operation, wishes: Wishes, trouble: Trouble) -> None:
        side = self._sides[0]
        then, program = self._scene(), Described(wishes, self._ids)
        self.cloud.reset()
        self.cloud.set_faults(*FAULTS[trouble])
        ended = side.runs.run(operation, program)
        struck, sent = self._is_struck(), self._sent()
        meddled = {name: value for fault in FAULTS[trouble] if struck for name, value in fault.options.items()}
        self._end_trouble(then)
        run = Run(
            operation,
            wishes,
            then,
            self._scene(),
            sent,
            ended.failed,
            struck=struck and trouble not in SURVIVED,
            meddled=from_ec2(meddled),
            said=ended.said,
            in_turn=side.runs.in_turn,
            outdated=struck and any(fault.effect == "stale" for fault in FAULTS[trouble]),
        )
        found = [*ended.forbidden, *invariants.violations(run)]
        if not conflicts(wishes):  # or else whoever has edited it takes that back
            side.program = wishes
        if not ended.failed:
            found += _preview(run, side.runs.preview(program))
            side.program = without_aliases(side.program) if operation == "up" else side.program
        if found:
            raise ViolationError("\n".join([f"{operation} with {trouble}:", *found, *ended.failed.values()]))

    def _scene(self) -> Scene:
        runs = self._sides[0].runs
        return Scene(self._instances(), {name: dict(row) for name, row in runs.rows().items()}, runs.replaced())

    def _instances(self) -> dict[str, Instance]:
        views = {view["id"]: view for view in self.cloud.instances()}
        return {
            slot: Instance(
                id_, from_ec2(views[id_]["options"]), views[id_]["state"], views[id_]["metadata_state"] == "pending"
            )
            for slot, id_ in self._ids.items()
        }

    def _sent(self) -> tuple[Sent, ...]:
        slots = {id_: slot for slot, id_ in self._ids.items()}
        return tuple(
            Sent(slots[call["params"]["InstanceId"]], from_ec2(_numbered(call["params"])))
            for call in self.cloud.log(MODIFY)
        )

    def _is_struck(self) -> bool:
        return any(int(str(each["matched"])) >= int(str(each["nth"])) for each in self.cloud.faults())

    def _end_trouble(self, then: Scene) -> None:
        stuck = any(each["effect"] == "stuck" for each in self.cloud.faults())
        self.cloud.clear_faults()
        for slot, instance in then.instances.items() if stuck else ():
            if instance.state == "running":
                self.cloud.change(self._ids[slot], {"metadata_state": "applied"})


def _preview(run: Run, changed: set[str]) -> list[str]:
    """After a run that brought all about nothing is to be done; after a refresh exactly what has drifted."""
    if run.operation == "up":
        return [f"the preview is not empty: {sorted(changed)}"] if changed else []
    if run.operation == "destroy":
        return []
    drifted = set()
    for name, wish in run.program.items():
        truth = run.now.instances[wish.slot]
        row = next((run.now.rows[each] for each in (name, *wish.aliases) if each in run.now.rows), None)
        if row and row["instanceId"] == truth.id and not is_brought_about(wish.options, truth.options):
            drifted.add(name)
    return [f"the preview does not show that {sorted(drifted - changed)} drifted"] if drifted - changed else []


def play(
    cloud: LocalCloud, stacks: Sequence[Runs], steps: Sequence[Step], settings: Mapping[str, object] | None = None
) -> None:
    """Take all the steps on a cloud of their own. Raises :class:`ViolationError`."""
    story = Story(cloud, stacks, settings)
    for step in steps:
        story.take(step)


def _in_ec2s_words(options: Options) -> MetadataOptions:
    words = {option.ec2_name: options[option.name] for option in OPTIONS if option.name in options}
    return cast("MetadataOptions", words)  # the table's names are the type's


def _numbered(params: Mapping[str, str]) -> dict[str, object]:
    return {name: int(value) if value.isdecimal() else value for name, value in params.items()}
