"""The real Pulumi engine for tests: a stack in a folder of its own, and what each of its runs did and showed."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest
from pulumi import automation
from pulumi.automation._stack import StackInitMode
from pulumi.automation.events import DiagnosticEvent, StepEventMetadata

from tests.support.state_file import checkpoint
from tools.engine.policy_packs import variables
from tools.sandbox import environment

NO_PLUGINS = Path(__file__).parent / "no_plugins"
_QUIET_STEPS = ("same", "refresh", "read")
_PROVIDER = "pulumi:providers:"


class _Result(Protocol):
    stdout: str
    stderr: str


@dataclass(frozen=True)
class PolicyViolation:
    """A violation that a policy pack reported; ``resource`` is named as in :class:`Run`."""

    policy: str
    level: str
    resource: str
    message: str


@dataclass(frozen=True)
class Run:
    """What one run of the engine did and showed.

    A resource is named by the last part of its type and its name: ``InstanceMetadataOptions instances-web``.
    """

    text: str
    events: tuple[automation.EngineEvent, ...]

    @property
    def steps(self) -> dict[str, set[str]]:
        """The resources that were not left alone, by operation: ``{"update": {...}}``."""
        steps: dict[str, set[str]] = {}
        for step in self._finished():
            if step.op not in _QUIET_STEPS and _is_resource(step):
                steps.setdefault(step.op.value, set()).add(_name(step.type, step.urn))
        return steps

    @property
    def failed(self) -> set[str]:
        """The resources on which an operation failed."""
        failed = (event.res_op_failed_event.metadata for event in self.events if event.res_op_failed_event)
        return {_name(step.type, step.urn) for step in failed}

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The outputs of the stack after the run."""
        (stack,) = (step for step in self._finished() if step.type == "pulumi:pulumi:Stack")
        return stack.new.outputs or {} if stack.new else {}

    @property
    def violations(self) -> list[PolicyViolation]:
        """What the policy pack reported, each message without the policy's description."""
        found = (event.policy_event for event in self.events if event.policy_event)
        return [
            PolicyViolation(
                each.policy_name,
                each.enforcement_level,
                _name(each.resource_urn.rpartition("::")[0].rpartition("$")[2], each.resource_urn),
                _plain(each.message).partition("\n")[2].strip(),
            )
            for each in found
            if each.resource_urn
        ]

    def changes(self, resource: str) -> dict[str, tuple[object, object]]:
        """The inputs of a resource that changed, each with the old and the new value; None stands for not set."""
        (step,) = (step for step in self._finished() if _name(step.type, step.urn) == resource)
        old, new = ((side.inputs if side else None) or {} for side in (step.old, step.new))
        return {key: (old.get(key), new.get(key)) for key in sorted({*old, *new}) if old.get(key) != new.get(key)}

    def messages(self, severity: str) -> list[str]:
        """The messages of the program and the providers that stay: ``info``, ``warning`` or ``error``."""
        return [
            each.message.strip() for each in self._diagnostics() if each.severity == severity and not each.ephemeral
        ]

    @property
    def progress(self) -> list[str]:
        """The messages that the engine's display shows only for a moment."""
        return [each.message.strip() for each in self._diagnostics() if each.ephemeral]

    def _diagnostics(self) -> Iterator[DiagnosticEvent]:
        return (event.diagnostic_event for event in self.events if event.diagnostic_event)

    def _finished(self) -> Iterator[StepEventMetadata]:
        return (event.res_outputs_event.metadata for event in self.events if event.res_outputs_event)


class _QuietStack(automation.Stack):
    """Requests neither outputs nor history after a run: the events have both, and it takes three more commands."""

    def outputs(self) -> automation.OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> automation.UpdateSummary:  # noqa: ARG002, FBT001, FBT002  its base has it
        return automation.UpdateSummary("", datetime.now(timezone.utc), "", {}, {}, "")


class EngineStack:
    """A stack of a workspace.

    Every operation returns its :class:`Run`, and fails the test if it does not end as expected.
    """

    def __init__(self, name: str, workspace: automation.LocalWorkspace) -> None:
        self._stack = _QuietStack(name, workspace, StackInitMode.CREATE)
        self._packs: list[str] | None = None
        self._pack_configs: list[str] | None = None

    def preview(self, *, fails: bool = False, plan: str | None = None) -> Run:
        preview = partial(
            self._stack.preview, plan=plan, policy_packs=self._packs, policy_pack_configs=self._pack_configs
        )
        return _run(preview, fails=fails)

    def up(
        self,
        *,
        fails: bool = False,
        refresh: bool = False,
        continue_on_error: bool = False,
        plan: str | None = None,
    ) -> Run:
        up = partial(
            self._stack.up,
            refresh=refresh,
            continue_on_error=continue_on_error,
            plan=plan,
            policy_packs=self._packs,
            policy_pack_configs=self._pack_configs,
        )
        return _run(up, fails=fails)

    def refresh(self) -> Run:
        return _run(self._stack.refresh, fails=False)

    def destroy(self, *, run_program: bool = False) -> Run:
        return _run(partial(self._stack.destroy, run_program=run_program), fails=False)


