"""What brings IMDSv1 back: groups that launch looser instances, and what enforcement and other operators refuse."""

from __future__ import annotations

import boto3

from localcloud.client import LocalCloud
from tests.e2e.fleet import IN_ORDER, REGION, errors, fleet, fleet_rows, member, modifications, tokens
from tests.support.engine import Run, Stack

WEB, API, NODE, OTHER = IN_ORDER[:4]
IMAGE = "ami-00000000000000001"
TEMPLATE = {"id": "lt-00000000000000001", "name": "web"}
LAUNCHER = "launch template web (lt-00000000000000001) version {} ($Default)"
LOOKUPS = {
    "GetInstanceMetadataDefaults": 1,
    "DescribeAutoScalingGroups": 1,
    "DescribeLaunchTemplateVersions": 1,
    "DescribeImages": 1,
}
OFF = {"legacyCalls": "off"}


def grouped(cloud: LocalCloud, *members: str) -> None:
    """The group ``web`` with these instances of the fleet, and an image that decides nothing."""
    cloud.seed([member(each) for each in members])
    cloud.seed_images([{"id": IMAGE, "region": REGION}])
    cloud.seed_templates([{"id": TEMPLATE["id"], "name": "web", "region": REGION, "versions": [{"image": IMAGE}]}])
    cloud.seed_groups([{"name": "web", "region": REGION, "template": {"name": "web"}, "instances": [*members]}])


def looked_up(cloud: LocalCloud) -> dict[str, int]:
    """How often the lookups of launches were called since the last call of this."""
    found = {action: cloud.calls(action) for action in LOOKUPS if cloud.calls(action)}
    cloud.reset()
    return found


def about_groups(run: Run) -> list[str]:
    lines = "\n".join(run.messages("warning")).splitlines()
    return [line for line in lines if "autoscaling group" in line or "launches instances" in line]


def test_a_group_that_launches_looser_instances_is_named_until_its_template_is_fixed(
    stack: Stack, cloud: LocalCloud
) -> None:
    grouped(cloud, WEB, API)
    cloud.seed([member(OTHER, team="mail")])
    two = fleet(cloud, readiness=OFF)
    fleets = two["imds:fleets"]
    assert isinstance(fleets, dict)
    fleets["mail"] = {**fleets["web"], "select": {"tag:Team": ["mail"]}, "instances": [API]}
    fleets["web"]["exclude"] = [API]
    line = (
        f"autoscaling group web can launch instances without httpTokens=required: {LAUNCHER.format(1)} leaves "
        "httpTokens to EC2's default, which is optional. Set httpTokens=required in a version of the launch template "
        "that the group uses, or as the account's default."
    )
    stack.configure(two)
    cloud.reset()
    assert about_groups(stack.preview()) == [line, line]
    assert looked_up(cloud) == LOOKUPS, "once for both fleets"
    up = stack.up()
    assert about_groups(up) == [line, line]
    assert looked_up(cloud) == LOOKUPS
    assert tokens(cloud, [WEB, API]) == {"required"}
    (entry,) = up.outputs["fleets"]["web"]["launchSources"]
    assert (entry["group"], entry["launchedBy"], entry["value"], entry["decidedBy"]) == (
        "web",
        LAUNCHER.format(1),
        "optional",
        "EC2's default",
    )

    stack.configure(fleet(cloud, readiness=OFF, launchSources="block"))
    assert line in errors(stack.preview(fails=True))
    assert line in errors(stack.up(fails=True))

    ec2 = boto3.client("ec2", **cloud.connection(REGION))
    version = {"ImageId": IMAGE, "MetadataOptions": {"HttpTokens": "required"}}
    ec2.create_launch_template_version(LaunchTemplateName="web", LaunchTemplateData=version)  # type: ignore[arg-type]  # as EC2 has it
    ec2.modify_launch_template(LaunchTemplateName="web", DefaultVersion="2")
    looked_up(cloud)
    up = stack.up()
    assert about_groups(up) == []
    assert up.outputs["fleets"]["web"]["launchSources"] == []
    assert looked_up(cloud) == {action: 1 for action in LOOKUPS if action != "DescribeImages"}

    stack.configure(fleet(cloud, readiness=OFF, launchSources="off"))
    stack.preview()
    assert looked_up(cloud) == {}


def test_a_default_that_the_stack_itself_sets_is_enough(stack: Stack, cloud: LocalCloud) -> None:
    grouped(cloud, WEB)
    own = {"imds:accountDefaults": {"httpTokens": "required"}}
    stack.configure({**fleet(cloud, readiness=OFF, launchSources="block"), **own})
    assert about_groups(stack.preview()) == []
    assert stack.up().outputs["fleets"]["web"]["launchSources"] == []
    assert cloud.account_defaults(REGION)["HttpTokens"] == "required"


def test_without_permission_a_fleet_warns_that_it_is_not_known(stack: Stack, cloud: LocalCloud) -> None:
    grouped(cloud, WEB)
    cloud.settings(denied=["autoscaling:*"])
    stack.configure(fleet(cloud, readiness=OFF))
    (warning,) = about_groups(stack.up())
    assert "what launches instances is not known: " in warning
    assert "the permission autoscaling:DescribeAutoScalingGroups" in warning
    assert tokens(cloud, [WEB]) == {"required"}

    stack.configure(fleet(cloud, readiness=OFF, launchSources="block"))
    assert "the permission autoscaling:DescribeAutoScalingGroups" in errors(stack.preview(fails=True))


def test_an_instance_that_a_service_manages_is_named_and_left_alone(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(WEB), {**member(NODE), "operator": "eks.amazonaws.com"}])
    stack.configure(fleet(cloud, readiness=OFF))
    (summary,) = (each for each in stack.preview().messages("info") if each.startswith("fleet web"))
    assert f"managed by an AWS service: {NODE} (eks.amazonaws.com)" in summary
    up = stack.up()
    assert set(modifications(cloud)) == {WEB}
    assert up.outputs["fleets"]["web"]["serviceManaged"] == [{"instance": NODE, "operator": "eks.amazonaws.com"}]
    assert {name for name in up.steps["create"] if name.startswith("InstanceMetadataOptions")} == fleet_rows(WEB)


def test_a_preview_says_which_exemption_the_enforcement_defeats(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(WEB, {"HttpTokens": "required"})])
    exemption = {"instance": WEB, "reason": "old agent", "until": "2999-12-31", "options": {"httpTokens": "optional"}}
    stack.configure(fleet(cloud, exemptions=[exemption], allowDowngrade="old agent"))
    cloud.set_account_defaults(REGION, {"HttpTokensEnforced": "enabled"})
    reported = errors(stack.preview(fails=True))
    assert f"{WEB} cannot be changed to httpTokens=optional: the account enforces IMDSv2 in {REGION}" in reported
    assert "Take httpTokens out of its exemption (old agent)" in reported

    cloud.set_account_defaults(REGION, {"HttpTokensEnforced": "disabled"})
    stack.up()
    assert tokens(cloud, [WEB]) == {"optional"}
    cloud.set_account_defaults(REGION, {"HttpTokensEnforced": "enabled"})
    warnings = "\n".join(stack.preview().messages("warning"))
    assert f"exempt with httpTokens=optional: {WEB}. There is no way back" in warnings
