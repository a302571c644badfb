"""Update plans, and options whose changes Pulumi ignores."""

from __future__ import annotations

from pathlib import Path

from localcloud.client import LocalCloud
from tests.e2e.fleet import API, BARRIER, WEB, aws_config, instance, managing, modifications, row
from tests.support.engine import Stack

IGNORING = """
import pulumi
from imds_components import InstanceMetadata

def ignoring(args):
    if not args.type_.endswith("InstanceMetadataOptions"):
        return None
    ignored = pulumi.ResourceOptions(ignore_changes=["httpPutResponseHopLimit"])
    return pulumi.ResourceTransformationResult(args.props, pulumi.ResourceOptions.merge(args.opts, ignored))

InstanceMetadata(
    "web",
    instances={"web": "%s"},
    http_tokens="required",
    http_put_response_hop_limit=%d,
    opts=pulumi.ResourceOptions(transformations=[ignoring]),
)
"""
WEB_ROW = "InstanceMetadataOptions web-web"


def test_a_run_with_a_plan_changes_only_what_the_preview_showed(
    stack: Stack, cloud: LocalCloud, tmp_path: Path
) -> None:
    cloud.seed([instance(WEB), instance(API)])
    stack.configure(managing(cloud, {"web": WEB, "api": API}, httpTokens="required"))
    stack.up()
    modifications(cloud)
    plan = str(tmp_path / "plan.json")

    cloud.change(WEB, {"options": {"HttpTokens": "optional"}})
    stack.preview(plan=plan)
    assert stack.up(plan=plan).steps == {"update": {row("web"), BARRIER}}
    assert set(modifications(cloud)) == {WEB}

    stack.preview(plan=plan)
    cloud.change(API, {"options": {"HttpTokens": "optional"}})
    assert "violates plan" in stack.up(plan=plan, fails=True).text
    assert modifications(cloud) == {}


def test_an_option_whose_changes_are_ignored_keeps_its_recorded_value(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(WEB)])
    stack.configure(aws_config(cloud))
    stack.write_program(IGNORING % (WEB, 2))
    stack.up()
    assert set(modifications(cloud)) == {WEB}

    stack.write_program(IGNORING % (WEB, 3))
    assert stack.preview().steps == {}
    cloud.change(WEB, {"options": {"HttpTokens": "optional"}})
    stack.up()
    assert cloud.instance(WEB)["options"]["HttpTokens"] == "required"
    assert cloud.instance(WEB)["options"]["HttpPutResponseHopLimit"] == 2
