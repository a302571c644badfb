"""What happens to the resource of an instance that is renamed, moves to another component, or is released."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pulumi

from imds_provider import InstanceMetadataOptions
from imds_provider.errors import InvalidInputError
from imds_provider.rules.loosening import is_reason
from imds_provider.rules.options import from_arguments
from imds_provider.rules.released import restore_line
from imds_provider.rules.resource_state import RESTORE

Aliases = Mapping[str, "str | pulumi.Alias"]
"""By an instance's current name: its former name in the same component, or an alias of its resource."""


def renamed_from(component: str, name: str, aliases: Aliases | None) -> list[pulumi.Input[str | pulumi.Alias]] | None:
    """The aliases of the resource of one instance."""
    before = (aliases or {}).get(name)
    if before is None:
        return None
    return [before if isinstance(before, pulumi.Alias) else pulumi.Alias(name=f"{component}-{before}")]


def require_names(names: Collection[str], aliases: Aliases | None) -> None:
    """Raise :class:`InvalidInputError` with one line per alias of an instance that is not among ``names``."""
    problems = [
        f"aliases has {name}, but no instance has that name: give the current name as key, the former as value."
        for name in aliases or {}
        if name not in names
    ]
    if problems:
        raise InvalidInputError("\n".join(problems))


def restores(
    resources: Mapping[str, InstanceMetadataOptions],
    on_destroy: pulumi.Input[str],
    reasons: Mapping[str, pulumi.Input[str] | None],
    with_resource: Collection[str],
) -> pulumi.Output[Mapping[str, str]] | None:
    """What deleting each resource restores, so that the barrier can report it; None where nothing is restored.

    ``with_resource`` has the names of instances whose own resource may be deleted at the same time.
    """
    if on_destroy != RESTORE and not isinstance(on_destroy, pulumi.Output):
        return None
    names = list(resources)

    def lines(found: list[object]) -> dict[str, str]:
        if found[0] != RESTORE:
            return {}
        previous, given = found[1 : len(names) + 1], found[len(names) + 1 :]
        return {
            name: restore_line(from_arguments(before), reason=is_reason(reason), with_resource=name in with_resource)
            for name, before, reason in zip(names, previous, given, strict=True)
        }

    previous = [resources[name].previous for name in names]
    return pulumi.Output.all(on_destroy, *previous, *(reasons[name] for name in names)).apply(lines)
