"""What is asked about groups, templates and images, and how many calls that takes."""

from __future__ import annotations

from typing import Any

import pytest

from imds_provider.errors import AwsError
from imds_provider.rules.account_defaults import AccountDefaults
from imds_provider.rules.launch_sources import LaunchSource
from tests.support.fake_launches import FakeLaunchClient, mixed, template

NOTHING = AccountDefaults({})
REQUIRED: dict[str, Any] = {"MetadataOptions": {"HttpTokens": "required"}}
WEB, API = "i-0000000a", "i-0000000b"
PAGED = {"DescribeAutoScalingGroups": 1, "DescribeLaunchTemplateVersions": 1}


@pytest.fixture
def aws() -> FakeLaunchClient:
    return FakeLaunchClient()


def launchers(source: LaunchSource) -> list[str]:
    return [each.launcher for each in source.candidates]


def test_default_and_latest_versions_of_all_templates_cost_one_call(aws: FakeLaunchClient) -> None:
    aws.add_template("lt-1", REQUIRED, {}, {"ImageId": "ami-1", **REQUIRED})
    for version in ("$Default", "$Latest", "1", "3", ""):
        aws.add_group(f"group{version}", LaunchTemplate=template("lt-1", version))
    found = aws.lookups().groups(NOTHING)
    assert [launchers(each) for each in found] == [
        ["launch template lt-1-name (lt-1) version 1 ($Default)"],
        ["launch template lt-1-name (lt-1) version 3 ($Latest)"],
        ["launch template lt-1-name (lt-1) version 1"],
        ["launch template lt-1-name (lt-1) version 3"],
        ["launch template lt-1-name (lt-1) version 1 ($Default)"],
    ]
    assert aws.calls == PAGED, "the templates decide the tokens, so no image is asked for"


def test_pinned_versions_that_are_neither_cost_one_call_per_template(aws: FakeLaunchClient) -> None:
    for each in ("lt-1", "lt-2"):
        aws.add_template(each, REQUIRED, REQUIRED, REQUIRED, REQUIRED)
        aws.add_group(f"{each}-2", LaunchTemplate=template(each, "2"))
        aws.add_group(
            f"{each}-mixed", **mixed(template(each, "2"), {"LaunchTemplateSpecification": template(each, "3")})
        )
    lookups = aws.lookups()
    found = lookups.groups(NOTHING)
    assert launchers(found[1]) == ["launch template lt-1-name (lt-1) version 3"]
    assert aws.calls["DescribeLaunchTemplateVersions"] == 3
    lookups.groups(NOTHING)
    assert aws.calls["DescribeLaunchTemplateVersions"] == 3, "each answer is asked for once"


def test_only_the_groups_that_are_named_are_looked_into(aws: FakeLaunchClient) -> None:
    aws.add_template("lt-1", REQUIRED, {"ImageId": "ami-1"}, REQUIRED)
    aws.add_group("web", WEB, LaunchTemplate=template("lt-1"))
    aws.add_group("api", API, LaunchTemplate=template("lt-1", "2"))
    (found,) = aws.lookups().groups(NOTHING, ["web", "gone"])
    assert found.group == "web"
    assert aws.calls == PAGED


def test_without_groups_no_template_is_asked_for(aws: FakeLaunchClient) -> None:
    assert aws.lookups().groups(NOTHING) == []
    assert aws.calls == {"DescribeAutoScalingGroups": 1}


def test_launch_configurations_are_asked_for_once_and_only_if_a_group_uses_one(aws: FakeLaunchClient) -> None:
    aws.configurations = [
        {"LaunchConfigurationName": "old", "ImageId": "ami-1", "MetadataOptions": {"HttpTokens": "required"}}
    ]
    aws.add_group("web", LaunchConfigurationName="old")
    aws.add_group("api", LaunchConfigurationName="gone")
    web, api = (each.candidates[0] for each in aws.lookups().groups(NOTHING))
    assert (web.launcher, web.options, web.is_template) == (
        "launch configuration old",
        {"httpTokens": "required"},
        False,
    )
    assert (api.launcher, api.unknown) == ("launch configuration gone", "does not exist")
    assert aws.calls == {"DescribeAutoScalingGroups": 1, "DescribeLaunchConfigurations": 1}


