"""The EC2 and EC2 Auto Scaling of one region, as far as launches go, in memory, with every call counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from botocore.exceptions import ClientError

from imds_provider.aws.ec2 import Ec2
from imds_provider.aws.launch_lookups import LaunchLookups
from imds_provider.aws.read_ahead import ReadAhead
from imds_provider.aws.settings import AwsSettings
from imds_provider.host.engine_link import Engine

REGION = "eu-west-1"


@dataclass
class FakeLaunchClient:
    """Both clients. ``versions`` has, by template ID, the name and the data of each version, the first the default."""

    groups: list[dict[str, Any]] = field(default_factory=list)
    configurations: list[dict[str, Any]] = field(default_factory=list)
    versions: dict[str, tuple[str, list[dict[str, Any]]]] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    """The ``ImdsSupport`` of each image that EC2 lists, empty where it has none."""
    parameters: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    default_version: int = 1
    calls: Counter[str] = field(default_factory=Counter)
    asked_images: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        events = SimpleNamespace(register_first=lambda *_: None)
        self.meta = SimpleNamespace(events=events)

    def lookups(self) -> LaunchLookups:
        """Lookups of a program that has asked nothing yet."""
        clock, client = Engine(None), cast("Any", self)
        return LaunchLookups(Ec2(client, REGION, AwsSettings(), clock, ReadAhead(clock.now)), lambda: client)

    def add_template(self, template_id: str, *versions: dict[str, Any]) -> None:
        self.versions[template_id] = (f"{template_id}-name", list(versions))

    def add_group(self, name: str, *instance_ids: str, **launcher: object) -> None:
        members = [{"InstanceId": each} for each in instance_ids]
        self.groups.append({"AutoScalingGroupName": name, "Instances": members, "MaxSize": 3, **launcher})

    def get_paginator(self, operation: str) -> Any:  # noqa: ANN401  botocore's
        pages = {
            "describe_auto_scaling_groups": self._describe_groups,
            "describe_launch_configurations": self._describe_configurations,
            "describe_launch_template_versions": self._describe_all_templates,
            "describe_images": self._describe_images,
        }
        return SimpleNamespace(paginate=pages[operation])

    def get_instance_metadata_defaults(self) -> Mapping[str, Any]:
        self._count("GetInstanceMetadataDefaults")
        return {"AccountLevel": self.defaults}

    def describe_launch_template_versions(
        self,
        LaunchTemplateId: str,  # noqa: N803  as EC2 has it
        Versions: Sequence[str],  # noqa: N803
        ResolveAlias: bool = False,  # noqa: N803, FBT001, FBT002
    ) -> Mapping[str, Any]:
        self._count("DescribeLaunchTemplateVersions")
        known = self.versions[LaunchTemplateId][1]
        if any(int(each) > len(known) for each in Versions):
            raise _error("InvalidLaunchTemplateId.VersionNotFound", "Could not find the version.")
        found = [self._version(LaunchTemplateId, int(each)) for each in Versions]
        for each in found if ResolveAlias else ():
            data = each["LaunchTemplateData"]
            if data["ImageId"] not in self.parameters:
                raise _error("InvalidParameterValue", f"{data['ImageId']} does not exist")
            each["LaunchTemplateData"] = {**data, "ImageId": self.parameters[data["ImageId"]]}
        return {"LaunchTemplateVersions": found}

    def _describe_groups(self, **_: object) -> Iterator[Mapping[str, Any]]:
        self._count("DescribeAutoScalingGroups")
        yield {"AutoScalingGroups": self.groups}

    def _describe_configurations(self, **_: object) -> Iterator[Mapping[str, Any]]:
        self._count("DescribeLaunchConfigurations")
        yield {"LaunchConfigurations": self.configurations}

    def _describe_all_templates(self, Versions: Sequence[str], **_: object) -> Iterator[Mapping[str, Any]]:  # noqa: N803
        assert sorted(Versions) == ["$Default", "$Latest"], "numbers need the template's name"
        self._count("DescribeLaunchTemplateVersions")
        for template_id, (_name, versions) in self.versions.items():
            numbers = sorted({min(self.default_version, len(versions)), len(versions)})
            yield {"LaunchTemplateVersions": [self._version(template_id, each) for each in numbers]}

    def _describe_images(self, Filters: Sequence[Mapping[str, Any]], **given: object) -> Iterator[Mapping[str, Any]]:  # noqa: N803
        assert given["IncludeDeprecated"], "groups launch from deprecated images too"
        (asked,) = Filters
        assert (asked["Name"], len(asked["Values"]) <= 200) == ("image-id", True)
        self._count("DescribeImages")
        self.asked_images.append(list(asked["Values"]))
        listed = [each for each in asked["Values"] if each in self.images]
        yield {"Images": [{"ImageId": each, "ImdsSupport": self.images[each]} for each in listed]}

    def _version(self, template_id: str, number: int) -> dict[str, Any]:
        name, versions = self.versions[template_id]
        return {
            "LaunchTemplateId": template_id,
            "LaunchTemplateName": name,
            "VersionNumber": number,
            "DefaultVersion": number == min(self.default_version, len(versions)),
            "LaunchTemplateData": versions[number - 1],
        }

    def _count(self, action: str) -> None:
        self.calls[action] += 1
        if action in self.denied:
            raise _error("AccessDenied", f"not authorized to perform {action}")


def _error(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "operation")


def template(template_id: str, version: str = "$Default") -> dict[str, str]:
    """A launch template as a group has it."""
    return {"LaunchTemplateId": template_id, "LaunchTemplateName": f"{template_id}-name", "Version": version}


def mixed(specification: Mapping[str, str], *overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The mixed instances policy of a group."""
    return {
        "MixedInstancesPolicy": {
            "LaunchTemplate": {"LaunchTemplateSpecification": specification, "Overrides": list(overrides)}
        }
    }
