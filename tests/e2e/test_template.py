"""templates/imds-python: what `pulumi new` makes of it, and what that does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pulumi.automation import PulumiCommand

from localcloud.client import LocalCloud
from tests.e2e.fleet import REGION, aws_config, instance, member, modifications
from tests.support.engine import Stack, engine_environment
from tools.sandbox import ROOT

TEMPLATE = ROOT / "templates" / "imds-python"
NAME = "shop-imds"
(READING,) = (
    json.loads(block)["Statement"][0]["Action"]
    for block in re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "ci.md").read_text("utf-8"), re.DOTALL)[:1]
)
"""What docs/ci.md lists for the role of previews."""
FIRST, SECOND, OTHERS = (f"i-{digit * 17}" for digit in "abc")


@pytest.fixture
def project(engine: PulumiCommand, tmp_path: Path) -> Path:
    """A project that `pulumi new` has made, with the packages of this environment instead of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    made = subprocess.run(
        [engine.command, "new", TEMPLATE, "--generate-only", "--yes", "--name", NAME, "--description", "Shop's IMDS"],
        cwd=folder,
        env=engine_environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def files(folder: Path) -> dict[str, str]:
    """The text of all files but those that .gitignore leaves out of a repository."""
    found = (file for file in folder.rglob("*") if file.is_file() and not {".venv", "__pycache__"} & {*file.parts})
    return {str(file.relative_to(folder)): file.read_text("utf-8") for file in found}


@pytest.fixture
def dev(project: Path, tmp_path: Path, engine: PulumiCommand, cloud: LocalCloud) -> Stack:
    """The stack `dev` of the template, with the answers to its questions, on the embedded EC2."""
    settings = yaml.safe_load((project / "stacks" / "Pulumi.dev.yaml").read_text())["config"]
    stack = Stack(project, tmp_path, engine, "dev")
    stack.configure({**settings, **aws_config(cloud), "fleet:team": "shop"})
    return stack


def test_the_new_project_has_the_files_of_the_template_with_its_own_name(project: Path) -> None:
    made, template = files(project), files(TEMPLATE)
    assert set(made) == set(template)
    assert [name for name, text in made.items() if "${PROJECT}" in text or "${DESCRIPTION}" in text] == []
    settings = yaml.safe_load(made["Pulumi.yaml"])
    assert (settings["name"], settings["description"]) == (NAME, "Shop's IMDS")
    assert "template" not in settings
    assert made["README.md"].startswith(f"# {NAME}\n")


def test_a_link_of_the_new_project_leads_to_one_of_its_files_or_to_the_web(project: Path) -> None:
    made = files(project)
    assert [name for name, text in made.items() if "](../" in text] == []


def test_what_pulumi_new_asks_for_is_what_the_program_requires(dev: Stack, project: Path) -> None:
    questions = yaml.safe_load((TEMPLATE / "Pulumi.yaml").read_text())["template"]["config"]
    assert set(questions) == {"aws:region", "fleet:team"}
    stack_file = project / "stacks" / "Pulumi.dev.yaml"
    stack_file.write_text(stack_file.read_text().replace("fleet:team", "fleet:unused"))
    assert "Missing required configuration variable 'fleet:team'" in dev.preview(fails=True).text


def test_a_role_that_may_only_read_plans_what_another_role_then_carries_out(
    dev: Stack, cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.settings(publish="as-aws", metrics_delay=60, allowed=READING)
    cloud.seed([member(FIRST, team="shop"), member(SECOND, team="shop"), member(OTHERS, team="mail")])
    state = sorted(dev.backend.rglob("*"))
    plan = str(tmp_path / "plan.json")
    monkeypatch.setenv("IMDS_PREFLIGHT", "off")
    preview = dev.preview(plan=plan)
    assert preview.steps["create"] >= {f"InstanceMetadataOptions team-{each}" for each in (FIRST, SECOND)}
    assert sorted(dev.backend.rglob("*")) == state, "it needs no permission to write the state"

    cloud.settings(allowed=[*READING, "ec2:ModifyInstanceMetadataOptions"])
    monkeypatch.delenv("IMDS_PREFLIGHT")
    with cloud.hurrying(times=120):
        up = dev.up(plan=plan)
    assert up.steps == preview.steps
    assert up.outputs["fleet"]["applied"] == 2
    both = {"HttpTokens": "required", "HttpPutResponseHopLimit": "2", "HttpEndpoint": "enabled"}
    assert modifications(cloud) == {FIRST: both, SECOND: both}


def test_the_next_step_in_the_program_sets_the_accounts_defaults(dev: Stack, project: Path, cloud: LocalCloud) -> None:
    cloud.seed([instance(OTHERS)])
    program = (project / "__main__.py").read_text()
    step = re.search(r"(?:^# {4}.*\n|^# [A-Za-z]+\($\n|^# \)$\n)+", program, re.MULTILINE)
    assert step is not None
    dev.write_program(
        program.replace("import FleetMetadata", "import AccountMetadata, FleetMetadata").replace(
            step[0], step[0].replace("# ", "")
        )
    )
    dev.up()
    assert cloud.account_defaults(REGION)["HttpTokens"] == "required"


def test_the_tests_of_the_new_project_pass(project: Path) -> None:
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "tests"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tests.returncode == 0, tests.stdout
