"""Auto Scaling groups: what they launch instances from, and the options of those that moto launches for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, autoscaling_backends
from moto.ec2.models.launch_templates import LaunchTemplateVersion

from localcloud.api.errors import AWSError
from localcloud.api.metadata_options import OPTIONS, Options
from localcloud.ec2 import templates
from localcloud.ec2.account_levels import Scope
from localcloud.ec2.store import InstanceStore

Specification = Mapping[str, Any]
"""A `LaunchTemplateSpecification` as moto keeps it."""


@dataclass(frozen=True, slots=True)
class Source:
    """What an instance is launched from. `version` is None for a launch configuration."""

    image: str
    options: Options
    version: LaunchTemplateVersion | None = None


def all_groups(scope: Scope) -> dict[str, FakeAutoScalingGroup]:
    account, region = scope
    groups: dict[str, FakeAutoScalingGroup] = autoscaling_backends[account][region].autoscaling_groups
    return groups


def launch_template(group: FakeAutoScalingGroup) -> Specification | None:
    """The launch template of a group, which may be in its mixed instances policy. By ID, since it may be renamed."""
    template = group.ec2_launch_template
    if template is None:
        return None
    return {"LaunchTemplateId": template.id, "Version": group.launch_template_version}


def launch_configuration(group: FakeAutoScalingGroup) -> str | None:
    """The name of a group's launch configuration; None for a group with a launch template."""
    return group.launch_config.name if group.ec2_launch_template is None else None


def next_source(store: InstanceStore, scope: Scope, group: FakeAutoScalingGroup) -> Source:
    """What the next instance is launched from: in a mixed group, what its first override says.

    Raises:
        AWSError: the template, the version or the SSM parameter of the image does not exist.
    """
    specification = launch_template(group)
    if specification is None:
        configuration = group.launch_config
        given: Mapping[str, object] = configuration.metadata_options or {}  # type: ignore[assignment]  # moto says str
        options = {name: str(given[name]) for name in OPTIONS if name in given}
        return Source(configuration.image_id, options)
    override = next(iter(overrides(group)), {})
    if own := override.get("LaunchTemplateSpecification"):
        specification = own
    version = templates.specified_version(scope, specification)
    image = templates.resolve_image(store, scope, override.get("ImageId") or version.image_id)
    return Source(image, templates.options_of(version), version)


def overrides(group: FakeAutoScalingGroup) -> list[Mapping[str, Any]]:
    policy = group.mixed_instances_policy or {}
    return list(policy.get("LaunchTemplate", {}).get("Overrides", ()))


def settle_launches(store: InstanceStore, scope: Scope, existing: Collection[str]) -> None:
    """Give the instances that moto launched for groups their options; those that EC2 would not launch vanish."""
    for group in all_groups(scope).values():
        for state in [each for each in group.instance_states if each.instance.id not in existing]:
            instance = state.instance
            try:
                source = next_source(store, scope, group)
            except AWSError:
                source = None
            if source is None or not _may_launch(store, scope, source):
                group.instance_states.remove(state)
                store.move(instance, "vanish")
                continue
            instance.image_id = source.image
            if source.version:
                store.launched_from[instance.id] = templates.reference(source.version)
            store.record_launch(instance, source.options)


def complete_update(group: FakeAutoScalingGroup, params: Mapping[str, str], policy: dict[str, Any] | None) -> None:
    """Let an update replace what the group launches from, and keep it if the update names nothing else.

    Args:
        group: as moto updated it: it keeps what is replaced, and loses the policy.
        params: of the update.
        policy: the mixed instances policy before the update.
    """
    named = {name.partition(".")[0] for name in params}
    if "LaunchConfigurationName" in named:
        group.ec2_launch_template = None
    elif named & {"LaunchTemplate", "MixedInstancesPolicy"}:
        group.launch_config = None  # type: ignore[assignment]  # moto does so too
    else:
        group.mixed_instances_policy = policy


def _may_launch(store: InstanceStore, scope: Scope, source: Source) -> bool:
    """Whether the account's enforcement of IMDSv2 allows the launch."""
    resulting = {**store.launch_defaults(*scope, source.image), **source.options}
    return resulting["HttpTokens"] == "required" or not store.account_levels.is_enforced(scope)
