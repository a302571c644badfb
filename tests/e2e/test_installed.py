"""A project of someone else, whose environment has the built wheel, and nothing of this repository."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from pulumi.automation import PulumiCommand

from localcloud.client import LocalCloud
from tests.e2e.fleet import WEB, aws_config, instance, modifications
from tests.support.engine import Stack, engine_environment
from tests.support.installed import install_into_new_environment
from tools.distributions import build
from tools.sandbox import ROOT

STATE = ROOT / "tests" / "contract" / "fixtures" / "0.4.0" / "state.json"
PROJECT = {
    "Pulumi.yaml": "name: shop\nruntime: python\n",
    "components/__init__.py": "",
    "components/servers.py": """
import pulumi
import pulumi_aws as aws
from imds_components import InstanceMetadata


class Servers(pulumi.ComponentResource):
    def __init__(self, name, old):
        super().__init__("shop:index:Servers", name)
        child = pulumi.ResourceOptions(parent=self)
        web = aws.ec2.Instance(f"{name}-web", ami="ami-760aaa0f", instance_type="t3.micro", opts=child)
        metadata = InstanceMetadata(name, instances={"web": web, "old": old}, http_tokens="required", opts=child)
        self.applied_ids = metadata.applied_ids
""",
    "components/surroundings.py": """
import sys

from pulumi.dynamic import CreateResult, Resource, ResourceProvider


def surroundings():
    import components, imds_components, imds_provider, pulumi

    modules = [components, imds_components, imds_provider, pulumi]
    return {"modules": {each.__name__: each.__file__ for each in modules}, "path": sys.path}


class _Provider(ResourceProvider):
    def create(self, props):
        return CreateResult("surroundings", surroundings())


class Surroundings(Resource):
    def __init__(self, name):
        super().__init__(_Provider(), name, {"modules": None, "path": None})
""",
    "__main__.py": f"""
import pulumi
from components.servers import Servers
from components.surroundings import Surroundings, surroundings

servers = Servers("shop", "{WEB}")
host = Surroundings("host")
pulumi.export("appliedIds", servers.applied_ids)
pulumi.export("program", surroundings())
pulumi.export("host", {{"modules": host.modules, "path": host.path}})
""",
}


@pytest.fixture
def site_packages(tmp_path: Path) -> Path:
    (wheel,) = (file for file in build(ROOT, tmp_path / "dist", epoch="1700000000") if file.suffix == ".whl")
    return install_into_new_environment(wheel, tmp_path / "venv")


@pytest.fixture
def shop(tmp_path: Path, engine: PulumiCommand, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack of the other project, which runs in the environment with the wheel."""
    project = tmp_path / "shop"
    for name, text in PROJECT.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    path = os.pathsep.join([str(tmp_path / "venv" / "bin"), engine_environment(tmp_path)["PATH"]])
    stack = Stack(project, tmp_path, engine, "test", variables={"PATH": path})
    stack.search_for_plugins()
    return stack


def test_the_wheel_writes_the_page_of_a_report(site_packages: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    command: list[str | Path] = [tmp_path / "venv" / "bin" / "imds-report", STATE, "--output", "report.html"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, cwd=folder, env=environment, check=True)
    page = (folder / "report.html").read_text("utf-8")
    files = sorted(file for file in (site_packages / "imds_components/report/page").iterdir() if file.suffix != ".py")
    assert {file.suffix for file in files} >= {".css", ".js", ".j2"}
    assert [file.name for file in files if file.suffix in {".css", ".js"} and file.read_text("utf-8") not in page] == []


def test_the_wheel_works_beside_components_of_the_project_that_uses_it(
    site_packages: Path, shop: Stack, cloud: LocalCloud, tmp_path: Path
) -> None:
    cloud.seed([instance(WEB)])
    shop.configure(aws_config(cloud))
    up = shop.up()

    launched = next(view["id"] for view in cloud.instances() if view["id"] != WEB)
    assert set(up.outputs["appliedIds"]) == {WEB, launched}
    assert {view["options"]["HttpTokens"] for view in cloud.instances()} == {"required"}

    for process in ("program", "host"):
        modules = up.outputs[process]["modules"]
        own = modules.pop("components")
        assert Path(own) == tmp_path / "shop" / "components" / "__init__.py"
        assert len(modules) == 3
        assert [file for file in modules.values() if not Path(file).is_relative_to(site_packages)] == []
        path = [Path(entry).resolve() for entry in up.outputs[process]["path"]]
        assert [entry for entry in path if entry.is_relative_to(ROOT)] == []

    modifications(cloud)
    assert shop.up().steps == {}
    assert modifications(cloud) == {}

    report = [str(tmp_path / "venv" / "bin" / "imds-report"), "--stack", "test", "--format", "json"]
    ran = subprocess.run(report, cwd=shop.project, env=shop.variables, check=True, capture_output=True, timeout=60)
    records = json.loads(ran.stdout)["records"]
    assert {each["instance"]: each["status"] for each in records if each["record"] == "instance"} == {
        WEB: "compliant",
        launched: "compliant",
    }
