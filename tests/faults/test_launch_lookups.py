"""What launches instances, read from the embedded cloud: what it costs, what is gone, and whether launches agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import product
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from imds_provider.aws.launch_lookups import LaunchLookups
from imds_provider.host import runtime
from imds_provider.rules.account_defaults import AccountDefaults
from imds_provider.rules.launch_options import resolve_launch
from imds_provider.rules.launch_sources import ENFORCED, LaunchSource, looser_launches
from localcloud.client import LocalCloud
from localcloud.ec2.launch_seeds import TemplateSeed, VersionSeed
from tests.support.provider_run import REGION, provider_run

MEMBER = "i-0123456789abcdef0"
NOTHING = AccountDefaults({})
PLAIN, IMDSV2 = "ami-00000000000000001", "ami-00000000000000002"
GONE = "ami-00000000000000009"
LISTED = {"DescribeAutoScalingGroups": 1, "DescribeLaunchTemplateVersions": 1}


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud.in_process() as cloud:
        cloud.seed_images([{"id": PLAIN, "region": REGION}, {"id": IMDSV2, "region": REGION, "imds_support": "v2.0"}])
        yield cloud


@pytest.fixture
def lookups(cloud: LocalCloud) -> Iterator[LaunchLookups]:
    endpoints = json.dumps([dict.fromkeys(("ec2", "sts", "autoscaling"), cloud.url)])
    with provider_run(cloud, config={"aws:endpoints": endpoints}):
        yield runtime.aws().launch_lookups(REGION)


def template(number: int, *versions: VersionSeed, default: int = 1) -> TemplateSeed:
    template_id = f"lt-{number:017x}"
    return {"id": template_id, "name": f"web-{number}", "region": REGION, "versions": [*versions], "default": default}


def add_group(cloud: LocalCloud, name: str, number: int, version: str = "$Default", **given: Any) -> None:  # noqa: ANN401  as a seed has it
    reference = {"id": f"lt-{number:017x}", "version": version}
    seed: Any = {"name": name, "region": REGION, "template": reference, **given}
    cloud.seed_groups([seed])


def launchers(source: LaunchSource) -> list[str]:
    return [each.launcher.partition(") ")[2] or each.launcher for each in source.candidates]


def calls(cloud: LocalCloud) -> dict[str, int]:
    return {action: cloud.calls(action) for action in cloud.counts()}


def test_versions_overrides_configurations_and_images_are_read(cloud: LocalCloud, lookups: LaunchLookups) -> None:
    versions: list[VersionSeed] = [{"image": PLAIN}, {"image": IMDSV2}, {"image": GONE}, {"image": PLAIN}]
    cloud.seed_templates([template(1, *versions, default=2), template(2, {"options": {"HttpTokens": "required"}})])
    cloud.seed_launch_configurations([{"name": "old", "region": REGION, "image": PLAIN}])
    add_group(cloud, "a", 1)
    add_group(cloud, "b", 1, "$Latest")
    add_group(cloud, "c", 1, "3")
    add_group(cloud, "d", 1, overrides=[{"template": {"name": "web-2"}}, {"image": PLAIN}])
    cloud.seed_groups([{"name": "e", "region": REGION, "launch_configuration": "old"}])
    found = lookups.groups(NOTHING)
    assert [launchers(each) for each in found] == [
        ["version 2 ($Default)"],
        ["version 4 ($Latest)"],
        ["version 3"],
        ["version 1 ($Default)", "version 2 ($Default)"],
        ["launch configuration old"],
    ]
    judged = {each.source.group: each.decided.value for each in looser_launches(found, NOTHING, ENFORCED)}
    assert judged == {"b": "optional", "c": None, "d": "optional", "e": "optional"}
    assert calls(cloud) == {
        **LISTED,
        "DescribeLaunchTemplateVersions": 2,
        "DescribeLaunchConfigurations": 1,
        "DescribeImages": 1,
    }


def test_many_groups_and_templates_come_by_pages_and_are_asked_for_once(
    cloud: LocalCloud, lookups: LaunchLookups
) -> None:
    cloud.seed_templates([template(each, {"image": PLAIN}, {"image": IMDSV2}) for each in range(150)])
    for each in range(101):
        add_group(cloud, f"group-{each}", each)
    assert len(lookups.groups(NOTHING)) == 101
    assert lookups.groups(NOTHING, ["other"]) == []
    unused = lookups.unused_templates(NOTHING)
    assert (len(unused.names), len(unused.refused)) == (49, 49)
    assert runtime.aws().launch_lookups(REGION) is lookups, "for all fleets of a program"
    assert calls(cloud) == {"DescribeAutoScalingGroups": 2, "DescribeLaunchTemplateVersions": 2, "DescribeImages": 1}


def test_an_instance_names_the_group_that_it_belongs_to(cloud: LocalCloud, lookups: LaunchLookups) -> None:
    cloud.seed([{"id": MEMBER, "region": REGION}])
    cloud.seed_templates([template(1, {"image": PLAIN}), template(2, {"image": PLAIN})])
    add_group(cloud, "a", 1, instances=[MEMBER])
    add_group(cloud, "b", 2)
    (seen,) = runtime.aws().fleet(REGION).select(None, [MEMBER]).values()
    (found,) = lookups.groups(NOTHING, [seen.autoscaling_group])
    assert found.group == "a"


def test_templates_and_versions_that_are_deleted_are_not_known(cloud: LocalCloud, lookups: LaunchLookups) -> None:
    versions: list[VersionSeed] = [{"options": {"HttpTokens": "required"}}] * 4
    cloud.seed_templates([template(1, *versions), template(2, *versions)])
    add_group(cloud, "a", 1)
    add_group(cloud, "b", 2, overrides=[{"template": {"name": "web-2", "version": each}} for each in ("2", "9")])
    boto3.client("ec2", **cloud.connection(REGION)).delete_launch_template(LaunchTemplateName="web-1")
    found = lookups.groups(NOTHING)
    unknown = [(each.launcher, each.unknown) for source in found for each in source.candidates if each.unknown]
    assert unknown == [
        ("launch template web-1 (lt-00000000000000001)", "does not exist"),
        ("launch template web-2 (lt-00000000000000002) version 9", "does not exist"),
    ]


def test_an_image_of_a_parameter_is_resolved_or_not_known(cloud: LocalCloud, lookups: LaunchLookups) -> None:
    cloud.seed_parameters([{"name": "golden", "image": IMDSV2, "region": REGION}])
    cloud.seed_templates([template(1, {"image": "resolve:ssm:golden"}), template(2, {"image": "resolve:ssm:gone"})])
    add_group(cloud, "a", 1)
    add_group(cloud, "b", 2)
    (refused,) = looser_launches(lookups.groups(NOTHING), NOTHING, ENFORCED)
    assert (refused.source.group, refused.decided.value) == ("b", None)
    assert "resolve:ssm:gone, which is not known: " in refused.reason


def test_a_parameter_that_may_not_be_read_is_not_known_and_names_the_permission(
    cloud: LocalCloud, lookups: LaunchLookups
) -> None:
    cloud.seed_parameters([{"name": "golden", "image": IMDSV2, "region": REGION}])
    cloud.seed_templates([template(1, {"image": "resolve:ssm:golden"})])
    add_group(cloud, "a", 1)
    cloud.settings(denied=["ssm:GetParameters"])
    (refused,) = looser_launches(lookups.groups(NOTHING), NOTHING, ENFORCED)
    assert refused.decided.value is None
    assert "Resolving the image needs ssm:GetParameters" in refused.reason


TOKENS = (None, "optional", "required")


@pytest.mark.parametrize(("in_template", "of_account", "image"), [*product(TOKENS, TOKENS, (PLAIN, IMDSV2))])
def test_the_embedded_cloud_launches_what_is_predicted(
    cloud: LocalCloud, lookups: LaunchLookups, in_template: str | None, of_account: str | None, image: str
) -> None:
    version: VersionSeed = {"image": image}
    if in_template:
        version["options"] = {"HttpTokens": in_template}
    cloud.seed_templates([template(1, version)])
    add_group(cloud, "a", 1)
    ec2 = boto3.client("ec2", **cloud.connection(REGION))
    if of_account:
        defaults_of_account: Any = {"HttpTokens": of_account}
        cloud.set_account_defaults(REGION, defaults_of_account)
    defaults = lookups.account_defaults()
    (source,) = lookups.groups(defaults)
    (candidate,) = source.candidates
    predicted = resolve_launch("", candidate.options, defaults, candidate.image)
    launch: Any = {"MinCount": 1, "MaxCount": 1, "LaunchTemplate": {"LaunchTemplateName": "web-1"}}
    instance_id = ec2.run_instances(**launch)["Instances"][0].get("InstanceId", "")
    launched = cloud.instance(instance_id)["options"]
    assert launched["HttpTokens"] == predicted["httpTokens"].value
    if candidate.needs_image(defaults):
        assert launched["HttpPutResponseHopLimit"] == predicted["httpPutResponseHopLimit"].value
    cloud.set_account_defaults(REGION, {"HttpTokensEnforced": "enabled"})
    refused = bool(looser_launches([source], defaults, ENFORCED))
    with pytest.raises(ClientError, match="UnsupportedOperation") if refused else nullcontext():
        ec2.run_instances(**launch)
