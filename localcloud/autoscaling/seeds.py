"""Groups and launch configurations in the JSON of the control endpoint."""

from __future__ import annotations

from typing import TypedDict

from moto.autoscaling.models import ASG_NAME_TAG, FakeAutoScalingGroup, InstanceState, autoscaling_backends
from moto.ec2.models.instances import Instance

from localcloud.api.errors import AWSError
from localcloud.autoscaling import groups
from localcloud.ec2 import templates
from localcloud.ec2.account_levels import Scope
from localcloud.ec2.fields import checked
from localcloud.ec2.instances import MetadataOptions
from localcloud.ec2.launch_seeds import Placed, checked_options, scope_of
from localcloud.ec2.store import InstanceStore


class TemplateReference(TypedDict, total=False):
    """A launch template by its ID or its name.

    Attributes:
        version: a number, `$Latest` or `$Default`; by default none, which means `$Default`.
    """

    id: str
    name: str
    version: str


class OverrideSeed(TypedDict, total=False):
    """An override of a mixed instances policy, with a template and an image of its own if given."""

    template: TemplateReference
    image: str
    instance_type: str


class _WithName(TypedDict):
    name: str


class GroupSeed(_WithName, Placed, total=False):
    """An Auto Scaling group, with either a template or a launch configuration.

    Attributes:
        template: of the group; with `overrides`, of its mixed instances policy.
        overrides: gives the group a mixed instances policy; may be empty.
        launch_configuration: by name.
        instances: IDs of the existing instances that belong to the group, launched from what it has now.
    """

    template: TemplateReference
    overrides: list[OverrideSeed]
    launch_configuration: str
    instances: list[str]


class LaunchConfigurationSeed(_WithName, Placed, total=False):
    """A launch configuration.

    Attributes:
        image: `ami-0123456789abcdef0` by default.
        instance_type: t3.micro by default.
        options: HttpTokens, HttpPutResponseHopLimit and HttpEndpoint; none by default.
    """

    image: str
    instance_type: str
    options: MetadataOptions


def seed_group(store: InstanceStore, value: object) -> None:
    """Add a group.

    Raises:
        ValueError: the seed is invalid, its name is taken, or what it refers to does not exist.
    """
    seed = checked(GroupSeed, value, "group")
    name, scope = seed["name"], scope_of(seed)
    account, region = scope
    backend = autoscaling_backends[account][region]
    if name in backend.autoscaling_groups:
        raise ValueError(f"{name} already exists")
    if ("template" in seed) == ("launch_configuration" in seed):
        raise ValueError(f"{name}: a group has either a template or a launch_configuration")
    configuration = seed.get("launch_configuration", "")
    if configuration and configuration not in backend.launch_configurations:
        raise ValueError(f"{name}: launch configuration {configuration} does not exist")
    members = [_member(store, scope, name, each) for each in seed.get("instances", ())]
    specification = _specification(seed["template"]) if "template" in seed else {}
    if specification:
        try:
            templates.specified_version(scope, specification)
        except AWSError as error:
            raise ValueError(f"{name}: {error.message}") from None
    launch = {"LaunchTemplateSpecification": specification, "Overrides": _overrides(seed)}
    is_mixed = "overrides" in seed
    group = backend.create_auto_scaling_group(
        name=name,
        availability_zones=[f"{region}a"],
        desired_capacity=0,
        max_size=max(10, len(members)),
        min_size=0,
        launch_config_name=configuration,
        launch_template={} if is_mixed else specification,
        vpc_zone_identifier=None,
        default_cooldown=None,
        health_check_period=None,
        health_check_type=None,
        load_balancers=[],
        target_group_arns=[],
        placement_group=None,
        termination_policies=[],
        tags=[],
        mixed_instances_policy={"LaunchTemplate": launch} if is_mixed else None,
    )
    _join(store, scope, group, members)


def seed_launch_configuration(_store: InstanceStore, value: object) -> None:
    """Add a launch configuration.

    Raises:
        ValueError: the seed is invalid, or its name is taken.
    """
    seed = checked(LaunchConfigurationSeed, value, "launch configuration")
    account, region = scope_of(seed)
    backend = autoscaling_backends[account][region]
    if seed["name"] in backend.launch_configurations:
        raise ValueError(f"{seed['name']} already exists")
    backend.create_launch_configuration(
        name=seed["name"],
        image_id=seed.get("image", "ami-0123456789abcdef0"),
        key_name=None,
        kernel_id="",
        ramdisk_id="",
        security_groups=[],
        user_data=None,
        instance_type=seed.get("instance_type", "t3.micro"),
        instance_monitoring=False,
        instance_profile_name=None,
        spot_price=None,
        ebs_optimized=False,
        associate_public_ip_address=False,
        block_device_mappings=[],
        metadata_options=checked_options(seed["name"], seed.get("options", {})) or None,  # type: ignore[arg-type]  # moto says str, and keeps a mapping
    )


def _specification(reference: TemplateReference) -> dict[str, str]:
    names = {"id": "LaunchTemplateId", "name": "LaunchTemplateName", "version": "Version"}
    return {names[field]: str(value) for field, value in reference.items()}


def _overrides(seed: GroupSeed) -> list[dict[str, object]]:
    overrides = []
    for each in seed.get("overrides", ()):
        override: dict[str, object] = {"InstanceType": each.get("instance_type", "t3.micro")}
        if "template" in each:
            override["LaunchTemplateSpecification"] = _specification(each["template"])
        if "image" in each:
            override["ImageId"] = each["image"]
        overrides.append(override)
    return overrides


def _member(store: InstanceStore, scope: Scope, name: str, instance_id: str) -> Instance:
    for _, instance in store.instances(*scope):
        if instance.id == instance_id:
            return instance
    raise ValueError(f"{name}: instance {instance_id} does not exist in the group's region")


def _join(store: InstanceStore, scope: Scope, group: FakeAutoScalingGroup, members: list[Instance]) -> None:
    group.desired_capacity = len(members)
    for instance in members:
        group.instance_states.append(InstanceState(instance, autoscaling_group=group))
        instance.add_tags({ASG_NAME_TAG: group.name})
        source = groups.next_source(store, scope, group)
        if source.version:
            store.launched_from[instance.id] = templates.reference(source.version)
