"""A stack of two instances and the account's defaults on an embedded EC2, run by the real engine.

Its runs can be killed.
"""

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
from typing import Any

from imds_provider.rules.account_defaults import from_ec2
from localcloud.client import LocalCloud
from localcloud.ec2.account_json import AccountDefaults
from localcloud.ec2.instances import MetadataOptions, Seed
from tests.kill.kill_points import ACCOUNT, CALLS, DESCRIBE, HOLD_SECONDS, A, B, KillPoint, Operation
from tests.support import processes
from tests.support.cli import CommandLine, Ended, aws_config
from tests.support.ec2_options import to_ec2
from tests.support.state_file import checkpoint, state_file

PROGRAM = Path(__file__).parent / "program"
REGION = "eu-west-1"
UP = ("up", "--yes", "--skip-preview")

PENDING_SECONDS = 0.2
"""How long after a change it is applied, and the account's defaults show it; in a run to be killed, FOREVER_SECONDS."""
FOREVER_SECONDS = 100_000
RUN_SECONDS = 90
"""How long a run may take to reach its kill point."""
NOTICE_SECONDS = 1.0
"""How long after the end of the engine a call of its host may still arrive that was on its way."""
PULUMI_SECONDS = 20.0
"""How long Pulumi may take to exit without its host, including 5 s that it gives the program."""
END_SECONDS = 5.0
"""How long after Pulumi's exit and EC2's last answer the other processes may live on."""

BEFORE: Mapping[str, MetadataOptions] = {
    A: {"HttpPutResponseHopLimit": 64},
    B: {"HttpPutResponseHopLimit": 5, "InstanceMetadataTags": "enabled"},
}
DEFAULTS_BEFORE: AccountDefaults = {"HttpPutResponseHopLimit": 5, "InstanceMetadataTags": "enabled"}
TIMEOUT_SECONDS = 30


class ViolationError(Exception):
    """Something that must hold does not."""


@dataclass(frozen=True)
class Killed:
    """How a run that was killed ended."""

    code: int
    text: str
    seconds_until_all_had_ended: float


