"""A sequence of steps, carried out one by one, with everything that must hold looked at after each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from imds_provider.options import OPTIONS, Options, from_ec2
from localcloud.client import LocalCloud
from localcloud.shapes import MetadataOptions
from tests.faults.process import REGION
from tests.model import rules
from tests.model.rules import Instance, Operation, Scene, Sent
from tests.model.runs import Described, Runs
from tests.model.steps import (
    FAULTS,
    MODIFY,
    SLOTS,
    SURVIVED,
    Behind,
    Destroy,
    Launch,
    Manage,
    Move,
    Refresh,
    Release,
    Step,
    Trouble,
    Up,
    Wish,
)

PENDING_SECONDS = 1.0
BETWEEN_STEPS_SECONDS = 60.0
"""Time between two steps, so that an answer of EC2 that is out of date is so by what this run has done."""


class ViolationError(AssertionError):
    """Something that must hold does not."""


class Story:
    """Three instances, a stack that may manage them, and what the model knows of both."""

    def __init__(self, cloud: LocalCloud, runs: Runs, settings: Mapping[str, object] | None = None) -> None:
        self.cloud = cloud
        self._runs = runs
        self._ids: dict[str, str] = {}
        self._program: dict[str, Wish] = {}
        self._before: Mapping[str, Options] = {}
        self._launched = 0
        cloud.wipe()
        cloud.settings(**{"pending": PENDING_SECONDS, **(settings or {})})
        for slot in SLOTS:
            self._launch(slot, {})

    def take(self, step: Step) -> bool:
        """Carry out one step, and say whether it could be taken at all. Raises :class:`ViolationError`."""
        self.cloud.advance(BETWEEN_STEPS_SECONDS)
        if isinstance(step, Launch | Move) and self.is_gone(step.slot) != isinstance(step, Launch):
            return False
        match step:
            case Launch(slot, options):
                self._launch(slot, options)
            case Move(slot, verb):
                self._move(slot, verb)
            case Behind(slot, options):
                self.cloud.change(self._ids[slot], {"options": _in_ec2s_words(options)})
            case Manage(wishes, trouble):
                self._program.update(wishes)
                self._run("up", trouble)
            case Release(slots, trouble):
                self._program = {slot: wish for slot, wish in self._program.items() if slot not in slots}
                self._run("up", trouble)
            case Up(trouble):
                self._run("up", trouble)
            case Refresh(trouble):
                self._run("refresh", trouble)
            case Destroy(trouble):
                self._run("destroy", trouble)
        return True

    def is_gone(self, slot: str) -> bool:
        """Whether the slot's instance is terminated."""
        return self._instances()[slot].gone

    def _launch(self, slot: str, options: Options) -> None:
        self._launched += 1
        self._ids[slot] = f"i-{self._launched:017x}"
        self.cloud.seed([{"id": self._ids[slot], "region": REGION, "options": _in_ec2s_words(options)}])

    def _move(self, slot: str, verb: str) -> None:
        moves = {"stop": self.cloud.stop, "start": self.cloud.start_instance, "terminate": self.cloud.terminate}
        moves[verb](self._ids[slot])

    def _run(self, operation: Operation, trouble: Trouble) -> None:
        then, program = self._scene(), Described(self._program, self._ids)
        self.cloud.reset()
        self.cloud.set_faults(*FAULTS[trouble])
        ended = self._runs.run(operation, program)
        struck, sent = self._is_struck(), self._sent()
        meddled = {name: value for fault in FAULTS[trouble] if struck for name, value in fault.options.items()}
        self._end_trouble(then)
        run = rules.Run(
            operation,
            dict(self._program),
            then,
            self._scene(),
            sent,
            ended.failed,
            struck=struck and trouble not in SURVIVED,
            meddled=from_ec2(meddled),
            before=self._before,
        )
        found = [*ended.forbidden, *rules.violations(run)]
        self._before = rules.first_managed(self._before, run)
        if not ended.failed:
            found += self._preview(run, self._runs.preview(program))
        if found:
            raise ViolationError("\n".join([f"{operation} with {trouble}:", *found, *ended.failed.values()]))

    def _preview(self, run: rules.Run, changed: set[str]) -> list[str]:
        """After a run that brought all about nothing is to be done; after a refresh exactly what has drifted."""
        if run.operation == "up":
            return [f"the preview is not empty: {sorted(changed)}"] if changed else []
        if run.operation == "destroy":
            return []
        drifted = {
            slot
            for slot, wish in run.program.items()
            if slot in run.now.rows and not rules.is_brought_about(wish.options, run.now.instances[slot].options)
        }
        return [f"the preview does not show that {sorted(drifted - changed)} drifted"] if drifted - changed else []

    def _scene(self) -> Scene:
        return Scene(self._instances(), {slot: dict(row) for slot, row in self._runs.rows().items()})

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


def play(cloud: LocalCloud, runs: Runs, steps: Sequence[Step], settings: Mapping[str, object] | None = None) -> None:
    """Take all the steps on a cloud of their own. Raises :class:`ViolationError`."""
    story = Story(cloud, runs, settings)
    for step in steps:
        story.take(step)


def _in_ec2s_words(options: Options) -> MetadataOptions:
    words = {option.ec2_name: options[option.name] for option in OPTIONS if option.name in options}
    return cast("MetadataOptions", words)  # the table's names are the type's


def _numbered(params: Mapping[str, str]) -> dict[str, object]:
    return {name: int(value) if value.isdecimal() else value for name, value in params.items()}
