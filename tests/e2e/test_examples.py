"""The projects in examples: a preview shows what the README quotes, a run does it, a second one finds nothing to do."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from pulumi.automation import PulumiCommand

from localcloud.client import LocalCloud
from localcloud.ec2.launch_seeds import VersionSeed
from tests.e2e.fleet import REGION, aws_config, instance, member, modifications, tokens
from tests.support.engine import Run, Stack, copy_project, engine_environment, without_plugin_search
from tools.sandbox import ROOT

EXAMPLES = ROOT / "examples"
SHOP = [f"i-05a0000000000000{number}" for number in range(1, 7)]
IMAGE, NEWER_IMAGE = "ami-760aaa0f", "ami-1e749f67"
TEMPLATE = "lt-0123456789abcdef0"
SENT = {"HttpTokens": "required", "HttpEndpoint": "enabled"}
HURRY = 120
"""How many times as fast the clock of the embedded EC2 runs while a fleet waits for CloudWatch."""

Example = Callable[..., Stack]


@pytest.fixture
def example(engine: PulumiCommand, cloud: LocalCloud, tmp_path: Path) -> Example:
    """Makes a stack of a copy of an example, given its name and the keys of its configuration."""

    def make(name: str, copy: str = "project", **config: object) -> Stack:
        folder = tmp_path / copy
        folder.mkdir()
        stack = Stack(copy_project(EXAMPLES / name, folder / name), folder, engine, "test")
        stack.configure({**aws_config(cloud), **{f"{name}:{key}": value for key, value in config.items()}})
        return stack

    return make


def program(name: str) -> str:
    return (EXAMPLES / name / "__main__.py").read_text("utf-8")


def without(text: str, *lines: str) -> str:
    """The program without these lines, each of which it has."""
    for line in lines:
        assert line in text
        text = text.replace(line, "")
    return text


def shown(*runs: Run) -> list[str]:
    """The lines that the engine's display shows of the program and the providers."""
    found = [each for run in runs for severity in ("info", "warning", "error") for each in run.messages(severity)]
    return [line.strip() for each in found for line in each.splitlines()]


