"""The projects in examples: what their READMEs show, a second run without changes, and a destroy."""

from __future__ import annotations

import pytest

from localcloud.client import LocalCloud
from tests.e2e.conftest import StackOf
from tests.e2e.fleet import IN_ORDER, REGION, aws_config, errors, instance, member, modifications, tokens
from tests.support.engine import Run, Stack
from tools.sandbox import ROOT

EXAMPLES = ROOT / "examples"


def show(run, title):
    print("=====", title)
    print(run.steps)
    for s in ("info", "warning", "error"):
        for m in run.messages(s):
            print(f"[{s}]", m)
    return run


def test_adopt(stack_of: StackOf, cloud: LocalCloud) -> None:
    stack = stack_of(EXAMPLES / "adopt", "test")
    A, B = "i-0123456789abcdef0", "i-0fedcba9876543210"
    cloud.seed([instance(A), instance(B, state="stopped"), ])
    stack.configure({**aws_config(cloud), "adopt:instances": {"billing": A, "mail": B}})
    show(stack.preview(), "preview")
    up = show(stack.up(), "up")
    print(up.outputs, modifications(cloud))
    show(stack.up(), "up2")
    show(stack.destroy(), "destroy")
    print(modifications(cloud))
    assert 0


def test_fleet(stack_of: StackOf, cloud: LocalCloud) -> None:
    stack = stack_of(EXAMPLES / "fleet", "test")
    cloud.seed([member(each, team="shop") for each in IN_ORDER[:6]])
    stack.configure({**aws_config(cloud), "fleet:team": "shop", "fleet:exempt": IN_ORDER[5]})
    show(stack.preview(), "preview")
    with cloud.hurrying(times=60):
        up = show(stack.up(), "up")
    print(up.outputs, list(modifications(cloud)), up.progress)
    show(stack.up(), "up2")
    show(stack.destroy(), "destroy")
    print(modifications(cloud))
    assert 0


def test_autoscaling(stack_of: StackOf, cloud: LocalCloud) -> None:
    stack = stack_of(EXAMPLES / "autoscaling", "test")
    cloud.seed_images([{"id": "ami-760aaa0f", "region": REGION}])
    stack.configure({**aws_config(cloud), "autoscaling:ami": "ami-760aaa0f"})
    text = (EXAMPLES / "autoscaling" / "__main__.py").read_text()
    before = text.replace("launch_defaults(http_put_response_hop_limit=2)", "").partition("fleet = ")[0]
    show(stack.preview(), "preview from scratch")
    stack.write_program(before)
    show(stack.up(), "before")
    print(cloud.instances())
    stack.write_program(text)
    show(stack.preview(), "preview")
    with cloud.hurrying(times=60):
        up = show(stack.up(), "up")
    print(up.outputs, (modifications(cloud)))
    show(stack.up(), "up2")
    show(stack.destroy(), "destroy")
    print([i["state"] for i in cloud.instances()])
    assert 0


def test_regions(stack_of: StackOf, cloud: LocalCloud) -> None:
    stack = stack_of(EXAMPLES / "regions", "test")
    cloud.seed([{**member(each, team="shop"), "region": r} for each, r in zip(IN_ORDER[:4], ("eu-west-1", "eu-west-1", "us-east-1", "us-east-1"))])
    stack.configure({**aws_config(cloud), "regions:regions": ["eu-west-1", "us-east-1"]})
    show(stack.preview(), "preview")
    with cloud.hurrying(times=60):
        up = show(stack.up(), "up")
    print(up.outputs, list(modifications(cloud)))
    show(stack.up(), "up2")
    show(stack.destroy(), "destroy")
    assert 0


def test_account(stack_of: StackOf, cloud: LocalCloud) -> None:
    stack = stack_of(EXAMPLES / "account", "test")
    cloud.seed([member(each, team="shop") for each in IN_ORDER[:2]])
    stack.configure({**aws_config(cloud)})
    cloud.seed_templates([{"id": "lt-0123456789abcdef0", "name": "web", "region": REGION, "versions": [{"image": "ami-760aaa0f", "options": {"HttpTokens": "optional"}}]}])
    cloud.seed_groups([{"name": "web", "region": REGION, "template": {"name": "web"}, "instances": []}])
    show(stack.preview(fails=True), "preview")
    import boto3
    ec2 = boto3.client("ec2", **cloud.connection(REGION))
    ec2.create_launch_template_version(LaunchTemplateName="web", LaunchTemplateData={"ImageId": "ami-760aaa0f", "MetadataOptions": {"HttpTokens": "required"}})
    ec2.modify_launch_template(LaunchTemplateName="web", DefaultVersion="2")
    show(stack.preview(), "preview")
    with cloud.hurrying(times=60):
        up = show(stack.up(), "up")
    print(up.outputs, list(modifications(cloud)))
    show(stack.up(), "up2")
    show(stack.destroy(), "destroy")
    print(cloud.account_defaults(REGION))
    assert 0