class Stack(EngineStack):
    """A stack of a project that is in a folder of its own, on a backend of its own.

    ``variables`` override the environment of its runs, for a stack whose backend is elsewhere. No run searches for
    plugins to download unless :meth:`search_for_plugins` is called.
    """

    def __init__(
        self,
        project: Path,
        home: Path,
        command: automation.PulumiCommand,
        name: str,
        *,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.project = project
        self._name = name
        self.backend = home / "state"
        workspace = automation.LocalWorkspace(
            work_dir=str(project),
            pulumi_command=command,
            env_vars={**without_plugin_search(engine_environment(home)), **(variables or {})},
        )
        super().__init__(name, workspace)
        stacks = project / "stacks"
        self.config_file = (stacks if stacks.exists() else project) / f"Pulumi.{name}.yaml"
        self._salt_line = next(line for line in self.config_file.read_text().splitlines() if "encryptionsalt" in line)

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment of its runs."""
        return self._stack.workspace.env_vars

    def configure(self, config: Mapping[str, object]) -> None:
        """Give the stack this configuration and no other."""
        # JSON is YAML.
        self.config_file.write_text(f"{self._salt_line}\nconfig: {json.dumps(config)}\n")

    def search_for_plugins(self) -> None:
        """Have each run search for plugins, as users' runs do."""
        workspace = self._stack.workspace
        workspace.env_vars = {name: value for name, value in workspace.env_vars.items() if name != "PYTHONPATH"}

    def apply_policies(self, pack: Path, config: Mapping[str, object]) -> None:
        """Have previews and runs judged by the policy pack, with this configuration."""
        workspace = self._stack.workspace
        workspace.env_vars = {**workspace.env_vars, **variables(pack)}
        file = self.project.parent / "policy-config.json"
        file.write_text(json.dumps(config))
        self._packs, self._pack_configs = [str(pack)], [str(file)]

    def analyze(self) -> automation.CommandResult:
        """Have the policy pack judge the recorded state: `pulumi policy analyze`. Raises for mandatory violations."""
        workspace = self._stack.workspace
        packs = [f"--policy-pack={each}" for each in self._packs or ()]
        configs = [f"--policy-pack-config={each}" for each in self._pack_configs or ()]
        return workspace.pulumi_command.run(
            ["policy", "analyze", "--stack", self._name, *packs, *configs],
            str(self.project),
            {**os.environ, **workspace.env_vars},
        )

    def write_program(self, text: str) -> None:
        """Replace the project's program."""
        (self.project / "__main__.py").write_text(text)

    def configure_secret(self, key: str, value: str) -> None:
        """Add an encrypted value to the configuration."""
        self._stack.set_config(key, automation.ConfigValue(value, secret=True))

    def resources(self) -> dict[str, Mapping[str, Any]]:
        """The recorded resources."""
        return _by_name(checkpoint(self.backend, self._name).get("resources", ()))

    def exported_resources(self) -> dict[str, Mapping[str, Any]]:
        """The recorded resources as `pulumi stack export --show-secrets` shows them."""
        return _by_name((self._stack.export_stack().deployment or {}).get("resources", ()))


def _by_name(resources: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {
        _name(each["type"], each["urn"]): each
        for each in resources
        if each.get("custom") and not each["type"].startswith(_PROVIDER)
    }


def engine_environment(home: Path) -> dict[str, str]:
    """The environment of a run, with this Python before any other and nothing of this user's AWS configuration."""
    sandbox = environment(home)
    return {
        **sandbox,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), sandbox["PATH"]]),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def without_plugin_search(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which the language host finds no package that may have a plugin.

    Listing every installed package takes a fifth of a run or more, and the engine finds what a program uses anyway.
    """
    modules = [str(NO_PLUGINS), environment.get("PYTHONPATH", "")]
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, modules))}


def find_engine() -> automation.PulumiCommand:
    """The engine on PATH. Fails, and never skips, where there is none."""
    if shutil.which("pulumi") is None:
        pytest.fail(
            "There is no Pulumi engine on PATH: run these tests by `make test`, or put the folder on PATH that "
            "`make engine` prints as its last line."
        )
    return automation.PulumiCommand()


def copy_project(source: Path, target: Path) -> Path:
    """Copy a project of this repository, since a run may write to its folder."""
    target.mkdir()
    for name in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(source / name, target)
    if (source / "stacks").exists():
        shutil.copytree(source / "stacks", target / "stacks")
    # What `virtualenv` in Pulumi.yaml names.
    (target / ".venv").symlink_to(sys.prefix)
    return target


def _run(operation: Callable[..., _Result], *, fails: bool) -> Run:
    events: list[automation.EngineEvent] = []
    try:
        result = operation(on_event=events.append, color="never")
    except automation.CommandError as error:
        run = Run(str(error), tuple(events))
        assert fails, run.text
        return run
    run = Run(f"{result.stdout}\n{result.stderr}", tuple(events))
    assert not fails, f"this should have failed:\n{run.text}"
    return run


def _plain(message: str) -> str:
    """A message of the engine without its colors: ``<{%reset%}>``."""
    return re.sub(r"<\{%.*?%\}>", "", message)


def _is_resource(step: StepEventMetadata) -> bool:
    state = step.new or step.old
    return bool(state and state.custom) and not step.type.startswith(_PROVIDER)


def _name(type_token: str, urn: str) -> str:
    return f"{type_token.rpartition(':')[2]} {urn.rpartition('::')[2]}"
