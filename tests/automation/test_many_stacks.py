"""Forty stacks in one bucket, four at a time: one that fails and one that is killed are the others' concern in nothing.

The report over all of them shows both.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import LocalWorkspace, PulumiCommand

from imds_components import InstanceMetadata
from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.automation.inline import PROJECT, InlineStack, Program, in_account, seed
from tests.support import processes
from tests.support.engine import EngineStack, Run, engine_environment, without_plugin_search
from tests.support.s3_backend import make_bucket

MODIFY = "ModifyInstanceMetadataOptions"
AT_A_TIME = 4
INSTANCES = {f"account-{number:02}": f"i-{number:017x}" for number in range(1, 41)}
FAILING, KILLED = "account-07", "account-23"
PROGRAM = """\
import pulumi
from imds_components import InstanceMetadata

InstanceMetadata("web", instances={"web": pulumi.Config().require("instance")}, http_tokens="required")
"""
HELD_SECONDS = 300.0
"""For longer than the run of all stacks."""


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    # In a process of its own: the programs of all stacks share this one.
    with LocalCloud.start() as cloud:
        yield cloud


def inline(instance: str) -> Program:
    def program() -> None:
        InstanceMetadata("web", instances={"web": instance}, http_tokens="required")

    return program


class ProjectStack(EngineStack):
    """The same program in a file: of an inline one that fails within a resource, Pulumi leaves a loop unclosed."""

    def __init__(self, project: Path, engine: PulumiCommand, name: str, variables: Mapping[str, str]) -> None:
        workspace = LocalWorkspace(work_dir=str(project), pulumi_command=engine, env_vars=dict(variables))
        super().__init__(name, workspace)


def kill_once_held(cloud: LocalCloud, stack: str, run: Future[Run]) -> None:
    """Kill the engine of the stack as soon as EC2 holds its modification."""
    while not any(fault["effect"] == "delay" and int(str(fault["matched"])) for fault in cloud.faults()):
        assert not run.done(), run.result()
        time.sleep(0.05)
    (engine,) = (
        each
        for each in processes.family(os.getpid())
        if Path(each.command.split()[0]).name == "pulumi" and f"--stack {stack}" in each.command
    )
    os.kill(engine.pid, signal.SIGKILL)


def report(project: Path, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `imds-report` in the folder of the project."""
    return subprocess.run(
        [sys.executable, "-m", "imds_components.report", *arguments],
        cwd=project,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


# The Automation API warns of the events that it no longer gets from an engine that was killed.
@pytest.mark.filterwarnings("ignore:Error in event stream:UserWarning")
def test_of_forty_stacks_one_fails_and_one_is_killed_and_the_report_over_all_shows_both(
    cloud: LocalCloud, engine: PulumiCommand, tmp_path: Path
) -> None:
    backend = make_bucket(cloud, "state")
    seed(cloud, *INSTANCES.values())
    project = tmp_path / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
    (project / "__main__.py").write_text(PROGRAM)
    for name in (FAILING, KILLED):
        config = {**in_account(cloud), f"{PROJECT}:instance": INSTANCES[name]}
        (project / f"Pulumi.{name}.yaml").write_text(json.dumps({"config": config}))
    environment = {**without_plugin_search(engine_environment(tmp_path)), **backend}
    cloud.set_faults(
        Fault("error", MODIFY, INSTANCES[FAILING], times=None, code="UnauthorizedOperation"),
        Fault("delay", MODIFY, INSTANCES[KILLED], seconds=HELD_SECONDS),
    )

    def up(name: str) -> Run:
        if name in (FAILING, KILLED):
            return ProjectStack(project, engine, name, environment).up(fails=True)
        stack = InlineStack(tmp_path, engine, name, in_account(cloud), inline(INSTANCES[name]), variables=backend)
        return stack.up()

    with ThreadPoolExecutor(AT_A_TIME) as threads:
        runs: dict[str, Future[Run]] = {name: threads.submit(up, name) for name in INSTANCES}
        kill_once_held(cloud, KILLED, runs[KILLED])
    assert "UnauthorizedOperation" in runs[FAILING].result().text
    others = {name for name in INSTANCES if name not in (FAILING, KILLED)}
    assert all(runs[name].result().steps.get("create") for name in others)
    tokens = {each["id"]: each["options"]["HttpTokens"] for each in cloud.instances()}
    assert {name for name, each in INSTANCES.items() if tokens[each] == "required"} == others

    del environment["PULUMI_CONFIG_PASSPHRASE"]
    cloud.reset()
    shown = report(project, environment, "--all-stacks", "--format", "json", "--fail-on", "incomplete")
    assert shown.returncode == 1, shown.stderr
    failed, killed, found = shown.stderr.splitlines()
    assert failed.startswith(f"{FAILING}: the last update failed")
    assert killed.startswith(f"{KILLED}: an update was killed or is still running")
    assert found == "imds-report: found 2 incomplete."
    assert not any(call["service"] == "ec2" for call in cloud.log())

    records: list[dict[str, Any]] = json.loads(shown.stdout)["records"]
    results = {each["environment"]: each["result"] for each in records if each["record"] == "source"}
    assert results == {**dict.fromkeys(others, "succeeded"), FAILING: "failed", KILLED: "interrupted"}
    compliant = {each["environment"] for each in records if each.get("status") == "compliant"}
    assert compliant == others
