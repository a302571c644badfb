"""One owner for each option of an instance in a program, whichever resource sets it and whether its ID is known yet."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pulumi

from ..rules.option_owners import OptionOwners
from ..rules.options import OPTIONS
from .errors import ProgramError
from .per_program import PerProgram

_COMPONENTS = {"imds:index:InstanceMetadata": "InstanceMetadata", "imds:index:FleetMetadata": "fleet"}


class _Program:
    """The resources of one program so far."""

    def __init__(self) -> None:
        self.owners = OptionOwners()
        self.parents: dict[tuple[str, str], pulumi.Resource] = {}
        # Outputs are compared by identity, so they must outlive the comparison.
        self.outputs: list[pulumi.Output[object]] = []


_programs = PerProgram(_Program)


def own(
    name: str,
    opts: pulumi.ResourceOptions | None,
    instance_id: pulumi.Input[str],
    options: Mapping[str, pulumi.Input[str | int] | None],
) -> pulumi.Input[str]:
    """Enter a resource that sets these options, by Python argument, on an instance.

    Returns the instance ID for the resource to use. Values that are known only later are compared then, before that ID
    is known, so that nothing is sent for a second owner. Raises :class:`ProgramError` for one that is known now.
    """
    program = _programs.get()
    parent = opts.parent if opts else None
    owner = _owner(name, parent)
    given: dict[str, pulumi.Input[str | int]] = {
        option.name: value for option in OPTIONS if (value := options.get(option.argument)) is not None
    }
    plain = {name: value for name, value in given.items() if not isinstance(value, pulumi.Output)}
    known_id = instance_id if isinstance(instance_id, str) else None
    label = known_id or f"the instance of {owner}"
    _refuse(program.owners.add(_instance(program, instance_id), label, owner, plain))

    checks = [] if parent is None else _same_name(program, name, parent)
    if len(plain) < len(given) or known_id is None:
        checks.append(
            pulumi.Output.all(instance_id, given).apply(
                lambda known: _refuse(program.owners.add(known[0], str(known[0]), owner, known[1]))
            )
        )
    return pulumi.Output.all(instance_id, *checks).apply(lambda found: str(found[0])) if checks else instance_id


def _instance(program: _Program, instance_id: pulumi.Input[str]) -> Hashable:
    """The ID if it is known, else the identity of its output: a resource has the same output each time."""
    if isinstance(instance_id, pulumi.Output):
        program.outputs.append(instance_id)
        return id(instance_id)
    return instance_id if isinstance(instance_id, str) else id(instance_id)


def _owner(name: str, parent: pulumi.Resource | None) -> str:
    kind = _COMPONENTS.get(parent.pulumi_resource_type) if parent is not None else None
    if parent is None or kind is None:
        return f"InstanceMetadataOptions {name}"
    return f"{kind} {parent.pulumi_resource_name}"


def _same_name(program: _Program, name: str, parent: pulumi.Resource) -> list[pulumi.Output[None]]:
    """Refuse a resource with the name of another: Pulumi identifies children by their name and their parents' types."""
    other = program.parents.setdefault((parent.pulumi_resource_type, name), parent)
    if other is parent:
        return []

    def compare(urns: list[str]) -> None:
        first, second = (urn.rpartition("::")[0] for urn in urns)
        if first == second:
            both = f"{_owner(name, other)} and {_owner(name, parent)}"
            _refuse([f"{both} both have a resource named {name}: rename one of them, or the instance in it."])

    return [pulumi.Output.all(other.urn, parent.urn).apply(compare)]


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ProgramError("\n".join(problems))