def assert_quoted(name: str, lines: list[str]) -> None:
    """Every line of output that the README quotes ends one of these, but for what it leaves out by `…`.

    The engine puts the name of the resource before some messages.
    """
    text = (EXAMPLES / name / "README.md").read_text("utf-8")
    blocks = re.findall(r"^ *```\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    quoted = [line.strip() for block in blocks for line in block.splitlines()]
    assert quoted
    patterns = [re.compile(".+?".join(map(re.escape, line.split("…"))) + "$") for line in quoted]
    assert [each.pattern for each in patterns if not any(map(each.search, lines))] == []


def previewed_and_done(stack: Stack, cloud: LocalCloud) -> tuple[Run, Run]:
    """A preview, which sends nothing, and the run, which does the same."""
    preview = stack.preview()
    assert modifications(cloud) == {}
    with cloud.hurrying(times=HURRY):
        up = stack.up()
    assert up.steps == preview.steps
    return preview, up


def nothing_left_and_destroyed(stack: Stack, cloud: LocalCloud) -> None:
    """A second run finds nothing to do, and a destroy leaves the options of all instances as they are."""
    modifications(cloud)
    assert stack.up().steps == {}
    stack.destroy()
    assert stack.resources() == {}
    assert modifications(cloud) == {}


def test_adopt(example: Example, cloud: LocalCloud) -> None:
    billing, mail = "i-0123456789abcdef0", "i-0fedcba9876543210"
    cloud.seed([instance(billing), instance(mail, state="stopped")])
    stack = example("adopt", instances={"billing": billing, "mail": mail})
    preview, up = previewed_and_done(stack, cloud)
    assert_quoted("adopt", shown(preview))
    assert up.outputs == {"appliedIds": [billing], "pendingStartIds": [mail]}
    assert modifications(cloud) == {billing: SENT, mail: SENT}
    nothing_left_and_destroyed(stack, cloud)


def test_fleet(example: Example, cloud: LocalCloud) -> None:
    cloud.seed([member(each, team="shop") for each in SHOP])
    stack = example("fleet", team="shop", exempt=SHOP[-1])
    preview, up = previewed_and_done(stack, cloud)
    assert_quoted("fleet", shown(preview))
    assert up.outputs["fleet"]["notCompliant"] == [SHOP[-1]]
    assert set(modifications(cloud)) == set(SHOP[:-1])
    nothing_left_and_destroyed(stack, cloud)


def test_autoscaling(example: Example, cloud: LocalCloud) -> None:
    cloud.seed_images([{"id": IMAGE, "region": REGION}])
    stack = example("autoscaling", ami=IMAGE)
    stack.write_program(without(program("autoscaling"), "launch_defaults(http_put_response_hop_limit=2)\n"))
    first = stack.up()
    assert "selects no instance in eu-west-1: check select, instances and the region." in shown(first)
    stack.write_program(program("autoscaling"))
    preview, up = previewed_and_done(stack, cloud)
    assert preview.steps["update"] >= {"LaunchTemplate workers", "Group workers"}
    assert_quoted("autoscaling", shown(preview))
    assert up.outputs["fleet"]["applied"] == len(modifications(cloud)) == 2

    ec2 = boto3.client("ec2", **cloud.connection(REGION))
    (template,) = ec2.describe_launch_templates()["LaunchTemplates"]
    latest = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"], Versions=["$Latest"])
    (version,) = latest["LaunchTemplateVersions"]
    options = version["LaunchTemplateData"]["MetadataOptions"]
    assert options == {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}
    again = stack.up()
    assert again.steps == {}
    assert again.messages("warning") == []
    stack.destroy()
    assert {each["state"] for each in cloud.instances()} == {"terminated"}


def test_regions(example: Example, cloud: LocalCloud) -> None:
    here, abroad = SHOP[:2], SHOP[2:4]
    cloud.seed([member(each, team="shop") for each in here])
    cloud.seed([{**member(each, team="shop"), "region": "us-east-1"} for each in abroad])
    stack = example("regions", regions=[REGION, "us-east-1"])
    preview, up = previewed_and_done(stack, cloud)
    assert_quoted("regions", shown(preview))
    assert up.outputs["fleet"]["applied"] == 4
    assert modifications(cloud) == dict.fromkeys(here + abroad, SENT)
    nothing_left_and_destroyed(stack, cloud)


def test_account(example: Example, cloud: LocalCloud) -> None:
    cloud.seed([member(each) for each in SHOP[:2]])
    looser: VersionSeed = {"image": IMAGE, "options": {"HttpTokens": "optional"}}
    cloud.seed_templates([{"id": TEMPLATE, "name": "web", "region": REGION, "versions": [looser]}])
    cloud.seed_groups([{"name": "web", "region": REGION, "template": {"name": "web"}, "instances": []}])
    stack = example("account")
    refused = stack.preview(fails=True)

    ec2 = boto3.client("ec2", **cloud.connection(REGION))
    fixed = {"ImageId": IMAGE, "MetadataOptions": {"HttpTokens": "required"}}
    ec2.create_launch_template_version(LaunchTemplateId=TEMPLATE, LaunchTemplateData=fixed)  # type: ignore[arg-type]  # as EC2 has it
    ec2.modify_launch_template(LaunchTemplateId=TEMPLATE, DefaultVersion="2")
    preview, up = previewed_and_done(stack, cloud)
    assert_quoted("account", shown(refused, preview))
    assert up.outputs["account"]["enforced"] == [REGION]
    assert tokens(cloud, SHOP[:2]) == {"required"}
    nothing_left_and_destroyed(stack, cloud)
    assert cloud.account_defaults(REGION)["HttpTokensEnforced"] == "enabled", "retained"


IGNORED = '    opts=pulumi.ResourceOptions(ignore_changes=["metadataOptions"]),\n'
OPTIONS = '    metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2},\n'
ATTACHED = 'InstanceMetadata("web", instances=web, http_tokens="required", http_put_response_hop_limit=2)\n'
OURS = {"InstanceMetadataOptions web-web", "MetadataOptionsApplied web"}


def loosened(cloud: LocalCloud) -> str:
    """Loosen the one running instance, and return its ID."""
    (running,) = (each["id"] for each in cloud.instances() if each["state"] == "running")
    cloud.change(running, {"options": {"HttpTokens": "optional"}})
    return running


def test_handover_sends_nothing_and_drift_is_repaired_by_ours_alone(example: Example, cloud: LocalCloud) -> None:
    stack = example("handover", ami=IMAGE)
    stack.write_program(without(program("handover"), IGNORED, ATTACHED))
    assert stack.up().steps == {"create": {"Instance web"}}
    stack.write_program(program("handover"))
    preview, up = previewed_and_done(stack, cloud)
    assert_quoted("handover", shown(preview))
    assert up.steps == {"create": OURS}
    assert modifications(cloud) == {}

    web = loosened(cloud)
    assert stack.up(refresh=True).steps == {"update": OURS}
    assert stack.resources()["Instance web"]["outputs"]["metadataOptions"]["httpTokens"] == "optional"
    assert modifications(cloud) == {web: SENT}

    stack.configure({**aws_config(cloud), "handover:ami": NEWER_IMAGE})
    assert stack.up().steps["replace"] == {"Instance web", "InstanceMetadataOptions web-web"}
    (launch,) = cloud.log("RunInstances")
    assert launch["params"]["MetadataOptions.HttpTokens"] == "required", "though the refresh has recorded optional"
    assert modifications(cloud) == {}
    nothing_left_and_destroyed(stack, cloud)


def test_handover_in_the_other_order_sends_nothing_either(example: Example, cloud: LocalCloud) -> None:
    stack = example("handover", ami=IMAGE)
    both = without(program("handover"), IGNORED)
    stack.write_program(both)
    stack.up()
    assert modifications(cloud) == {}

    stack.write_program(both.replace("hop_limit=2)", "hop_limit=3)"))
    assert stack.up().steps == {"update": OURS}
    assert stack.up(refresh=True).steps == {"update": {"Instance web"}}, "which undoes it"
    cloud.reset()
    stack.write_program(program("handover"))
    stack.up()

    stack.write_program(
        without(both, OPTIONS)
        .replace("import InstanceMetadata", "import InstanceMetadata, launch_defaults")
        .replace("web = ", "launch_defaults(http_put_response_hop_limit=2)\nweb = ")
    )
    assert stack.up(refresh=True).steps == {}
    assert modifications(cloud) == {}


def test_automation(engine: PulumiCommand, cloud: LocalCloud, tmp_path: Path) -> None:
    ours, theirs = "123456789012", "210987654321"
    here, there = SHOP[:2]
    cloud.seed([instance(here), {**instance(there), "account": theirs}])
    variables = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": cloud.url}
    variables |= dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "local")
    environment = {**without_plugin_search(engine_environment(tmp_path)), **variables}
    environment["PATH"] = f"{Path(engine.command).parent}:{environment['PATH']}"

    def deploy(*arguments: str) -> str:
        command = [sys.executable, str(EXAMPLES / "automation" / "deploy.py"), *arguments]
        with cloud.hurrying(times=HURRY):
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    preview = deploy("preview", ours)
    assert_quoted("automation", [line.strip() for line in preview.splitlines()])
    assert modifications(cloud) == {}
    deploy("up", ours, theirs)
    accounts = {call["account"] for call in cloud.log("ModifyInstanceMetadataOptions")}
    assert accounts == {ours, theirs}
    assert modifications(cloud) == dict.fromkeys((here, there), SENT)
    assert "9 unchanged" in deploy("up", ours)
    deploy("destroy", ours)
    assert modifications(cloud) == {}


def test_teams_that_claim_one_instance_undo_each_other_without_an_error(example: Example, cloud: LocalCloud) -> None:
    ours, theirs = SHOP[:2]
    cloud.seed([member(ours, team="shop"), member(theirs, team="search")])
    shop = example("teams", "shop", team="shop", hopLimit=1)
    search = example("teams", "search", team="search", hopLimit=2)
    preview, _ = previewed_and_done(shop, cloud)
    assert modifications(cloud) == {ours: SENT}
    claiming = f'select={{"tag:Team": [team]}},\n    instances=["{ours}"],'
    search.write_program(program("teams").replace('select={"tag:Team": [team]},', claiming))
    with cloud.hurrying(times=HURRY):
        search.up()
    two = {**SENT, "HttpPutResponseHopLimit": "2"}
    assert modifications(cloud) == {ours: two, theirs: two}
    drift, _ = previewed_and_done(shop, cloud)
    assert modifications(cloud)[ours]["HttpPutResponseHopLimit"] == "1"
    assert_quoted("teams", shown(preview, drift))

    search.write_program(program("teams"))
    assert search.up().steps["delete"] == {f"InstanceMetadataOptions search-{ours}"}
    nothing_left_and_destroyed(shop, cloud)
