"""Which instances a component is attached to, each under a stable logical name.

A name is a mapping's key, an instance's own name in the program, or an ID given as a string. None of these changes
when a list is sorted differently or an instance is replaced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

import pulumi

from imds_provider.errors import InvalidInputError
from imds_provider.rules.allowed_values import INSTANCE_ID

if TYPE_CHECKING:
    from pulumi_aws.ec2 import Instance

InstanceRef = Union["Instance", str]
_INSTANCE_TYPES = ("aws:ec2/instance:Instance", "aws-native:ec2:Instance")
_GROUP = (
    "set metadata_options in its launch template, and manage the instances that it runs as a fleet, by "
    'select={{"tag:{tag}": […]}}'
)
_INSTEAD = {
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": "give the ID of its instance, spot_instance_id",
    "aws:autoscaling/group:Group": _GROUP.format(tag="aws:autoscaling:groupName"),
    "aws:eks/nodeGroup:NodeGroup": _GROUP.format(tag="eks:nodegroup-name"),
    "aws:ec2/fleet:Fleet": _GROUP.format(tag="aws:ec2:fleet-id"),
    "aws:ec2/launchTemplate:LaunchTemplate": "set metadata_options in the template itself",
    "aws:ec2/launchConfiguration:LaunchConfiguration": "set metadata_options in the configuration itself",
}
"""What to do for a resource that launches instances but is not one, by its Pulumi type."""

Instances = Union[InstanceRef, "Sequence[InstanceRef]", "Mapping[str, Instance | pulumi.Input[str]]"]


@dataclass(frozen=True)
class Attachment:
    """An instance under its logical name; ``resource`` is the one that creates it, if the program does."""

    name: str
    instance_id: pulumi.Input[str]
    resource: pulumi.Resource | None = None

    @property
    def known_id(self) -> str | None:
        """The ID, if the program gives it as a string."""
        return self.instance_id if isinstance(self.instance_id, str) else None


def attachments(instances: Instances) -> list[Attachment]:
    """The instances as given, each once. Raises :class:`InvalidInputError` with one line for each mistake."""
    found = [_attachment(name, instance) for name, instance in _named(instances)]
    problems = [
        violation.within("instances", each.name).in_python()
        for each in found
        if each.known_id is not None
        for violation in INSTANCE_ID.check(each.known_id)
    ]
    subjects = [(each.resource or each.known_id, each.name) for each in found]
    problems += duplicates((subject, name) for subject, name in subjects if subject is not None)
    named = Counter(name for _, name in dict.fromkeys(subjects))
    problems += [
        f"{count} instances are named {name}: give a mapping of names to instances."
        for name, count in named.items()
        if count > 1
    ]
    if problems:
        raise InvalidInputError("\n".join(problems))
    return found


def duplicates(given: Iterable[tuple[str | pulumi.Resource, str]]) -> list[str]:
    """One line per instance or ID that is given under more than one name, or twice under one."""
    names: dict[str | pulumi.Resource, str] = {}
    problems = []
    for subject, name in given:
        if subject in names:
            where = f"as {names[subject]} and as {name}" if names[subject] != name else "in the same list"
            label = subject if isinstance(subject, str) else f"the instance {subject.pulumi_resource_name}"
            problems.append(f"{label} is given twice, {where}.")
        names.setdefault(subject, name)
    return problems


def _named(instances: Instances) -> list[tuple[str, object]]:
    if isinstance(instances, Mapping):
        return [(str(name), instance) for name, instance in instances.items()]
    many = list(instances) if isinstance(instances, Sequence) and not isinstance(instances, str) else [instances]
    return [(_own_name(instance), instance) for instance in many]


def _own_name(instance: object) -> str:
    if isinstance(instance, pulumi.CustomResource):
        return instance.pulumi_resource_name
    if isinstance(instance, str):
        return instance
    if isinstance(instance, pulumi.Output):
        reason = (
            "an output has no name of its own: give a mapping of names to instances, whose values may be outputs. For "
            "an output of a list, make the component in its apply: ids.apply(lambda ids: InstanceMetadata(…))."
        )
    else:
        kind = type(instance).__name__
        reason = f"an instance given as {kind} has no name of its own: give a mapping of names to instances."
    raise InvalidInputError(reason)


def _attachment(name: str, instance: object) -> Attachment:
    if not name:
        raise InvalidInputError("an instance has an empty name.")
    if isinstance(instance, pulumi.CustomResource):
        kind = instance.pulumi_resource_type
        if kind not in _INSTANCE_TYPES:
            instead = _INSTEAD.get(kind, "give the ID of an instance")
            raise InvalidInputError(f"{name}: a {kind.rpartition(':')[2]} is not an instance: {instead}.")
        return Attachment(name, instance.id, instance)
    if isinstance(instance, str | pulumi.Output):
        return Attachment(name, instance)
    raise InvalidInputError(f"{name}: an instance is an aws.ec2.Instance or an ID, got {type(instance).__name__}.")
