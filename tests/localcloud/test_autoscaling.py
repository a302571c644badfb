"""Auto Scaling groups and launch configurations: seeded, made with boto3, described, launching instances."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localcloud.client import LocalCloud, LocalCloudError
from localcloud.faults import Fault

from .conftest import WITHOUT_RETRIES

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef
    from mypy_boto3_ec2 import EC2Client

REGION = "us-east-1"
WEB, DB = "i-0123456789abcdef0", "i-0123456789abcdef1"
IMAGE, V2_IMAGE = "ami-00000000000000001", "ami-00000000000000002"
TEMPLATE, OTHER = "lt-00000000000000001", "lt-00000000000000002"


@pytest.fixture
def cloud(cloud: LocalCloud) -> LocalCloud:
    cloud.seed_images([{"id": IMAGE}, {"id": V2_IMAGE, "imds_support": "v2.0"}])
    cloud.seed_templates(
        [
            {
                "id": TEMPLATE,
                "name": "web",
                "versions": [
                    {"image": IMAGE, "options": {"HttpTokens": "optional"}},
                    {"image": IMAGE, "options": {"HttpTokens": "required"}},
                ],
            },
            {"id": OTHER, "name": "other", "versions": [{"image": V2_IMAGE}]},
        ]
    )
    return cloud


@pytest.fixture
def autoscaling(cloud: LocalCloud) -> Iterator[AutoScalingClient]:
    client = boto3.client("autoscaling", **cloud.connection(), config=WITHOUT_RETRIES)
    yield client
    client.close()


def described(autoscaling: AutoScalingClient, *names: str) -> list[AutoScalingGroupTypeDef]:
    return autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=names)["AutoScalingGroups"]


def create_group(autoscaling: AutoScalingClient, name: str = "web", *, size: int = 1, **source: Any) -> None:  # noqa: ANN401  # as boto3's
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=0,
        MaxSize=5,
        DesiredCapacity=size,
        AvailabilityZones=["us-east-1a"],
        **source,
    )


def tokens(cloud: LocalCloud) -> list[str | None]:
    return [each["options"].get("HttpTokens") for each in cloud.instances()]


def test_a_seeded_group_shows_its_template_and_the_version_of_its_instances(
    cloud: LocalCloud, ec2: EC2Client, autoscaling: AutoScalingClient
) -> None:
    cloud.seed([{"id": WEB}, {"id": DB}])
    cloud.seed_groups([{"name": "web", "template": {"name": "web", "version": "$Latest"}, "instances": [WEB, DB]}])
    ec2.create_launch_template_version(LaunchTemplateName="web", LaunchTemplateData={"ImageId": IMAGE})
    [group] = described(autoscaling)
    expected = {"LaunchTemplateId": TEMPLATE, "LaunchTemplateName": "web"}
    assert group.get("LaunchTemplate") == {**expected, "Version": "$Latest"}
    assert "MixedInstancesPolicy" not in group
    assert "LaunchConfigurationName" not in group
    assert (group["DesiredCapacity"], group["AvailabilityZones"]) == (2, ["us-east-1a"])
    assert [(each["InstanceId"], each.get("LaunchTemplate")) for each in group["Instances"]] == [
        (WEB, {**expected, "Version": "2"}),
        (DB, {**expected, "Version": "2"}),
    ]
    assert cloud.instance(WEB)["tags"] == {"aws:autoscaling:groupName": "web"}
    cloud.terminate(WEB)
    cloud.vanish(DB)
    assert described(autoscaling, "web", "none")[0]["Instances"] == []


def test_a_seeded_group_may_name_no_version(cloud: LocalCloud, autoscaling: AutoScalingClient) -> None:
    cloud.seed_groups([{"name": "web", "template": {"id": TEMPLATE}}])
    [group] = described(autoscaling)
    assert group.get("LaunchTemplate") == {"LaunchTemplateId": TEMPLATE, "LaunchTemplateName": "web"}


def test_a_mixed_group_shows_its_policy_with_the_overrides_templates_and_images(
    cloud: LocalCloud, autoscaling: AutoScalingClient
) -> None:
    cloud.seed([{"id": WEB}])
    cloud.seed_groups(
        [
            {
                "name": "mixed",
                "template": {"name": "web", "version": "1"},
                "overrides": [
                    {"instance_type": "m7g.large", "template": {"name": "other", "version": "$Latest"}},
                    {"instance_type": "m7i.large", "image": V2_IMAGE},
                    {},
                ],
                "instances": [WEB],
            },
            {"name": "plain", "template": {"id": TEMPLATE}, "overrides": []},
        ]
    )
    group, plain = described(autoscaling)
    assert "LaunchTemplate" not in group
    launch = group["MixedInstancesPolicy"]["LaunchTemplate"]
    assert launch["LaunchTemplateSpecification"] == {
        "LaunchTemplateId": TEMPLATE,
        "LaunchTemplateName": "web",
        "Version": "1",
    }
    other = {"LaunchTemplateId": OTHER, "LaunchTemplateName": "other"}
    assert launch["Overrides"] == [
        {"InstanceType": "m7g.large", "LaunchTemplateSpecification": {**other, "Version": "$Latest"}},
        {"InstanceType": "m7i.large", "ImageId": V2_IMAGE},
        {"InstanceType": "t3.micro"},
    ]
    assert group["Instances"][0]["LaunchTemplate"] == {**other, "Version": "1"}
    specification = plain["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"]
    assert specification["LaunchTemplateId"] == TEMPLATE


def test_a_group_can_have_a_launch_configuration_with_metadata_options(
    cloud: LocalCloud, autoscaling: AutoScalingClient
) -> None:
    cloud.seed([{"id": WEB}])
    cloud.seed_launch_configurations(
        [
            {"name": "old", "image": IMAGE},
            {"name": "new", "options": {"HttpTokens": "required", "HttpPutResponseHopLimit": 3}},
        ]
    )
    cloud.seed_groups([{"name": "web", "launch_configuration": "new", "instances": [WEB]}])
    [group] = described(autoscaling)
    assert (group["LaunchConfigurationName"], "LaunchTemplate" in group) == ("new", False)
    assert group["Instances"][0]["LaunchConfigurationName"] == "new"
    old, new = autoscaling.describe_launch_configurations()["LaunchConfigurations"]
    assert ("MetadataOptions" in old, old["ImageId"]) == (False, IMAGE)
    assert new["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 3}
    named = autoscaling.describe_launch_configurations(LaunchConfigurationNames=["new", "none"])
    assert [each["LaunchConfigurationName"] for each in named["LaunchConfigurations"]] == ["new"]


def test_groups_and_launch_configurations_are_described_in_pages(
    cloud: LocalCloud, autoscaling: AutoScalingClient
) -> None:
    names = [f"group-{number:03}" for number in range(101)]
    cloud.seed_launch_configurations([{"name": each} for each in names])
    cloud.seed_groups([{"name": each, "launch_configuration": each} for each in names])
    for action, operation, key in (
        ("DescribeAutoScalingGroups", "describe_auto_scaling_groups", "AutoScalingGroups"),
        ("DescribeLaunchConfigurations", "describe_launch_configurations", "LaunchConfigurations"),
    ):
        for size, calls in ((None, 3), (100, 2)):
            cloud.reset()
            paginator: Any = autoscaling.get_paginator(operation)  # type: ignore[call-overload]  # either of two names
            pages = paginator.paginate(PaginationConfig={"PageSize": size})
            name = f"{key[:-1]}Name" if key == "AutoScalingGroups" else "LaunchConfigurationName"
            assert [each[name] for page in pages for each in page[key]] == names
            assert cloud.calls(action) == calls
        with pytest.raises(ClientError, match=r"\(ValidationError\).*Value '101' at 'maxRecords'"):
            getattr(autoscaling, operation)(MaxRecords=101)
        with pytest.raises(ClientError, match=r"\(InvalidNextToken\)"):
            getattr(autoscaling, operation)(NextToken="bm9uZQ==")


def test_groups_are_filtered_by_tag(autoscaling: AutoScalingClient) -> None:
    template = {"LaunchTemplateName": "web"}
    create_group(autoscaling, "web", size=0, LaunchTemplate=template, Tags=[{"Key": "Team", "Value": "web"}])
    create_group(autoscaling, "db", size=0, LaunchTemplate=template, Tags=[{"Key": "Team", "Value": "db"}])
    answer = autoscaling.describe_auto_scaling_groups(Filters=[{"Name": "tag:Team", "Values": ["db", "none"]}])
    assert [each["AutoScalingGroupName"] for each in answer["AutoScalingGroups"]] == ["db"]


def test_a_group_made_with_boto3_launches_what_its_template_says(
    cloud: LocalCloud, autoscaling: AutoScalingClient
) -> None:
    create_group(autoscaling, LaunchTemplate={"LaunchTemplateName": "web", "Version": "$Latest"})
    assert tokens(cloud) == ["required"]
    [group] = described(autoscaling)
    assert group["Instances"][0].get("LaunchTemplate", {}).get("Version") == "2"
    autoscaling.update_auto_scaling_group(
        AutoScalingGroupName="web", LaunchTemplate={"LaunchTemplateName": "web", "Version": "1"}, DesiredCapacity=2
    )
    assert tokens(cloud) == ["required", "optional"]
    [group] = described(autoscaling)
    assert [each.get("LaunchTemplate", {}).get("Version") for each in group["Instances"]] == ["2", "1"]


def test_a_mixed_group_launches_what_its_first_override_says(cloud: LocalCloud, autoscaling: AutoScalingClient) -> None:
    own = {"LaunchTemplateName": "other", "Version": "$Default"}
    launch: dict[str, Any] = {
        "LaunchTemplateSpecification": {"LaunchTemplateName": "web", "Version": "1"},
        "Overrides": [{"InstanceType": "m7g.large", "LaunchTemplateSpecification": own}],
    }
    create_group(autoscaling, MixedInstancesPolicy={"LaunchTemplate": launch})
    assert tokens(cloud) == ["required"]
    launch["Overrides"] = [{"InstanceType": "m7g.large", "ImageId": V2_IMAGE}]
    launch["LaunchTemplateSpecification"]["Version"] = "2"
    policy: Any = {"LaunchTemplate": launch}
    autoscaling.update_auto_scaling_group(AutoScalingGroupName="web", MixedInstancesPolicy=policy)
    autoscaling.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=2)
    assert [each["ImageId"] for each in described(autoscaling)[0]["Instances"]] == [V2_IMAGE, V2_IMAGE]


def test_an_update_of_the_size_keeps_what_the_group_launches_from(autoscaling: AutoScalingClient) -> None:
    launch: dict[str, Any] = {"LaunchTemplateSpecification": {"LaunchTemplateName": "web", "Version": "2"}}
    create_group(autoscaling, MixedInstancesPolicy={"LaunchTemplate": launch})
    before = described(autoscaling)[0]["MixedInstancesPolicy"]
    autoscaling.update_auto_scaling_group(AutoScalingGroupName="web", MaxSize=4)
    assert described(autoscaling)[0]["MixedInstancesPolicy"] == before


def test_an_update_replaces_what_the_group_launches_from(cloud: LocalCloud, autoscaling: AutoScalingClient) -> None:
    autoscaling.create_launch_configuration(
        LaunchConfigurationName="old",
        ImageId=IMAGE,
        InstanceType="t3.micro",
        MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
    )
    create_group(autoscaling, LaunchConfigurationName="old")
    assert tokens(cloud) == ["required"]
    source: dict[str, Any]
    for source in (
        {"LaunchTemplate": {"LaunchTemplateId": TEMPLATE, "Version": "1"}},
        {"LaunchConfigurationName": "old"},
        {"MixedInstancesPolicy": {"LaunchTemplate": {"LaunchTemplateSpecification": {"LaunchTemplateId": TEMPLATE}}}},
        {"LaunchTemplate": {"LaunchTemplateId": TEMPLATE}},
    ):
        autoscaling.update_auto_scaling_group(AutoScalingGroupName="web", **source)
        [group] = described(autoscaling)
        names = {"LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy"} & set(group)
        assert names == set(source)


def test_with_enforcement_a_group_whose_result_is_optional_no_longer_scales_out(
    cloud: LocalCloud, autoscaling: AutoScalingClient
) -> None:
    create_group(autoscaling, "loose", LaunchTemplate={"LaunchTemplateName": "web", "Version": "1"})
    create_group(autoscaling, "strict", LaunchTemplate={"LaunchTemplateName": "other"})
    cloud.set_account_defaults(REGION, {"HttpTokensEnforced": "enabled"})
    for name in ("loose", "strict"):
        autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
    sizes = {each["AutoScalingGroupName"]: len(each["Instances"]) for each in described(autoscaling)}
    assert sizes == {"loose": 1, "strict": 3}
    assert len(cloud.instances()) == 4


def test_calls_can_be_denied_fail_and_are_counted(cloud: LocalCloud, autoscaling: AutoScalingClient) -> None:
    action = "DescribeAutoScalingGroups"
    cloud.settings(denied=[f"autoscaling:{action}"])
    with pytest.raises(ClientError, match=rf"\(AccessDenied\).*allows the autoscaling:{action} action"):
        described(autoscaling)
    cloud.settings(denied=[], throttle={action: [1, 0]})
    cloud.set_faults(Fault("error", action, code="InternalFailure"))
    with pytest.raises(ClientError, match="InternalFailure"):
        described(autoscaling)
    with pytest.raises(ClientError, match="Throttling"):
        described(autoscaling)
    assert cloud.counts()[action] == {"calls": 3, "throttled": 1, "errors": 2}
    assert [each["service"] for each in cloud.log()] == ["autoscaling"] * 3


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ({"name": "web"}, "web: a group has either a template or a launch_configuration"),
        ({"name": "web", "template": {"name": "no"}}, "web: The specified launch template, with template name no"),
        ({"name": "web", "template": {"name": "web", "version": "9"}}, "web: Could not find the specified version 9"),
        ({"name": "web", "launch_configuration": "no"}, "web: launch configuration no does not exist"),
        ({"name": "web", "template": {"name": "web"}, "instances": [WEB]}, f"web: instance {WEB} does not exist"),
        ({"name": "web", "templates": {}}, "group: unknown field 'templates'"),
        ({"name": "taken", "template": {"name": "web"}}, "taken already exists"),
    ],
)
def test_bad_groups_are_rejected(
    seed: dict[str, object], message: str, cloud: LocalCloud, autoscaling: AutoScalingClient
) -> None:
    cloud.seed_groups([{"name": "taken", "template": {"name": "web"}}])
    with pytest.raises(LocalCloudError, match=message):
        cloud.send("POST", "seed-groups", [seed])
    assert len(described(autoscaling)) == 1


def test_bad_launch_configurations_are_rejected(cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match=r"old: Value \(on\) for parameter HttpTokens is invalid"):
        cloud.seed_launch_configurations([{"name": "old", "options": {"HttpTokens": "on"}}])
    cloud.seed_launch_configurations([{"name": "old"}])
    with pytest.raises(LocalCloudError, match="old already exists"):
        cloud.seed_launch_configurations([{"name": "old"}])


def test_groups_are_described_without_their_instances_if_so_asked(
    cloud: LocalCloud, autoscaling: AutoScalingClient
) -> None:
    cloud.seed([{"id": WEB}])
    cloud.seed_groups([{"name": "web", "template": {"name": "web"}, "instances": [WEB]}])
    (with_them,) = described(autoscaling)
    (without,) = autoscaling.describe_auto_scaling_groups(IncludeInstances=False)["AutoScalingGroups"]
    assert [each["InstanceId"] for each in with_them["Instances"]] == [WEB]
    assert without == {**with_them, "Instances": []}
