"""A stack of two instances on an embedded EC2, run by the real engine, whose runs can be cut off."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from imds_provider.rules.options import OPTIONS
from localcloud.client import LocalCloud
from localcloud.ec2.instances import MetadataOptions, Seed
from tests.kill.kill_points import CALLS, DESCRIBE, HOLD_SECONDS, MODIFY, A, B, Boundary, Operation
from tests.support import processes
from tests.support.cli import CommandLine, Ended, aws_config

PROGRAM = Path(__file__).parent / "program"
REGION = "eu-west-1"
UP = ("up", "--yes", "--skip-preview")

PENDING_SECONDS = 0.2
FOREVER_SECONDS = 100_000
RUN_SECONDS = 90
"""How long a run may take to come to its boundary."""
NOTICE_SECONDS = 1.0
"""How long after the end of the engine a call of its orphan may still arrive: it was on its way."""
PULUMI_SECONDS = 20.0
"""How long Pulumi may take to end without its host: it gives the program 5 s of its own."""
END_SECONDS = 5.0
"""How long after the end of Pulumi, and EC2's last answer, the others may live on."""

BEFORE: Mapping[str, MetadataOptions] = {
    A: {"HttpPutResponseHopLimit": 64},
    B: {"HttpPutResponseHopLimit": 5, "InstanceMetadataTags": "enabled"},
}
TIMEOUT_SECONDS = 30


class ViolationError(Exception):
    """Something that was promised does not hold."""


@dataclass(frozen=True)
class Cut:
    """What became of a run that was cut off."""

    code: int
    text: str
    seconds_until_all_had_ended: float


