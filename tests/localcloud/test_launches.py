"""What decides the options of a launch: request, launch template, account, image; templates and images themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from localcloud.client import LocalCloud, LocalCloudError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

    from .conftest import Connect

REGION = "us-east-1"
OLD_IMAGE, V2_IMAGE = "ami-00000000000000001", "ami-00000000000000002"
TEMPLATE = "lt-00000000000000001"


@pytest.fixture
def cloud(cloud: LocalCloud) -> LocalCloud:
    cloud.seed_images([{"id": OLD_IMAGE, "name": "old"}, {"id": V2_IMAGE, "imds_support": "v2.0"}])
    return cloud


def launched(ec2: EC2Client, **arguments: Any) -> tuple[str, int]:  # noqa: ANN401  # as boto3's
    """HttpTokens and hop limit of a launched instance, as its launch and a describe answer them."""
    [instance] = ec2.run_instances(MinCount=1, MaxCount=1, **arguments)["Instances"]
    [reservation] = ec2.describe_instances(InstanceIds=[instance["InstanceId"]])["Reservations"]
    [described] = reservation["Instances"]
    assert instance["ImageId"] == described["ImageId"]
    pairs = [
        (each["MetadataOptions"]["HttpTokens"], each["MetadataOptions"]["HttpPutResponseHopLimit"])
        for each in (instance, described)
    ]
    assert pairs[0] == pairs[1]
    return pairs[0]


def versions(ec2: EC2Client, **arguments: Any) -> list[tuple[str, int]]:  # noqa: ANN401  # as boto3's
    """Template name and version number, from all pages."""
    pages = ec2.get_paginator("describe_launch_template_versions").paginate(**arguments)
    return [
        (each["LaunchTemplateName"], each["VersionNumber"]) for page in pages for each in page["LaunchTemplateVersions"]
    ]


def test_each_option_of_a_launch_comes_from_the_first_that_sets_it(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed_templates(
        [{"name": "web", "versions": [{"image": V2_IMAGE, "options": {"HttpPutResponseHopLimit": 5}}]}]
    )
    template = {"LaunchTemplateName": "web"}
    assert launched(ec2, ImageId=OLD_IMAGE) == ("optional", 1)
    assert launched(ec2, ImageId="ami-12345678") == ("optional", 1)
    assert launched(ec2, ImageId=V2_IMAGE) == ("required", 2)
    cloud.set_account_defaults(REGION, {"HttpTokens": "optional"})
    assert launched(ec2, ImageId=V2_IMAGE) == ("optional", 2)
    cloud.set_account_defaults(REGION, {"HttpPutResponseHopLimit": 3})
    assert launched(ec2, ImageId=V2_IMAGE) == ("optional", 3)
    assert launched(ec2, LaunchTemplate=template) == ("optional", 5)
    assert launched(ec2, LaunchTemplate=template, ImageId=OLD_IMAGE) == ("optional", 5)
    options = {"HttpTokens": "required", "HttpPutResponseHopLimit": 7}
    assert launched(ec2, LaunchTemplate=template, MetadataOptions=options) == ("required", 7)


def test_a_launch_uses_the_templates_version_that_it_names(cloud: LocalCloud, ec2: EC2Client) -> None:
    hops = [{"options": {"HttpPutResponseHopLimit": each}, "image": OLD_IMAGE} for each in (11, 12, 13)]
    cloud.seed_templates([{"id": TEMPLATE, "name": "web", "versions": hops, "default": 2}])  # type: ignore[typeddict-item]
    for version, expected in (("1", 11), ("$Default", 12), ("$Latest", 13), (None, 12)):
        named = (
            {"LaunchTemplateId": TEMPLATE} if version is None else {"LaunchTemplateId": TEMPLATE, "Version": version}
        )
        assert launched(ec2, LaunchTemplate=named) == ("optional", expected)


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ({"LaunchTemplateName": "db"}, "InvalidLaunchTemplateName.NotFoundException"),
        ({"LaunchTemplateId": "lt-00000000000000009"}, "InvalidLaunchTemplateId.NotFound"),
        ({"LaunchTemplateName": "web", "Version": "2"}, "InvalidLaunchTemplateId.VersionNotFound"),
        ({"LaunchTemplateName": "web", "LaunchTemplateId": TEMPLATE}, "InvalidParameterCombination"),
        ({"Version": "1"}, "MissingParameter"),
    ],
)
def test_a_launch_from_a_template_that_does_not_exist_fails(
    template: dict[str, str], code: str, cloud: LocalCloud, ec2: EC2Client
) -> None:
    cloud.seed_templates([{"id": TEMPLATE, "name": "web"}])
    with pytest.raises(ClientError, match=rf"\({code}\)"):
        launched(ec2, LaunchTemplate=template)
    assert cloud.instances() == []


def test_enforcement_judges_the_result_of_the_precedence(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed_templates(
        [
            {"name": "strict", "versions": [{"image": OLD_IMAGE, "options": {"HttpTokens": "required"}}]},
            {"name": "loose", "versions": [{"image": V2_IMAGE, "options": {"HttpTokens": "optional"}}]},
            {"name": "silent", "versions": [{"image": V2_IMAGE}]},
        ]
    )
    cloud.set_account_defaults(REGION, {"HttpTokensEnforced": "enabled"})
    assert launched(ec2, LaunchTemplate={"LaunchTemplateName": "strict"}) == ("required", 1)
    assert launched(ec2, LaunchTemplate={"LaunchTemplateName": "silent"}) == ("required", 2)
    with pytest.raises(ClientError, match="httpTokensEnforced is enabled"):
        launched(ec2, LaunchTemplate={"LaunchTemplateName": "loose"})
    with pytest.raises(ClientError, match="httpTokensEnforced is enabled"):
        launched(ec2, LaunchTemplate={"LaunchTemplateName": "silent"}, ImageId=OLD_IMAGE)


def test_an_image_that_is_a_parameter_is_resolved_at_the_launch(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed_parameters([{"name": "/golden", "image": V2_IMAGE}])
    cloud.seed_templates(
        [{"name": "web", "versions": [{"image": "resolve:ssm:/golden"}, {"image": "resolve:ssm:/no"}]}]
    )
    assert launched(ec2, LaunchTemplate={"LaunchTemplateName": "web"}) == ("required", 2)
    assert launched(ec2, ImageId="resolve:ssm:/golden:3") == ("required", 2)
    cloud.seed_parameters([{"name": "/golden", "image": OLD_IMAGE}])
    assert launched(ec2, LaunchTemplate={"LaunchTemplateName": "web"}) == ("optional", 1)
    with pytest.raises(ClientError, match=r"\(SsmInvalidParameter\).*The following aliases are invalid"):
        launched(ec2, LaunchTemplate={"LaunchTemplateName": "web", "Version": "2"})


def test_default_and_latest_of_all_templates_are_described_in_pages(cloud: LocalCloud, ec2: EC2Client) -> None:
    names = [f"template-{number}" for number in range(5)]
    cloud.seed_templates([{"name": each, "versions": [{}, {}, {}], "default": 2} for each in names])
    everything = {(name, number) for name in names for number in (2, 3)}
    both = ["$Default", "$Latest"]
    assert set(versions(ec2, Versions=both)) == everything
    cloud.reset()
    found = versions(ec2, Versions=both, PaginationConfig={"PageSize": 4})
    assert (len(found), set(found)) == (10, everything)
    assert cloud.calls("DescribeLaunchTemplateVersions") == 3
    assert versions(ec2, Versions=["$Default"]) == [(name, 2) for name in names]


def test_a_version_that_is_default_and_latest_is_described_once(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed_templates([{"name": "web"}])
    assert versions(ec2, Versions=["$Default", "$Latest"]) == [("web", 1)]


def test_templates_belong_to_a_region(cloud: LocalCloud, connect: Connect) -> None:
    cloud.seed_templates([{"name": "web", "region": "eu-west-1"}])
    assert versions(connect("eu-west-1"), Versions=["$Latest"]) == [("web", 1)]
    assert versions(connect(REGION), Versions=["$Latest"]) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "MissingParameter"),
        ({"Versions": ["1"]}, "InvalidParameterValue"),
        ({"Versions": ["$Default", "1"]}, "InvalidParameterValue"),
        ({"Versions": ["$Default"], "MaxResults": 201}, "InvalidParameterValue"),
        ({"Versions": ["$Default"], "ResolveAlias": True}, "InvalidParameterCombination"),
        ({"LaunchTemplateName": "web", "Versions": ["9"]}, "InvalidLaunchTemplateId.VersionNotFound"),
        ({"LaunchTemplateName": "db"}, "InvalidLaunchTemplateName.NotFoundException"),
    ],
)
def test_versions_that_ec2_cannot_describe_are_refused(
    arguments: dict[str, Any], code: str, cloud: LocalCloud, ec2: EC2Client
) -> None:
    cloud.seed_templates([{"name": "web"}])
    with pytest.raises(ClientError, match=rf"\({code}\)"):
        ec2.describe_launch_template_versions(**arguments)


def test_versions_of_one_template_show_their_data(cloud: LocalCloud, ec2: EC2Client) -> None:
    [template] = cloud.seed_templates(
        [
            {
                "name": "web",
                "versions": [
                    {"image": OLD_IMAGE},
                    {
                        "image": "resolve:ssm:/golden",
                        "instance_type": "m7g.large",
                        "options": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
                    },
                ],
            }
        ]
    )
    answer = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["2", "1"])
    second, first = answer["LaunchTemplateVersions"]
    assert (first["VersionNumber"], first["DefaultVersion"]) == (1, True)
    assert first["LaunchTemplateData"] == {"ImageId": OLD_IMAGE}
    assert second["LaunchTemplateData"] == {
        "ImageId": "resolve:ssm:/golden",
        "InstanceType": "m7g.large",
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
    }
    assert versions(ec2, LaunchTemplateId=template) == [("web", 2), ("web", 1)]
    assert versions(ec2, LaunchTemplateId=template, MinVersion="2") == [("web", 2)]


def test_an_alias_is_resolved_for_one_version_if_its_parameter_exists(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed_templates([{"name": "web", "versions": [{"image": "resolve:ssm:/golden"}]}])
    arguments: dict[str, Any] = {"LaunchTemplateName": "web", "Versions": ["$Default"], "ResolveAlias": True}
    with pytest.raises(ClientError, match=r"\(SsmInvalidParameter\).*resolve:ssm:/golden"):
        ec2.describe_launch_template_versions(**arguments)
    cloud.seed_parameters([{"name": "/golden", "image": V2_IMAGE}])
    [version] = ec2.describe_launch_template_versions(**arguments)["LaunchTemplateVersions"]
    assert version["LaunchTemplateData"]["ImageId"] == V2_IMAGE
    cloud.settings(denied=["ssm:GetParameters"])
    with pytest.raises(ClientError, match=r"UnauthorizedOperation.*is not authorized to perform: ssm:GetParameters"):
        ec2.describe_launch_template_versions(**arguments)


def test_templates_made_with_boto3_are_described_and_inherit_from_their_source(
    cloud: LocalCloud, ec2: EC2Client
) -> None:
    created = ec2.create_launch_template(
        LaunchTemplateName="web",
        LaunchTemplateData={"ImageId": OLD_IMAGE, "MetadataOptions": {"HttpTokens": "required"}},
    )["LaunchTemplate"]
    version = ec2.create_launch_template_version(
        LaunchTemplateName="web", SourceVersion="1", LaunchTemplateData={"InstanceType": "m7g.large"}
    )["LaunchTemplateVersion"]
    assert version["LaunchTemplateData"] == {
        "ImageId": OLD_IMAGE,
        "InstanceType": "m7g.large",
        "MetadataOptions": {"HttpTokens": "required"},
    }
    ec2.modify_launch_template(LaunchTemplateId=created["LaunchTemplateId"], DefaultVersion="2")
    [described] = ec2.describe_launch_templates()["LaunchTemplates"]
    assert (described["DefaultVersionNumber"], described["LatestVersionNumber"]) == (2, 2)
    assert launched(ec2, LaunchTemplate={"LaunchTemplateName": "web"}) == ("required", 1)
    options: Any = {"MetadataOptions": {"HttpTokens": "on"}}
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        ec2.create_launch_template(LaunchTemplateName="db", LaunchTemplateData=options)
    assert cloud.calls("CreateLaunchTemplate") == 2


def test_launch_templates_are_described_by_name_and_in_pages(cloud: LocalCloud, ec2: EC2Client) -> None:
    names = [f"template-{number:02}" for number in range(20)]
    cloud.seed_templates([{"name": each} for each in names])
    assert len(ec2.describe_launch_templates()["LaunchTemplates"]) == 20
    pages = ec2.get_paginator("describe_launch_templates").paginate(PaginationConfig={"PageSize": 8})
    assert [each["LaunchTemplateName"] for page in pages for each in page["LaunchTemplates"]] == names
    [one] = ec2.describe_launch_templates(LaunchTemplateNames=["template-07"])["LaunchTemplates"]
    assert one["LaunchTemplateName"] == "template-07"
    with pytest.raises(ClientError, match="NotFoundException"):
        ec2.describe_launch_templates(LaunchTemplateNames=["template-07", "none"])


@pytest.mark.usefixtures("cloud")
def test_images_are_described_by_filter_without_those_that_are_gone(ec2: EC2Client) -> None:
    gone = "ami-0000000000000dead"
    filters: Any = [{"Name": "image-id", "Values": [V2_IMAGE, gone, OLD_IMAGE]}]
    images = {each["ImageId"]: each for each in ec2.describe_images(Filters=filters)["Images"]}
    assert set(images) == {OLD_IMAGE, V2_IMAGE}
    assert images[V2_IMAGE].get("ImdsSupport") == "v2.0"
    assert "ImdsSupport" not in images[OLD_IMAGE]
    assert (images[OLD_IMAGE]["Name"], images[OLD_IMAGE]["State"]) == ("old", "available")
    with pytest.raises(ClientError, match=rf"\(InvalidAMIID.NotFound\).*The image id '\[{gone}\]' does not exist"):
        ec2.describe_images(ImageIds=[V2_IMAGE, gone])
    with pytest.raises(ClientError, match=r"InvalidAMIID.Malformed"):
        ec2.describe_images(ImageIds=["web"])
    assert len(ec2.describe_images(ImageIds=[V2_IMAGE, OLD_IMAGE])["Images"]) == 2
    filters[0]["Name"] = "colour"
    with pytest.raises(ClientError, match="The filter 'colour' is invalid"):
        ec2.describe_images(Filters=filters)


def test_images_are_described_in_pages_and_belong_to_a_region(cloud: LocalCloud, ec2: EC2Client) -> None:
    ids = [f"ami-{number:017x}" for number in range(10, 17)]
    cloud.seed_images([{"id": each, "name": "many"} for each in ids])
    cloud.seed_images([{"id": "ami-0000000000000aaaa", "name": "many", "region": "eu-west-1"}])
    filters: Any = [{"Name": "name", "Values": ["many"]}]
    pages = ec2.get_paginator("describe_images").paginate(Filters=filters, PaginationConfig={"PageSize": 3})
    assert [each["ImageId"] for page in pages for each in page["Images"]] == ids
    assert cloud.calls("DescribeImages") == 3


def test_a_registered_image_keeps_its_imds_support(ec2: EC2Client) -> None:
    image = ec2.register_image(Name="golden", ImdsSupport="v2.0")["ImageId"]
    assert ec2.describe_images(ImageIds=[image])["Images"][0]["ImdsSupport"] == "v2.0"
    assert launched(ec2, ImageId=image) == ("required", 2)
    invalid: Any = {"ImdsSupport": "v1.0"}
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        ec2.register_image(Name="other", **invalid)


@pytest.mark.parametrize(
    ("route", "seed", "message"),
    [
        ("images", {"imds_support": "v2.0"}, "image: id is missing"),
        ("images", {"id": V2_IMAGE, "imds_support": "v1"}, "imds_support must be v2.0, not 'v1'"),
        ("images", {"id": V2_IMAGE, "imds": "v2.0"}, "image: unknown field 'imds'"),
        ("parameters", {"name": "/golden"}, "parameter: image is missing"),
        ("templates", {"name": 5}, "launch template: name must be a str, not 5"),
        ("templates", {"name": "web", "id": "lt-5"}, "web: id must be lt- and 17 hex digits"),
        ("templates", {"name": "web", "versions": [{}], "default": 2}, "web: default must be the number of a version"),
        ("templates", {"name": "web", "default": True}, "launch template: default must be a int, not True"),
        ("templates", {"name": "web", "versions": {}}, "launch template: versions must be a list"),
        ("templates", {"name": "web", "versions": ["1"]}, "launch template: versions must be a mapping, not '1'"),
        ("templates", {"name": "web", "versions": [{"options": {"HttpTokens": "on"}}]}, r"web: Value \(on\)"),
        ("templates", {"name": "taken"}, "taken: a launch template with this name or ID already exists"),
    ],
)
def test_bad_seeds_are_rejected_and_name_the_error(
    route: str, seed: dict[str, object], message: str, cloud: LocalCloud, ec2: EC2Client
) -> None:
    cloud.seed_templates([{"name": "taken"}])
    with pytest.raises(LocalCloudError, match=message):
        cloud.send("POST", f"seed-{route}", [seed])
    assert len(ec2.describe_launch_templates()["LaunchTemplates"]) == 1


def test_wiping_removes_images_parameters_and_templates(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed_templates([{"name": "web"}])
    cloud.seed_parameters([{"name": "/golden", "image": V2_IMAGE}])
    cloud.wipe()
    assert ec2.describe_images()["Images"] == []
    assert ec2.describe_launch_templates()["LaunchTemplates"] == []
    with pytest.raises(ClientError, match="SsmInvalidParameter"):
        launched(ec2, ImageId="resolve:ssm:/golden")


def test_an_instance_of_a_service_provider_names_it_and_refuses_changes(cloud: LocalCloud, ec2: EC2Client) -> None:
    node, web = "i-0123456789abcdef0", "i-0123456789abcdef1"
    cloud.seed([{"id": node, "operator": "eks.amazonaws.com"}, {"id": web}])
    operators = {
        each["InstanceId"]: each["Operator"]
        for reservation in ec2.describe_instances()["Reservations"]
        for each in reservation["Instances"]
    }
    assert operators == {node: {"Managed": True, "Principal": "eks.amazonaws.com"}, web: {"Managed": False}}
    filters: Any = [{"Name": "operator.principal", "Values": ["eks.amazonaws.com"]}]
    [reservation] = ec2.describe_instances(Filters=filters)["Reservations"]
    assert [each["InstanceId"] for each in reservation["Instances"]] == [node]
    with pytest.raises(ClientError, match=rf"UnauthorizedOperation.*{node} with an explicit deny in a resource-based"):
        ec2.modify_instance_metadata_options(InstanceId=node, HttpTokens="required")
    assert cloud.instance(node)["options"].get("HttpTokens") == "optional"
    with pytest.raises(LocalCloudError, match="operator must be a string"):
        cloud.seed([{"id": "i-0123456789abcdef2", "operator": 5}])  # type: ignore[typeddict-item]  # deliberately wrong
