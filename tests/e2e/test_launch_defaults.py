"""`launch_defaults` on the real engine: what instances start with, and what becomes of those that exist."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from localcloud.client import LocalCloud
from localcloud.ec2.instances import InstanceView
from tests.e2e import remote_component
from tests.e2e.fleet import REGION, aws_config, errors, modifications
from tests.e2e.programs import PRELUDE
from tests.support.engine import Stack
from tools.sandbox import ROOT

IMPORTS = f"""{PRELUDE}
import pulumi_aws as aws
from imds_components import launch_defaults


def web(image="ami-760aaa0f", **options):
    return aws.ec2.Instance("web", ami=image, instance_type="t3.micro", metadata_options=options or None)

"""
SPOT_NOTE = "aws.ec2.SpotInstanceRequest spot: EC2 takes no metadata options with a spot request"


@pytest.fixture(autouse=True)
def _configured(stack: Stack, cloud: LocalCloud) -> None:
    config = aws_config(cloud)
    config["aws:endpoints"] = [dict.fromkeys(("ec2", "sts", "cloudwatch", "autoscaling"), cloud.url)]
    stack.configure(config)


def program(stack: Stack, *statements: str) -> None:
    stack.write_program(IMPORTS + "\n".join(statements) + "\n")


def running(cloud: LocalCloud) -> InstanceView:
    (view,) = (view for view in cloud.instances() if view["state"] == "running")
    return view


def tokens_and_hops(view: InstanceView) -> tuple[str, int]:
    return view["options"]["HttpTokens"], view["options"]["HttpPutResponseHopLimit"]


def test_a_new_instance_starts_with_the_options_and_a_component_has_nothing_to_change(
    stack: Stack, cloud: LocalCloud
) -> None:
    program(stack, "launch_defaults(http_put_response_hop_limit=2)", 'attached("web", web())')
    assert stack.up().steps["create"] >= {"Instance web", "InstanceMetadataOptions web-web"}
    (launch,) = cloud.log("RunInstances")
    sent = {name: value for name, value in launch["params"].items() if name.startswith("MetadataOptions.")}
    assert sent == {"MetadataOptions.HttpTokens": "required", "MetadataOptions.HttpPutResponseHopLimit": "2"}
    assert modifications(cloud) == {}
    assert stack.up().steps == {}
    assert modifications(cloud) == {}


def test_an_instance_that_exists_stays_as_it_is_until_it_is_replaced(stack: Stack, cloud: LocalCloud) -> None:
    program(stack, "web()")
    stack.up()
    for defaults in ("launch_defaults()", "launch_defaults(http_put_response_hop_limit=3)"):
        program(stack, defaults, "web()")
        assert stack.preview().steps == {}
        assert stack.up(refresh=True).steps == {}
    assert tokens_and_hops(running(cloud)) == ("optional", 1)

    program(stack, "launch_defaults(http_put_response_hop_limit=3)", 'web("ami-1e749f67")')
    assert "Instance web" in stack.up().steps["replace"]
    assert tokens_and_hops(running(cloud)) == ("required", 3)
    program(stack, "launch_defaults(http_put_response_hop_limit=4)", 'web("ami-1e749f67")')
    assert stack.up().steps == {}
    assert modifications(cloud) == {}


def test_an_option_that_a_resource_sets_wins_and_can_be_changed(stack: Stack, cloud: LocalCloud) -> None:
    program(stack, "launch_defaults(http_put_response_hop_limit=2)", "web(http_put_response_hop_limit=5)")
    stack.up()
    assert tokens_and_hops(running(cloud)) == ("required", 5)
    program(stack, "launch_defaults(http_put_response_hop_limit=2)", "web(http_put_response_hop_limit=6)")
    assert stack.up().steps == {"update": {"Instance web"}}
    assert tokens_and_hops(running(cloud)) == ("required", 6)


LAUNCHERS = """
template = aws.ec2.LaunchTemplate("template", image_id="ami-760aaa0f", instance_type="t3.micro")
configuration = aws.ec2.LaunchConfiguration("configuration", image_id="ami-760aaa0f", instance_type="t3.micro")
aws.ec2.SpotInstanceRequest("spot", ami="ami-760aaa0f", instance_type="t3.micro", spot_price="0.03")
sizes = {"availability_zones": ["eu-west-1a"], "min_size": 0, "max_size": 1}
aws.autoscaling.Group("new", launch_template={"id": template.id, "version": "$Latest"}, **sizes)
aws.autoscaling.Group("old", launch_configuration=configuration.name, **sizes)
"""


def versions(cloud: LocalCloud) -> list[Mapping[str, Any]]:
    """The metadata options of all versions of the one launch template, oldest first."""
    ec2 = boto3.client("ec2", **cloud.connection(REGION))
    (template,) = ec2.describe_launch_templates()["LaunchTemplates"]
    found = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])
    ordered = sorted(found["LaunchTemplateVersions"], key=lambda each: each["VersionNumber"])
    return [dict(each["LaunchTemplateData"].get("MetadataOptions", {})) for each in ordered]


def test_templates_and_configurations_change_and_a_spot_request_is_warned_about(
    stack: Stack, cloud: LocalCloud
) -> None:
    program(stack, LAUNCHERS)
    stack.up()
    program(stack, 'launch_defaults(http_put_response_hop_limit=2, instance_metadata_tags="enabled")', LAUNCHERS)
    preview = stack.preview()
    assert preview.steps["update"] == {"LaunchTemplate template", "Group old"}
    assert preview.steps["replace"] == {"LaunchConfiguration configuration"}
    assert [each.partition(",")[0] for each in preview.messages("warning")] == [SPOT_NOTE]

    stack.up()
    both = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}
    assert versions(cloud) == [{}, {**both, "InstanceMetadataTags": "enabled"}]
    autoscaling = boto3.client("autoscaling", **cloud.connection(REGION))
    (configuration,) = autoscaling.describe_launch_configurations()["LaunchConfigurations"]
    assert configuration["MetadataOptions"] == both
    assert stack.up().steps == {}


def test_a_looser_resource_is_refused_by_name_unless_a_reason_is_given(stack: Stack, cloud: LocalCloud) -> None:
    looser = 'web(http_tokens="optional", http_put_response_hop_limit=2)'
    program(stack, "launch_defaults()", looser)
    assert (
        "aws.ec2.Instance web would launch with looser options than launch_defaults has "
        "(httpTokens: optional instead of required)"
    ) in errors(stack.preview(fails=True))

    program(stack, 'launch_defaults(allow_downgrade={"web": "agent of 2019"})', looser)
    run = stack.up()
    assert run.messages("info") == [
        "aws.ec2.Instance web launches with httpTokens: optional instead of required: agent of 2019"
    ]
    assert tokens_and_hops(running(cloud)) == ("optional", 2)


def test_a_value_that_only_the_run_knows_is_judged_there_before_the_launch(stack: Stack, cloud: LocalCloud) -> None:
    first = 'first = aws.ec2.Instance("first", ami="ami-760aaa0f", instance_type="t3.micro")'
    looser = 'web(http_tokens=first.id.apply(lambda _: "optional"))'
    program(stack, "launch_defaults()", first, looser)
    assert stack.preview().steps == {"create": {"Instance first", "Instance web"}}
    assert "aws.ec2.Instance web would launch with looser options" in errors(stack.up(fails=True))
    assert tokens_and_hops(running(cloud)) == ("required", 1)

    whole = 'aws.ec2.Instance("web", ami="ami-760aaa0f", metadata_options=first.id.apply(lambda _: {OPTIONS}))'
    program(stack, "launch_defaults()", first, whole.replace("OPTIONS", "'http_put_response_hop_limit': 7"))
    stack.up()
    assert [tokens_and_hops(view) for view in cloud.instances()] == [("required", 1), ("required", 7)]
    assert stack.up().steps == {}


def test_instances_of_a_remote_component_are_filled_in_and_judged_too(
    stack: Stack, cloud: LocalCloud, tmp_path: Path
) -> None:
    remote_component.install(tmp_path)
    program(stack, "launch_defaults(http_put_response_hop_limit=2)", remote_component.DECLARATION, 'Workers("w")')
    assert stack.up().steps == {"create": {"Instance w-instance", "LaunchTemplate w-template"}}
    assert tokens_and_hops(running(cloud)) == ("required", 2)
    assert versions(cloud) == [{"HttpTokens": "required", "HttpPutResponseHopLimit": 2}]
    program(stack, "launch_defaults(http_put_response_hop_limit=3)", remote_component.DECLARATION, 'Workers("w")')
    assert stack.up().steps == {"update": {"LaunchTemplate w-template"}}

    looser = 'Workers("w", {"httpTokens": "optional"})'
    program(stack, "launch_defaults()", remote_component.DECLARATION, looser)
    assert "aws.ec2.Instance w-instance would launch with looser options" in stack.preview(fails=True).text


def test_a_stack_that_an_earlier_release_launched_is_unchanged(stack: Stack, cloud: LocalCloud) -> None:
    options = {"httpTokens": "required", "httpPutResponseHopLimit": 2}
    launch = {"bastion": {"ami": "ami-760aaa0f", "instanceType": "t3.micro"}}
    stack.configure({**aws_config(cloud), "imds:options": options, "imds:launch": launch})
    current = (ROOT / "__main__.py").read_text()
    without_defaults = current.replace("    launch_defaults(\n", "    dict(\n")
    assert without_defaults != current
    stack.write_program(without_defaults)
    stack.up()
    assert len(modifications(cloud)) == 1

    stack.write_program(current)
    assert stack.preview().steps == {}
    assert stack.up(refresh=True).steps == {}
    assert modifications(cloud) == {}