class Scene:
    """One stack. ``home`` is an empty folder; the cloud is wiped."""

    def __init__(self, home: Path, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.pulumi = CommandLine(Path(shutil.copytree(PROGRAM, home / "program")), home)
        self._state = self.pulumi.state / ".pulumi" / "stacks" / "kill" / f"{self.pulumi.stack}.json"
        cloud.wipe()
        cloud.settings(pending=PENDING_SECONDS)
        cloud.seed([Seed(id=each, region=REGION, options=options) for each, options in BEFORE.items()])
        self.expected = self.truth()
        self.pulumi.run("stack", "init", done=True)

    def want(self, operation: Operation, *, timeout_seconds: int = TIMEOUT_SECONDS) -> None:
        """Have the next `up` do this. ``expected`` is how EC2 is to be afterwards."""
        for instance_id, options in self.expected.items():
            options.update(self.previous().get(instance_id, {}) if operation == "delete" else wanted(operation))
        self.pulumi.configure(
            {
                **aws_config(self.cloud, REGION),
                "kill:instances": json.dumps({} if operation == "delete" else {"a": A, "b": B}),
                "kill:hopLimit": wanted(operation)["HttpPutResponseHopLimit"],
                "kill:timeoutSeconds": timeout_seconds,
            }
        )

    def up(self) -> Ended:
        return self.pulumi.run(*UP)

    def cut(self, boundary: Boundary, *, hold_seconds: float = HOLD_SECONDS, end_seconds: float = END_SECONDS) -> Cut:
        """Start an `up`, kill the victim at the boundary and wait until nothing of the run is left.

        Raises :class:`ViolationError` if the run never comes to the boundary, if the host lives on without its engine,
        or if anything is sent once it had time to notice.
        """
        self.cloud.settings(pending=FOREVER_SECONDS)
        self.cloud.reset()
        self.cloud.set_faults(*boundary.faults(hold_seconds))
        with self.pulumi.start(*UP) as process:
            self.until(lambda: self._is_at(boundary), process, f"the run never came to {boundary}")
            family = processes.family(process.pid)
            victim = process.pid if boundary.victim == "engine" else host_of(family).pid
            if boundary.moment == "answered":
                os.kill(victim, signal.SIGSTOP)
                self.until(lambda: self._is_answered(boundary), process, f"EC2 did not answer at {boundary}")
            os.kill(victim, signal.SIGKILL)
            killed, on_the_clock = time.monotonic(), time.time()
            self.pulumi.wait(process, PULUMI_SECONDS)
            self.until_ended(family, end_seconds)
            ended = time.monotonic() - killed
            code, text = process.returncode, self.pulumi.said()
        late = [each["action"] for each in self.cloud.log() if each["time"] > on_the_clock + NOTICE_SECONDS]
        if late:
            raise ViolationError(f"sent more than {NOTICE_SECONDS:g} s after the {boundary.victim} ended: {late}")
        if code == 0:
            raise ViolationError(f"the run that was cut off counts as done:\n{text}")
        self.cloud.clear_faults()
        self.cloud.settings(pending=PENDING_SECONDS)
        self.cloud.advance(FOREVER_SECONDS)
        self.cloud.reset()
        return Cut(code, text, ended)

    def until_ended(self, family: list[processes.Process], seconds: float = END_SECONDS) -> None:
        """Wait until none of the run's processes that are this project's business are left."""
        ours = [each for each in family if not _is_language_host(each)]
        end = time.monotonic() + seconds
        while remaining := processes.left(ours):
            if time.monotonic() > end:
                names = ", ".join(each.command for each in remaining)
                processes.kill(remaining)
                raise ViolationError(f"still there after {seconds:g} s: {names}")
            time.sleep(0.05)
        processes.kill(processes.left(family))

    def resources(self) -> dict[str, Mapping[str, Any]]:
        """The custom resources in the state by their name, without providers."""
        latest = json.loads(self._state.read_text())["checkpoint"]["latest"] or {}
        return {
            each["urn"].rpartition("::")[2]: each
            for each in latest.get("resources", ())
            if each.get("custom") and not each["type"].startswith("pulumi:providers:")
        }

    def pending_operations(self) -> int:
        """How many operations Pulumi has recorded as begun and not as ended."""
        return len(json.loads(self._state.read_text())["checkpoint"]["latest"].get("pending_operations", ()))

    def truth(self) -> dict[str, MetadataOptions]:
        """What EC2 has."""
        return {each["id"]: each["options"] for each in self.cloud.instances()}

    def previous(self) -> dict[str, MetadataOptions]:
        """What the state would put back, by instance."""
        rows = [each["outputs"] for each in self.resources().values() if "previous" in each["outputs"]]
        return {each["instanceId"]: in_ec2s_words(each["previous"]) for each in rows}

    def mend_backend(self) -> bool:
        """Remove the description of the state file if the engine was killed while it wrote that.

        Pulumi's backend in a folder keeps it beside the file, writes it in place, and cannot open a stack whose
        description is empty: "failed to load checkpoint: EOF".
        """
        description = self._state.with_name(f"{self._state.name}.attrs")
        if description.exists() and not description.read_text():
            description.unlink()
            return True
        return False

    def is_locked(self) -> bool:
        return any(each.is_file() for each in (self._state.parents[2] / "locks").rglob("*.json"))

    def _is_at(self, boundary: Boundary) -> bool:
        call = CALLS[boundary.call]
        if boundary.call == "last-poll" and len(self.cloud.log(DESCRIBE)) >= CALLS["first-poll"].nth:
            self.cloud.advance(FOREVER_SECONDS)
        if any(int(str(each["matched"])) < call.nth for each in self.cloud.faults()):
            return False
        return boundary.moment == "unsent" or call.action != MODIFY or self._is_carried_out(call.instance)

    def _is_carried_out(self, instance: str | None) -> bool:
        view = self.cloud.instance(str(instance))
        return view["options"] == self.expected[str(instance)]

    def _is_answered(self, boundary: Boundary) -> bool:
        call = CALLS[boundary.call]
        answered = [
            each
            for each in self.cloud.log(call.action)
            if call.instance is None or call.instance in each["instance_ids"]
        ]
        return len(answered) >= call.nth

    def until(self, holds: Callable[[], bool], process: subprocess.Popen[bytes], otherwise: str) -> None:
        """Look again and again while the run goes on. Raises :class:`ViolationError` when it ends before it holds."""
        end = time.monotonic() + RUN_SECONDS
        while not holds():
            if process.poll() is not None or time.monotonic() > end:
                raise ViolationError(f"{otherwise}:\n{self.pulumi.said()}")
            time.sleep(0.01)


def wanted(operation: Operation) -> MetadataOptions:
    """What the program asks for; after `delete` nobody does."""
    return {"HttpTokens": "required", "HttpPutResponseHopLimit": 2 if operation == "create" else 3}


def in_ec2s_words(options: Mapping[str, Any]) -> MetadataOptions:
    """Options of a property bag as EC2 has them."""
    names = {option.name: option.ec2_name for option in OPTIONS}
    return cast("MetadataOptions", {names[name]: value for name, value in options.items() if name in names})


def host_of(family: list[processes.Process]) -> processes.Process:
    """The dynamic host, as opposed to the shell that it may have for a parent."""
    (host,) = (each for each in family if "-m pulumi.dynamic" in each.command)
    return host


def _is_language_host(process: processes.Process) -> bool:
    """Pulumi's own, which has nothing to send; whether it notices the end of its engine is Pulumi's business."""
    return "pulumi-language-python " in process.command
