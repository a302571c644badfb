"""One owner for each option of an instance or account, whichever resource sets it and whether its ID is known yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from ..rules.account_changes import subject as account
from ..rules.account_defaults import DEFAULTS
from ..rules.enforcement import TokenWish
from ..rules.option_owners import OptionOwners
from ..rules.options import HTTP_TOKENS, OPTIONS
from .errors import ProgramError
from .per_program import PerProgram

_COMPONENTS = {
    "imds:index:InstanceMetadata": "InstanceMetadata",
    "imds:index:FleetMetadata": "fleet",
    "imds:index:AccountMetadata": "AccountMetadata",
}


@dataclass(frozen=True, eq=False)
class _Kind:
    """A kind of resource: its name, its options by argument and property, and how its subject is called in errors."""

    resource: str
    options: Mapping[str, str]
    label: Callable[[str], str]
    unknown: str


_INSTANCE = _Kind(
    "InstanceMetadataOptions",
    {option.argument: option.name for option in OPTIONS},
    lambda instance_id: instance_id,
    "the instance",
)
_ACCOUNT = _Kind(
    "AccountMetadataDefaults", {default.argument: default.name for default in DEFAULTS}, account, "the account"
)


class _Program:
    """The resources of one program so far."""

    def __init__(self) -> None:
        self.owners = {kind: OptionOwners(tuple(kind.options.values())) for kind in (_INSTANCE, _ACCOUNT)}
        self.parents: dict[tuple[str, str], pulumi.Resource] = {}
        self.regions: dict[Hashable, pulumi.Input[str] | None] = {}
        # Outputs are compared by identity, so they must outlive the comparison.
        self.outputs: list[pulumi.Output[object]] = []


_programs = PerProgram(_Program)

OptionInputs = Mapping[str, pulumi.Input[str] | pulumi.Input[int] | None]
"""Options by Python argument."""


def own(
    name: str,
    opts: pulumi.ResourceOptions | None,
    instance_id: pulumi.Input[str],
    options: OptionInputs,
    region: pulumi.Input[str] | None = None,
) -> pulumi.Input[str]:
    """Enter a resource that sets these options on an instance of the region; None is the stack's.

    Returns the instance ID for the resource to use. Values that are known only later are compared then, before that ID
    is known, so that nothing is sent for a second owner. Raises :class:`ProgramError` for one that is known now.
    """
    if isinstance(instance_id, str) and not isinstance(region, pulumi.Output):
        _programs.get().regions[instance_id] = region
    return _own(_INSTANCE, name, opts, instance_id, options)


def token_wishes() -> Callable[[str | None], dict[str, TokenWish]]:
    """What the resources of the running program want of ``httpTokens``, by instance ID, by the time of the call.

    The argument is the stack's region. Instances whose ID is not known by then are left out.
    """
    program = _programs.get()

    def wishes(stack_region: str | None) -> dict[str, TokenWish]:
        found = {}
        for subject, (owner, tokens) in program.owners[_INSTANCE].settings(HTTP_TOKENS).items():
            if isinstance(subject, str):
                region = program.regions.get(subject, "")
                region = stack_region if region is None else region
                found[subject] = TokenWish(owner, tokens, region if isinstance(region, str) else "")
        return found

    return wishes


def _stack_region() -> str | None:
    return pulumi.Config("aws").get("region") or os.environ.get("AWS_REGION")


def own_defaults(
    name: str, opts: pulumi.ResourceOptions | None, region: pulumi.Input[str] | None, defaults: OptionInputs
) -> pulumi.Input[str] | None:
    """Enter a resource that sets these defaults of the account in a region; None is the stack's region.

    Returns the region for the resource to use, and raises, as :func:`own` does.
    """
    known = _stack_region() or "the stack's region"
    owned = _own(_ACCOUNT, name, opts, known if region is None else region, defaults)
    if region is not None:
        return owned
    return None if isinstance(owned, str) else _none_after(owned)


def _none_after(checked: pulumi.Input[str]) -> pulumi.Input[str]:
    """No value, once the checks are done. Pulumi takes an output of None for an input that is not set."""
    nothing: pulumi.Output[Any] = pulumi.Output.from_input(checked).apply(lambda _: None)
    return nothing


def _own(
    kind: _Kind, name: str, opts: pulumi.ResourceOptions | None, subject: pulumi.Input[str], options: OptionInputs
) -> pulumi.Input[str]:
    program = _programs.get()
    owners, parent = program.owners[kind], opts.parent if opts else None
    owner = _owner(kind, name, parent)
    given = {
        property_: value for argument, property_ in kind.options.items() if (value := options.get(argument)) is not None
    }
    plain = {name: value for name, value in given.items() if not isinstance(value, pulumi.Output)}
    known = subject if isinstance(subject, str) else None
    label = kind.label(known) if known else f"{kind.unknown} of {owner}"
    _refuse(owners.add(_identity(program, subject), label, owner, plain))

    checks = [] if parent is None else _same_name(kind, program, name, parent)
    if len(plain) < len(given) or known is None:
        checks.append(
            pulumi.Output.all(subject, given).apply(
                lambda found: _refuse(owners.add(found[0], kind.label(str(found[0])), owner, found[1]))
            )
        )
    return pulumi.Output.all(subject, *checks).apply(lambda found: str(found[0])) if checks else subject


def _identity(program: _Program, subject: pulumi.Input[str]) -> Hashable:
    """The ID or region if it is known, else the identity of its output: a resource has the same output each time."""
    if isinstance(subject, pulumi.Output):
        program.outputs.append(subject)
        return id(subject)
    return subject if isinstance(subject, str) else id(subject)


def _owner(kind: _Kind, name: str, parent: pulumi.Resource | None) -> str:
    component = _COMPONENTS.get(parent.pulumi_resource_type) if parent is not None else None
    if parent is None or component is None:
        return f"{kind.resource} {name}"
    return f"{component} {parent.pulumi_resource_name}"


def _same_name(kind: _Kind, program: _Program, name: str, parent: pulumi.Resource) -> list[pulumi.Output[None]]:
    """Refuse a resource with the name of another: Pulumi identifies children by their name and their parents' types."""
    other = program.parents.setdefault((parent.pulumi_resource_type, name), parent)
    if other is parent:
        return []

    def compare(urns: list[str]) -> None:
        first, second = (urn.rpartition("::")[0] for urn in urns)
        if first == second:
            both = f"{_owner(kind, name, other)} and {_owner(kind, name, parent)}"
            _refuse([f"{both} both have a resource named {name}: rename one of them, or the instance in it."])

    return [pulumi.Output.all(other.urn, parent.urn).apply(compare)]


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ProgramError("\n".join(problems))
