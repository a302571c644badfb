"""What the metadata promise is what CI, `make pythons` and `make lowest` test."""

from __future__ import annotations

import re
from pathlib import Path

import nox
import pytest
import yaml
from packaging.requirements import Requirement

import noxfile

ROOT = Path(__file__).parents[2]
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")["project"]
REQUIREMENTS = [
    Requirement(each)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for each in group
]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w-]+(/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def test_every_dependency_has_a_lower_bound_that_make_lowest_installs() -> None:
    requirements = {each.name: each for each in REQUIREMENTS}
    pinned = dict(each.split("==") for each in noxfile.lowest_versions())
    assert pinned.keys() == requirements.keys()
    assert [name for name, version in pinned.items() if version not in requirements[name].specifier] == []


def test_every_dependency_excludes_the_next_major_version() -> None:
    assert [each.name for each in REQUIREMENTS if "<" not in {bound.operator for bound in each.specifier}] == []


def test_the_pythons_of_the_classifiers_are_those_that_nox_and_ci_test() -> None:
    promised = re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
    assert promised
    assert promised == noxfile.quick.python
    ci = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert promised == ci["jobs"]["quick"]["strategy"]["matrix"]["python"]
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_the_install_page_has_the_required_engine_as_this_project_has_it() -> None:
    required = next(line for line in (ROOT / "Pulumi.yaml").read_text().splitlines() if "requiredPulumiVersion" in line)
    assert f"\n{required}\n" in (ROOT / "docs" / "install.md").read_text()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_runs_actions_of_a_known_commit_and_grants_nothing_to_all_jobs(workflow: Path) -> None:
    text = workflow.read_text()
    used = re.findall(r"uses: (.+)", text)
    assert used
    assert [each for each in used if not PINNED.fullmatch(each)] == []
    assert yaml.safe_load(text)["permissions"] == {}
