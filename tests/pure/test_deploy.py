"""deploy/: what runs the stacks of many accounts, held against the schemas of who reads it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from imds_components.stacks.stack_file import Origin

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
WORKFLOW = DEPLOY / "github-actions" / ".github" / "workflows" / "imds-accounts.yml"
STACK = "Prod_1-111111111111-eu-west-1"


@cache
def crd(name: str) -> dict[str, Any]:
    """The schema of the version that is stored, which refuses keys that the API server would drop."""
    definition = yaml.load((Path(__file__).parent / "operator_crds" / f"{name}.yaml").read_text(), yaml.CSafeLoader)
    [version] = [each for each in definition["spec"]["versions"] if each["storage"]]
    closed: dict[str, Any] = _closed(version["schema"]["openAPIV3Schema"])
    closed["properties"]["metadata"] = {"type": "object"}
    return closed


def _closed(schema: Any) -> Any:  # noqa: ANN401  JSON Schema
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(value) for key, value in schema.items()}
    is_open = "additionalProperties" in made or made.get("x-kubernetes-preserve-unknown-fields")
    if made.get("type") == "object" and "properties" in made and not is_open:
        made["additionalProperties"] = False
    if made.pop("x-kubernetes-int-or-string", False):
        made.pop("type", None)
        made["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the stack file of an account, one of a person, and deploy/."""
    (tmp_path / "stacks").mkdir()
    header = Origin("all.yaml", "111111111111", "eu-west-1").header
    (tmp_path / "stacks" / f"Pulumi.{STACK}.yaml").write_text(f"{header}config: {{}}\n")
    (tmp_path / "stacks" / "Pulumi.mine.yaml").write_text("config: {}\n")
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    return tmp_path


def overlaid(folder: Path) -> list[dict[str, Any]]:
    """The objects of a kustomization, with its patches that replace values."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    objects: list[dict[str, Any]] = []
    for resource in kustomization["resources"]:
        path = folder / resource
        objects += overlaid(path) if path.is_dir() else [yaml.safe_load(path.read_text())]
    for patch in kustomization.get("patches", ()):
        for step in yaml.safe_load(patch["patch"]):
            *outer, last = step["path"].strip("/").split("/")
            for each in objects:
                inner = each
                for key in outer:
                    inner = inner[key]
                assert step["op"] == "replace"
                assert last in inner
                inner[last] = step["value"]
    return objects


def test_each_stack_file_gets_a_stack_that_the_operator_takes(project: Path) -> None:
    script = project / "deploy" / "kubernetes" / "overlays.sh"
    subprocess.run([script], cwd=project, check=True)
    [made] = overlaid(project / "deploy" / "kubernetes" / "stacks")
    jsonschema.validate(made, crd("pulumi.com_stacks"))
    assert made["spec"]["stack"] == STACK
    assert re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", made["metadata"]["name"])


def test_deleting_the_object_of_a_stack_leaves_the_instances_as_they_are() -> None:
    spec = yaml.safe_load((DEPLOY / "kubernetes" / "base" / "stack.yaml").read_text())["spec"]
    assert spec["destroyOnFinalize"] is False


def test_the_workspace_of_a_stack_is_one_that_the_operator_takes() -> None:
    stack = yaml.safe_load((DEPLOY / "kubernetes" / "base" / "stack.yaml").read_text())
    workspace = {"apiVersion": "auto.pulumi.com/v1alpha1", "kind": "Workspace", **stack["spec"]["workspaceTemplate"]}
    jsonschema.validate(workspace, crd("auto.pulumi.com_workspaces"))


@pytest.mark.parametrize("change", [{"projectRepository": "x"}, {"resyncFrequencySeconds": "daily"}])
def test_a_key_or_value_that_the_operator_does_not_know_is_noticed(change: dict[str, Any]) -> None:
    stack = yaml.safe_load((DEPLOY / "kubernetes" / "base" / "stack.yaml").read_text())
    stack["spec"] |= change
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(stack, crd("pulumi.com_stacks"))


def test_the_workflow_finds_the_stack_files_that_imds_stacks_wrote(project: Path) -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text())
    [command] = [each["run"] for each in workflow["jobs"]["stacks"]["steps"] if each.get("id") == "list"]
    listing = command[command.index("(") + 1 : command.index("| sed")]
    found = subprocess.run(["/bin/sh", "-c", listing], cwd=project, check=True, capture_output=True, text=True)
    assert found.stdout == f"stacks/Pulumi.{STACK}.yaml\n"


def test_every_job_of_the_workflow_is_pinned_and_may_do_no_more_than_it_needs() -> None:
    pinned = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [each for each in re.findall(r"uses: (.*)", WORKFLOW.read_text()) if not pinned.fullmatch(each)] == []
    workflow = yaml.safe_load(WORKFLOW.read_text())
    assert workflow["permissions"] == {}
    for name in ("preview", "up"):
        job = workflow["jobs"][name]
        assert job["strategy"]["fail-fast"] is False
        assert job["permissions"] == {"contents": "read", "id-token": "write"}


def test_the_actions_are_those_of_the_template() -> None:
    template = ROOT / "templates" / "imds-python" / ".github"
    known = {each for file in template.rglob("*.yml") for each in re.findall(r"uses: (\S+@.*)", file.read_text())}
    assert set(re.findall(r"uses: (.*)", WORKFLOW.read_text())) <= known


def test_the_settings_of_pulumi_deployments_are_those_of_the_engines_own_type() -> None:
    content = yaml.safe_load((DEPLOY / "pulumi-deployments" / "Pulumi.STACK.deploy.yaml").read_text())
    jsonschema.validate(json.loads(json.dumps(content)), DEPLOYMENT)


def _of(**properties: object) -> dict[str, object]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


TEXT, FLAG, TEXTS = {"type": "string"}, {"type": "boolean"}, {"type": "array", "items": {"type": "string"}}
DEPLOYMENT = _of(
    settings=_of(
        sourceContext=_of(git=_of(repoUrl=TEXT, branch=TEXT, repoDir=TEXT, commit=TEXT)),
        gitHub=_of(repository=TEXT, deployCommits=FLAG, previewPullRequests=FLAG, paths=TEXTS),
        operationContext=_of(
            oidc=_of(aws=_of(roleArn=TEXT, sessionName=TEXT, duration=TEXT, policyArns=TEXTS)),
            preRunCommands=TEXTS,
            environmentVariables={"type": "object", "additionalProperties": TEXT},
        ),
    )
)
"""Source: ``apitype.DeploymentSettings`` of the Pulumi SDK for Go, 3.259, by its YAML keys, as far as it is used."""
