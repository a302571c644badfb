"""templates/imds-python: what `pulumi new` makes of it, and what that does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from pulumi.automation import PulumiCommand

from localcloud.client import LocalCloud
from localcloud.ec2.instances import MetadataOptions
from tests.e2e.fleet import REGION, aws_config, instance, member, modifications
from tests.support.engine import Stack, engine_environment, without_plugin_search
from tools.sandbox import ROOT

TEMPLATE = ROOT / "templates" / "imds-python"
NAME = "shop-imds"
(READING,) = (
    json.loads(block)["Statement"][0]["Action"]
    for block in re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "ci.md").read_text("utf-8"), re.DOTALL)[:1]
)
"""What docs/ci.md lists for the role of previews."""
PIPELINE = yaml.safe_load((TEMPLATE / ".gitlab-ci.yml").read_text())
WORKFLOW = yaml.safe_load((TEMPLATE / ".github" / "workflows" / "imds.yml").read_text())
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


def run_job(name: str, project: Path, home: Path, *, succeeds: bool = True) -> str:
    """The output of a job of the GitLab pipeline for the stack `dev`, without its installation of packages."""
    hidden = PIPELINE[PIPELINE[name]["extends"]]
    variables = {
        **engine_environment(home),
        **hidden.get("variables", {}),
        **PIPELINE[name].get("variables", {}),
        "STACK": "dev",
        "AWS_TOKEN": "a token",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "token"),
    }
    variables.pop("AWS_ROLE_ARN", None)  # The stack file has credentials for the embedded EC2.
    commands = [each for each in PIPELINE[".pulumi"]["before_script"] if each != "pulumi install"]
    return run_script("\n".join([*commands, *PIPELINE[name]["script"]]), project, variables, succeeds=succeeds)


def run_step(job: str, name: str, project: Path, home: Path, **variables: str) -> str:
    """The output of a step of the GitHub workflow that is a script, for the stack `dev`."""
    (step,) = (each for each in WORKFLOW["jobs"][job]["steps"] if each.get("name") == name)
    return run_script(step["run"], project, {**engine_environment(home), "STACK": "dev", **variables})


def run_script(script: str, project: Path, variables: Mapping[str, str], *, succeeds: bool = True) -> str:
    ended = subprocess.run(
        ["/bin/bash", "-eo", "pipefail", "-c", script],
        cwd=project,
        env=without_plugin_search(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (ended.returncode == 0) == succeeds, ended.stdout
    return ended.stdout


def test_the_pipeline_previews_and_plans_with_a_role_that_may_only_read_and_another_carries_out_the_plan(
    dev: Stack, project: Path, cloud: LocalCloud, tmp_path: Path
) -> None:
    cloud.settings(publish="as-aws", metrics_delay=60, allowed=READING)
    cloud.seed([member(FIRST, team="shop"), member(SECOND, team="shop"), member(OTHERS, team="mail")])
    state = sorted(dev.backend.rglob("*"))
    run_job("preview", project, tmp_path)
    assert "httpTokens: optional -> required 2" in (project / "preview.txt").read_text()
    assert "httpTokens: optional -> required 2" in run_job("plan", project, tmp_path)
    assert sorted(dev.backend.rglob("*")) == state, "it needs no permission to write the state"

    cloud.settings(allowed=[*READING, "ec2:ModifyInstanceMetadataOptions"])
    with cloud.hurrying(times=120):
        run_job("up", project, tmp_path)
    both = {"HttpTokens": "required", "HttpPutResponseHopLimit": "2", "HttpEndpoint": "enabled"}
    assert modifications(cloud) == {FIRST: both, SECOND: both}


def test_the_nightly_repair_fixes_drift_and_fails_for_what_it_may_not_change(
    dev: Stack, project: Path, cloud: LocalCloud, tmp_path: Path
) -> None:
    complying: MetadataOptions = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}
    cloud.seed([member(each, complying, team="shop") for each in (FIRST, SECOND)])
    dev.up()
    cloud.settings(publish="as-aws", metrics_delay=60)
    cloud.change(FIRST, {"options": {"HttpTokens": "optional"}})
    with cloud.hurrying(times=120):
        run_job("repair", project, tmp_path)
    assert set(modifications(cloud)) == {FIRST}

    cloud.change(FIRST, {"options": {"HttpTokens": "optional"}})
    cloud.settings(allowed=READING)
    failed = run_job("repair", project, tmp_path, succeeds=False)
    assert "ec2:ModifyInstanceMetadataOptions" in failed
    assert cloud.instance(FIRST)["options"]["HttpTokens"] == "optional"


def test_the_nightly_report_is_a_page_a_summary_and_alerts_made_with_a_role_that_may_only_read(
    dev: Stack, project: Path, cloud: LocalCloud, tmp_path: Path
) -> None:
    complying: MetadataOptions = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}
    cloud.seed([member(each, complying, team="shop") for each in (FIRST, SECOND)])
    dev.up()
    state = sorted(dev.backend.rglob("*"))
    run_job("posture", project, tmp_path)
    assert FIRST in (project / "posture.html").read_text("utf-8")
    assert "**2 of 2 instances comply (100%).**" in (project / "posture.md").read_text("utf-8")
    (run,) = json.loads((project / "posture.sarif").read_text("utf-8"))["runs"]
    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"], "an upload closes the alerts that it lacks"
    assert sorted(dev.backend.rglob("*")) == state, "it needs no permission to write the state"

    summary = tmp_path / "summary.md"
    run_step("posture", "Report the posture", project, tmp_path, GITHUB_STEP_SUMMARY=str(summary))
    assert "2 of 2 instances comply" in summary.read_text("utf-8")


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
