"""The same sequences by the real Pulumi engine."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from localcloud.client import LocalCloud
from tests.model.edits import conflicts
from tests.model.runs import REASON, DeclaredProgram, Ended
from tests.model.search import Found, explore
from tests.model.simulation import Simulation
from tests.model.snapshots import Operation, Outputs
from tests.model.state_machine import Model
from tests.support.cli import CommandLine, aws_config
from tests.support.provider_run import REGION
from tests.support.state_file import checkpoint

PROGRAM = Path(__file__).parent / "program"
STEPS = 6
"""The most steps of a sequence: a run of the engine takes 4 s."""
PENDING_SECONDS = 0.2
TIMEOUT_SECONDS = 20

_ARGUMENTS: Mapping[Operation, tuple[str, ...]] = {
    "up": ("up", "--yes", "--skip-preview", "--continue-on-error"),
    "refresh": ("refresh", "--yes", "--skip-preview"),
    "destroy": ("destroy", "--yes", "--skip-preview"),
}
_ROW = "InstanceMetadataOptions"


class EngineRuns:
    """One stack of one project, used for one sequence after another. ``home`` is a folder that does not exist yet.

    Each row of the program is a resource of its own or, ``in_components``, the only one of a component.
    """

    diffs_first = False
    in_components = False

    def __init__(self, cloud: LocalCloud, home: Path) -> None:
        home.mkdir()
        self._cloud = cloud
        self._pulumi = CommandLine(Path(shutil.copytree(PROGRAM, home / "program")), home)
        # Without this the engine refuses to write its events to a file.
        self._pulumi.environment["PULUMI_DEBUG_COMMANDS"] = "true"
        self._events = home / "events"
        self._empty = home / "empty.json"
        self._pulumi.run("stack", "init", succeeds=True)
        self._pulumi.run("stack", "export", "--file", str(self._empty), succeeds=True)

    def reset(self) -> None:
        """Empty the stack for another sequence."""
        self._pulumi.run("stack", "import", "--force", "--file", str(self._empty), succeeds=True)

    def run(self, operation: Operation, program: DeclaredProgram) -> Ended:
        self._configure(program)
        if operation == "up" and conflicts(program.declarations):
            # As people do: without a preview the first of two deciders would go ahead.
            preview = self._pulumi.run("preview")
            return Ended({"program": preview.text} if preview.code else {}, output=preview.text)
        self._events.unlink(missing_ok=True)
        ended = self._pulumi.run(*_ARGUMENTS[operation], "--event-log", str(self._events))
        failed = dict.fromkeys(self._failed(), ended.text)
        return Ended(failed if failed or not ended.code else {"program": ended.text}, output=ended.text)

    def preview(self, program: DeclaredProgram) -> set[str]:
        self._configure(program)
        preview = self._pulumi.run("preview", "--json", succeeds=not self.in_components)
        if preview.code:
            return set(program.declarations)  # a component describes the instances, and fails on what cannot be done
        steps = json.loads(preview.text).get("steps", ())
        return {_name(step["urn"]) for step in steps if step["op"] not in ("same", "read") and _is_ours(step["urn"])}

    def rows(self) -> Mapping[str, Outputs]:
        return {_name(each["urn"]): each.get("outputs", {}) for each in self._recorded() if not each.get("delete")}

    def replaced(self) -> Sequence[Outputs]:
        return [each.get("outputs", {}) for each in self._recorded() if each.get("delete")]

    def _recorded(self) -> Iterator[Mapping[str, Any]]:
        resources = checkpoint(self._pulumi.backend, self._pulumi.stack).get("resources", ())
        return (each for each in resources if _is_ours(each["urn"]) and _ROW in each["urn"])

    def _configure(self, program: DeclaredProgram) -> None:
        rows = {
            name: {
                "instance": program.ids[declared.slot],
                "options": declared.options,
                "wait": declared.wait,
                "end": declared.on_destroy,
                "reason": REASON if declared.may_loosen else None,
                "aliases": declared.aliases,
            }
            for name, declared in program.declarations.items()
        }
        self._pulumi.configure(
            {
                **aws_config(self._cloud, REGION),
                "aws:maxRetries": "2",
                "model:rows": json.dumps(rows),
                "model:inComponents": json.dumps(self.in_components),
                "model:timeoutSeconds": TIMEOUT_SECONDS,
            }
        )

    def _failed(self) -> Iterator[str]:
        for line in self._events.read_text().splitlines() if self._events.exists() else ():
            if failed := json.loads(line).get("resOpFailedEvent"):
                yield _name(failed["metadata"]["urn"])


def search_with_engine(sequences: int, seed: int, progress: Callable[[str], None]) -> Found:
    """Run so many short sequences on two stacks, fewer if something is found, and report progress before each."""
    with LocalCloud.in_process() as cloud, tempfile.TemporaryDirectory(prefix="pulumi-imds-model-") as home:
        stacks = [EngineRuns(cloud, Path(home) / name) for name in ("first", "second")]

        class EngineModel(Model):
            @classmethod
            def begin(cls, settings: dict[str, object]) -> Simulation:
                progress(f"{cls.sequences} sequences, {cls.taken} steps")
                in_components = settings.pop("in_components") is True
                for each in stacks:
                    each.reset()
                    each.in_components = in_components
                return Simulation(cloud, stacks, {**settings, "pending": PENDING_SECONDS})

        violated = explore(EngineModel, seed, sequences=sequences, steps=STEPS, shrink=False)
        return Found(EngineModel.taken, violated, EngineModel.sequences)


def _is_ours(urn: str) -> bool:
    return "pulumi-python:dynamic/imds:" in urn


def _name(urn: str) -> str:
    """The row's name in the model, which in a component is the component's."""
    return urn.rpartition("::")[2].removesuffix("-it")
