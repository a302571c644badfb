"""templates/imds-python, as it is committed. What it does is tested in tests/e2e/test_template.py."""

from __future__ import annotations

import re
from pathlib import Path

import nox
import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "templates" / "imds-python"
WORKFLOW = yaml.safe_load((TEMPLATE / ".github" / "workflows" / "imds.yml").read_text())
PIPELINE = yaml.safe_load((TEMPLATE / ".gitlab-ci.yml").read_text())
STACKS = sorted(file.name.split(".")[1] for file in (TEMPLATE / "stacks").iterdir())
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
REPOSITORY = PROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]["repository"]
FILES = [file for file in TEMPLATE.rglob("*") if file.is_file() and "__pycache__" not in file.parts]


def test_it_requires_the_version_of_this_repository_that_it_is_part_of() -> None:
    *_, requirement = (TEMPLATE / "requirements.txt").read_text().splitlines()
    assert requirement == f"pulumi-imds[aws,report] @ git+{REPOSITORY}@v{PROJECT['project']['version']}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TEMPLATE)))
def test_what_it_links_to_in_this_repository_exists(file: Path) -> None:
    links = re.findall(rf"{re.escape(REPOSITORY)}/blob/main/([\w./-]*\w)", file.read_text("utf-8"))
    assert [each for each in links if not (ROOT / each).exists()] == []


@pytest.mark.parametrize("name", ["preview", "plan", "up", "repair", "posture"])
def test_every_job_of_the_workflows_runs_for_every_stack(name: str) -> None:
    assert WORKFLOW["jobs"][name]["strategy"]["matrix"]["stack"] == STACKS
    assert PIPELINE[name]["extends"] in (".pulumi", ".preview")
    assert [each["STACK"] for each in PIPELINE[".pulumi"]["parallel"]["matrix"]] == STACKS


def test_a_placeholder_in_yaml_ends_its_line_since_pulumi_new_adds_a_line_break() -> None:
    lines = [line for file in FILES if file.suffix == ".yaml" for line in file.read_text().splitlines()]
    found = [line for line in lines if "${PROJECT}" in line or "${DESCRIPTION}" in line]
    assert [line for line in found if not line.endswith("}")] == []
    assert len(found) == 2


def test_every_action_is_pinned_to_a_commit() -> None:
    used = re.findall(r"uses: (.*)", "\n".join(file.read_text() for file in FILES if file.suffix == ".yml"))
    pinned = re.compile(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert {each for each in used if not pinned.fullmatch(each)} == {"./.github/actions/pulumi"}


def test_no_job_may_do_more_than_it_needs() -> None:
    assert WORKFLOW["permissions"] == {}
    granted = {
        (name, scope)
        for name, job in WORKFLOW["jobs"].items()
        for scope, access in job["permissions"].items()
        if access == "write"
    }
    tokens = {(name, "id-token") for name in ("preview", "plan", "up", "repair", "posture")}
    assert granted == {
        *tokens,
        ("preview", "pull-requests"),
        ("posture", "security-events"),
        ("report", "issues"),
    }


def test_only_what_runs_from_the_default_branch_gets_the_role_that_changes_instances() -> None:
    roles = {
        name: next(step["with"]["role"] for step in job["steps"] if "role" in step.get("with", {}))
        for name, job in WORKFLOW["jobs"].items()
        if name not in ("test", "report")
    }
    changing = {name for name, role in roles.items() if role == "imds-up"}
    assert changing == {"up", "repair"}
    assert all("environment" in WORKFLOW["jobs"][name] for name in changing)
    assert {name for name, job in PIPELINE.items() if job_role(job) == "imds-up"} == changing


def job_role(job: object) -> object:
    return job.get("variables", {}).get("ROLE") if isinstance(job, dict) else None