@pytest.mark.parametrize("account", ["no-preference", "optional", "required"])
def test_images_are_asked_for_only_where_they_decide(aws: FakeLaunchClient, account: str) -> None:
    aws.images = {"ami-1": "v2.0", "ami-2": ""}
    aws.add_template("lt-1", {"ImageId": "ami-1"})
    aws.add_template("lt-2", {"ImageId": "ami-2"})
    aws.add_template("lt-3", {"ImageId": "ami-3"})
    aws.add_template("lt-4", {"ImageId": "ami-4", **REQUIRED})
    for each in aws.versions:
        aws.add_group(each, LaunchTemplate=template(each))
    found = aws.lookups().groups(AccountDefaults({"httpTokens": account}))
    asked = [["ami-1", "ami-2", "ami-3"]] if account == "no-preference" else []
    assert aws.asked_images == asked
    if asked:
        images = [each.candidates[0].image for each in found]
        assert [each and each.requires_tokens for each in images] == [True, False, None, None]
        assert images[2] is not None
        assert images[2].unknown.startswith("EC2 does not list it")


def test_images_are_asked_for_by_two_hundred(aws: FakeLaunchClient) -> None:
    for number in range(201):
        aws.add_template(f"lt-{number}", {"ImageId": f"ami-{number}"})
        aws.add_group(f"group-{number}", LaunchTemplate=template(f"lt-{number}"))
    lookups = aws.lookups()
    lookups.groups(NOTHING)
    lookups.groups(NOTHING)
    assert aws.calls == {**PAGED, "DescribeImages": 2}


def test_an_override_launches_from_its_own_template_or_image(aws: FakeLaunchClient) -> None:
    aws.images = {"ami-1": "", "ami-7": "v2.0"}
    aws.add_template("lt-1", {"ImageId": "ami-1"})
    aws.add_template("lt-2", {"ImageId": "ami-1", **REQUIRED})
    own = {"InstanceType": "c7g.large", "LaunchTemplateSpecification": template("lt-2")}
    image = {"InstanceType": "m7i.large", "ImageId": "ami-7"}
    aws.add_group(
        "all", **mixed(template("lt-1"), {"InstanceType": "m5.large"}, {"InstanceType": "m6.large"}, own, image)
    )
    aws.add_group("overridden", **mixed(template("lt-1"), own))
    aws.add_group("plain", **mixed(template("lt-1")))
    every, overridden, plain = aws.lookups().groups(NOTHING)
    first, second, third = every.candidates
    assert [each.launcher.split()[2] for each in (first, second, third)] == ["lt-1-name", "lt-2-name", "lt-1-name"]
    assert (first.image and first.image.requires_tokens, third.image and third.image.requires_tokens) == (False, True)
    assert overridden.candidates == [second], "nothing launches from a template that every override replaces"
    assert plain.candidates == [first]


def test_a_template_or_version_that_is_gone_is_not_known(aws: FakeLaunchClient) -> None:
    aws.add_template("lt-1", {}, {}, {})
    aws.add_template("lt-2", {}, {}, {})
    aws.add_group("gone", LaunchTemplate=template("lt-9"))
    aws.add_group("version", LaunchTemplate=template("lt-1", "9"))
    aws.add_group(
        "one of two", **mixed(template("lt-2", "2"), {}, {"LaunchTemplateSpecification": template("lt-2", "9")})
    )
    gone, version, two = aws.lookups().groups(NOTHING)
    assert [(each.launcher, each.unknown) for each in (*gone.candidates, *version.candidates, *two.candidates)] == [
        ("launch template lt-9-name (lt-9)", "does not exist"),
        ("launch template lt-1-name (lt-1) version 9", "does not exist"),
        ("launch template lt-2-name (lt-2) version 2", ""),
        ("launch template lt-2-name (lt-2) version 9", "does not exist"),
    ]


def test_a_template_that_is_given_by_its_name_alone_is_found(aws: FakeLaunchClient) -> None:
    aws.add_template("lt-1", REQUIRED)
    aws.add_group("web", LaunchTemplate={"LaunchTemplateName": "lt-1-name", "Version": "$Latest"})
    (found,) = aws.lookups().groups(NOTHING)
    assert found.candidates[0].options == {"httpTokens": "required"}
    assert list(aws.lookups().unused_templates(NOTHING).names) == []