class KillableStack:
    """One stack. ``home`` is an empty folder; the cloud is wiped."""

    def __init__(self, home: Path, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.pulumi = CommandLine(Path(shutil.copytree(PROGRAM, home / "program")), home)
        cloud.wipe()
        cloud.settings(pending=PENDING_SECONDS, defaults_delay=PENDING_SECONDS)
        cloud.seed([Seed(id=each, region=REGION, options=options) for each, options in BEFORE.items()])
        cloud.set_account_defaults(REGION, DEFAULTS_BEFORE)
        self.expected = self.truth()
        self.pulumi.run("stack", "init", succeeds=True)

    def plan(self, operation: Operation, *, timeout_seconds: int = TIMEOUT_SECONDS) -> None:
        """Configure the operation of the next `up`. ``expected`` is what EC2 is to have afterwards."""
        previous = self.previous()
        for each, options in self.expected.items():
            options.update(previous.get(each, {}) if operation == "delete" else wanted(operation))
        self.pulumi.configure(
            {
                **aws_config(self.cloud, REGION),
                "kill:instances": json.dumps({} if operation == "delete" else {"a": A, "b": B}),
                "kill:account": operation != "delete",
                "kill:hopLimit": wanted(operation)["HttpPutResponseHopLimit"],
                "kill:timeoutSeconds": timeout_seconds,
            }
        )

    def up(self) -> Ended:
        return self.pulumi.run(*UP)

    def kill(
        self, kill_point: KillPoint, *, hold_seconds: float = HOLD_SECONDS, end_seconds: float = END_SECONDS
    ) -> Killed:
        """Start an `up`, kill the victim at the kill point and wait until no process of the run is left.

        Raises :class:`ViolationError` if the run never reaches the kill point, if the host lives on without its engine,
        or if anything is sent once the host had time to notice.
        """
        self.cloud.settings(pending=FOREVER_SECONDS, defaults_delay=FOREVER_SECONDS)
        self.cloud.reset()
        self.cloud.set_faults(*kill_point.faults(hold_seconds))
        with self.pulumi.start(*UP) as process:
            self.until(lambda: self._is_at(kill_point), process, f"the run never reached {kill_point}")
            family = processes.family(process.pid)
            victim = process.pid if kill_point.victim == "engine" else host_of(family).pid
            if kill_point.moment == "answered":
                os.kill(victim, signal.SIGSTOP)
                self.until(lambda: self._is_answered(kill_point), process, f"EC2 did not answer at {kill_point}")
            os.kill(victim, signal.SIGKILL)
            killed, on_the_clock = time.monotonic(), time.time()
            self.pulumi.wait(process, PULUMI_SECONDS)
            self.until_ended(family, end_seconds, host_is_idle=kill_point.call == "survey")
            ended = time.monotonic() - killed
            code, text = process.returncode, self.pulumi.output()
        late = [each["action"] for each in self.cloud.log() if each["time"] > on_the_clock + NOTICE_SECONDS]
        if late:
            raise ViolationError(f"sent more than {NOTICE_SECONDS:g} s after the {kill_point.victim} ended: {late}")
        if code == 0:
            raise ViolationError(f"the run that was killed succeeded:\n{text}")
        self.cloud.clear_faults()
        self.cloud.settings(pending=PENDING_SECONDS, defaults_delay=PENDING_SECONDS)
        self.cloud.advance(FOREVER_SECONDS)
        self.cloud.reset()
        return Killed(code, text, ended)

    def until_ended(
        self, family: list[processes.Process], seconds: float = END_SECONDS, *, host_is_idle: bool = False
    ) -> None:
        """Wait until no process of the run is left, except those that run only Pulumi's own code.

        That is its language host, and a dynamic host that ``host_is_idle``: the engine has started it, and asked it for
        no resource yet, so it has not loaded the provider. It is ended here.
        """
        ours = [each for each in family if not (_is_language_host(each) or (host_is_idle and _is_dynamic_host(each)))]
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
        return {
            each["urn"].rpartition("::")[2]: each
            for each in self._checkpoint().get("resources", ())
            if each.get("custom") and not each["type"].startswith("pulumi:providers:")
        }

    def pending_operations(self) -> int:
        """How many operations Pulumi has recorded as begun and not as ended."""
        return len(self._checkpoint().get("pending_operations", ()))

    def _checkpoint(self) -> Mapping[str, Any]:
        return checkpoint(self.pulumi.backend, self.pulumi.stack)

    def truth(self) -> dict[str, MetadataOptions]:
        """The options that EC2 has, by instance, and the defaults of the :data:`ACCOUNT`."""
        instances = {each["id"]: each["options"] for each in self.cloud.instances()}
        defaults = from_ec2(dict(self.cloud.account_defaults(REGION)))
        return {**instances, ACCOUNT: to_ec2(defaults.values)}

    def previous(self) -> dict[str, MetadataOptions]:
        """The options that the state would restore, by instance, and those of the :data:`ACCOUNT`."""
        rows = [each["outputs"] for each in self.resources().values() if "previous" in each["outputs"]]
        return {subject(each): to_ec2(each["previous"]) for each in rows}

    def repair_backend(self) -> bool:
        """Remove the attributes file beside the state file if it is empty, and return whether it was.

        Pulumi's file backend writes it in place, and cannot open a stack whose attributes file is empty because the
        engine was killed meanwhile: "failed to load checkpoint: EOF".
        """
        state = state_file(self.pulumi.backend, self.pulumi.stack)
        attributes = state.with_name(f"{state.name}.attrs")
        if attributes.exists() and not attributes.read_text():
            attributes.unlink()
            return True
        return False

    def is_locked(self) -> bool:
        return any(each.is_file() for each in (self.pulumi.backend / ".pulumi" / "locks").rglob("*.json"))

    def _is_at(self, kill_point: KillPoint) -> bool:
        call = CALLS[kill_point.call]
        if kill_point.call == "last-poll" and len(self.cloud.log(DESCRIBE)) >= CALLS["first-poll"].nth:
            self.cloud.advance(FOREVER_SECONDS)
        if any(int(str(each["matched"])) < call.nth for each in self.cloud.faults()):
            return False
        if kill_point.moment == "unsent" or call.modifies is None:
            return True
        return self.truth()[call.modifies] == self.expected[call.modifies]

    def _is_answered(self, kill_point: KillPoint) -> bool:
        call = CALLS[kill_point.call]
        answered = [
            each
            for each in self.cloud.log(call.action)
            if call.instance is None or call.instance in each["instance_ids"]
        ]
        return len(answered) >= call.nth

    def until(self, holds: Callable[[], bool], process: subprocess.Popen[bytes], otherwise: str) -> None:
        """Poll while the process runs. Raises :class:`ViolationError` if it ends, or takes too long, before that."""
        end = time.monotonic() + RUN_SECONDS
        while not holds():
            if process.poll() is not None or time.monotonic() > end:
                raise ViolationError(f"{otherwise}:\n{self.pulumi.output()}")
            time.sleep(0.01)


def wanted(operation: Operation) -> MetadataOptions:
    """The options that the program sets, except after a delete."""
    return {"HttpTokens": "required", "HttpPutResponseHopLimit": 2 if operation == "create" else 3}


def subject(outputs: Mapping[str, Any]) -> str:
    """What a resource with these outputs manages: an instance, or the :data:`ACCOUNT`."""
    return str(outputs.get("instanceId", ACCOUNT))


def host_of(family: list[processes.Process]) -> processes.Process:
    """The dynamic host, as opposed to the shell that it may have for a parent."""
    (host,) = (each for each in family if "-m pulumi.dynamic" in each.command)
    return host


def _is_dynamic_host(process: processes.Process) -> bool:
    """The dynamic host, or the shell that it may have for a parent."""
    return any(name in process.command for name in ("-m pulumi.dynamic", "pulumi-resource-pulumi-python"))


def _is_language_host(process: processes.Process) -> bool:
    """Pulumi's own, which sends nothing; whether it notices the end of its engine is up to Pulumi."""
    return "pulumi-language-python " in process.command
