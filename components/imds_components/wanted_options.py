"""The five options as a component takes them: one by one, or as pulumi-aws's ``InstanceMetadataOptionsArgs``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Union

import pulumi

from imds_provider.errors import InvalidInputError
from imds_provider.rules.options import OPTIONS, option_violations

if TYPE_CHECKING:
    from pulumi_aws.ec2 import InstanceMetadataOptionsArgs, InstanceMetadataOptionsArgsDict

MetadataOptionsArgs = Union[
    "InstanceMetadataOptionsArgs", "InstanceMetadataOptionsArgsDict", "Mapping[str, pulumi.Input[str | int]]"
]
"""pulumi-aws's class, its dictionary, or any mapping of the same arguments to values."""
WantedOptions = dict[str, "pulumi.Input[str | int]"]
"""Options by the name of the argument, ``http_tokens``; those that are not set are left out."""


def wanted_options(
    single: Mapping[str, pulumi.Input[str | int] | None], metadata_options: MetadataOptionsArgs | None
) -> WantedOptions:
    """The options that are set, one by one or as ``metadata_options``.

    Raises :class:`InvalidInputError` with one line per value that is not allowed, for an option that is unknown or
    given both ways, and when none is set.
    """
    wanted: WantedOptions = {name: value for name, value in single.items() if value is not None}
    problems = _unknown_arguments(metadata_options)
    for option in OPTIONS:
        value = _argument(metadata_options, option.argument)
        if value is None:
            continue
        if option.argument in wanted:
            problems.append(f"{option.argument} is given twice, by itself and in metadata_options.")
        wanted[option.argument] = value
    judged = option_violations(
        {option.name: wanted.get(option.argument) for option in OPTIONS},
        is_known=lambda value: not isinstance(value, pulumi.Output),
    )
    problems += [violation.in_python() for violation in judged]
    if problems:
        raise InvalidInputError("\n".join(problems))
    return wanted


def _unknown_arguments(metadata_options: MetadataOptionsArgs | None) -> list[str]:
    if not isinstance(metadata_options, Mapping):
        return []
    known = [option.argument for option in OPTIONS]
    return [
        f"metadata_options has no {name}, only {', '.join(known)}." for name in metadata_options if name not in known
    ]


def _argument(metadata_options: MetadataOptionsArgs | None, name: str) -> pulumi.Input[str | int] | None:
    if isinstance(metadata_options, Mapping):
        arguments: Mapping[str, Any] = metadata_options
        value = arguments.get(name)
    else:
        value = getattr(metadata_options, name, None)
    argument: pulumi.Input[str | int] | None = value
    return argument