def test_an_image_of_a_parameter_is_resolved_where_it_decides(aws: FakeLaunchClient) -> None:
    aws.parameters, aws.images = {"resolve:ssm:golden": "ami-1"}, {"ami-1": "v2.0"}
    aws.add_template("lt-1", {"ImageId": "resolve:ssm:golden"})
    aws.add_group("web", LaunchTemplate=template("lt-1"))
    lookups = aws.lookups()
    lookups.groups(AccountDefaults({"httpTokens": "required"}))
    assert aws.calls == PAGED
    for _ in range(2):
        (found,) = lookups.groups(NOTHING)
        image = found.candidates[0].image
        assert image is not None
        assert (image.image_id, image.requires_tokens) == ("ami-1", True)
    assert aws.calls == {**PAGED, "DescribeLaunchTemplateVersions": 2, "DescribeImages": 1}


def test_a_parameter_that_cannot_be_resolved_is_not_known_with_the_reason_of_aws(aws: FakeLaunchClient) -> None:
    aws.add_template("lt-1", {"ImageId": "resolve:ssm:golden"})
    aws.add_group("web", LaunchTemplate=template("lt-1"))
    aws.add_group("override", **mixed(template("lt-1"), {"ImageId": "resolve:ssm:other"}))
    web, override = aws.lookups().groups(NOTHING)
    image = web.candidates[0].image
    assert image is not None
    assert image.requires_tokens is None
    assert "resolve:ssm:golden does not exist" in image.unknown
    assert override.candidates[0].image is not None
    assert override.candidates[0].image.requires_tokens is None
    assert aws.asked_images == []


def test_launch_templates_without_a_group_are_judged_by_their_default_version(aws: FakeLaunchClient) -> None:
    aws.images = {"ami-1": "v2.0", "ami-2": ""}
    aws.add_template("lt-used", {"ImageId": "ami-2"})
    aws.add_template("lt-1", {"ImageId": "ami-1"}, {"ImageId": "ami-2"})
    aws.add_template("lt-2", {"ImageId": "ami-2"}, REQUIRED)
    aws.add_group("web", LaunchTemplate=template("lt-used"))
    lookups = aws.lookups()
    lookups.groups(NOTHING)
    found = lookups.unused_templates(NOTHING)
    assert list(found.names) == [
        "launch template lt-1-name (lt-1) version 1",
        "launch template lt-2-name (lt-2) version 1",
    ]
    assert list(found.refused) == ["launch template lt-2-name (lt-2) version 1"]
    assert aws.calls == {**PAGED, "DescribeImages": 2}, "ami-2 was known, ami-1 was not"


def test_the_account_defaults_are_read_once(aws: FakeLaunchClient) -> None:
    aws.defaults = {"HttpTokens": "required", "ManagedBy": "declarative-policy"}
    lookups = aws.lookups()
    assert lookups.account_defaults() == lookups.account_defaults()
    assert lookups.account_defaults().is_managed_by_policy
    assert aws.calls == {"GetInstanceMetadataDefaults": 1}


@pytest.mark.parametrize(
    ("action", "permission"),
    [
        ("DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingGroups"),
        ("DescribeLaunchConfigurations", "autoscaling:DescribeLaunchConfigurations"),
        ("DescribeLaunchTemplateVersions", "ec2:DescribeLaunchTemplateVersions"),
        ("DescribeImages", "ec2:DescribeImages"),
    ],
)
def test_a_call_that_is_denied_is_an_error_of_one_line_that_names_the_permission(
    aws: FakeLaunchClient, action: str, permission: str
) -> None:
    aws.denied = {action}
    aws.add_template("lt-1", {"ImageId": "ami-1"})
    aws.add_group("web", LaunchTemplate=template("lt-1"))
    aws.add_group("old", LaunchConfigurationName="old")
    with pytest.raises(AwsError) as caught:
        aws.lookups().groups(NOTHING)
    assert caught.value.code == "AccessDenied"
    assert f"the permission {permission}" in str(caught.value)
    assert "\n" not in str(caught.value)
