"""One owner for each option of an instance in a program, whoever makes the resources, and whether its id is known."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

import pulumi

from ..rules.deciders import Deciders
from ..rules.options import OPTIONS
from .errors import ProgramError
from .per_program import PerProgram

T = TypeVar("T")

_COMPONENTS = {"imds:index:InstanceMetadata": "InstanceMetadata", "imds:index:FleetMetadata": "fleet"}


class _Program:
    """The resources of one program so far."""

    def __init__(self) -> None:
        self.deciders = Deciders()
        self.parents: dict[tuple[str, str], pulumi.Resource] = {}
        # Outputs are told apart by identity, so they have to outlive the comparison.
        self.outputs: list[pulumi.Output[object]] = []


_programs = PerProgram(_Program)


def own(
    name: str,
    opts: pulumi.ResourceOptions | None,
    instance_id: pulumi.Input[str],
    options: Mapping[str, pulumi.Input[str | int] | None],
) -> pulumi.Input[str]:
    """Enter a resource that decides these options, by Python argument, of an instance.

    Gives the instance id for the resource to use. What is known only later is compared then, before that output is
    known, so that nothing is sent for a second decider. Raises :class:`ProgramError` for one that is known now.
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
    _refuse(program.deciders.decide(_subject(program, instance_id), label, owner, plain))

    checks = [] if parent is None else _same_name(program, name, parent)
    if len(plain) < len(given) or known_id is None:
        checks.append(
            pulumi.Output.all(instance_id, given).apply(
                lambda known: _refuse(program.deciders.decide(known[0], str(known[0]), owner, known[1]))
            )
        )
    return pulumi.Output.all(instance_id, *checks).apply(lambda found: str(found[0])) if checks else instance_id


def _subject(program: _Program, instance_id: pulumi.Input[str]) -> Hashable:
    """An id that is known, or else the output that stands for it: a resource gives the same one each time."""
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
    """Refuse a resource that would have the name of another: Pulumi tells children apart by name and parents' types."""
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
