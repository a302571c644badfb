"""A program's own defaults for the instances that it launches: what they fill in, and what they refuse as looser.

Sources: pulumi-aws's schema of the resource types; EC2 API reference, ``RequestLaunchTemplateData``; EC2 Auto Scaling
API reference, ``InstanceMetadataOptions``; EC2 API reference, ``RequestSpotLaunchSpecification``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .loosening import loosened, without_loosest
from .options import (
    HTTP_ENDPOINT,
    HTTP_PUT_RESPONSE_HOP_LIMIT,
    HTTP_TOKENS,
    OPTION_NAMES,
    OPTIONS,
    Options,
    OptionValue,
    can_apply,
    decode,
)

METADATA_OPTIONS = "metadataOptions"
"""The property of every resource type that launches instances."""


@dataclass(frozen=True)
class Launcher:
    """A resource type that launches instances, as ``label`` has it in Python, and the options that it takes.

    ``is_instance`` marks those whose options belong to an instance that runs: changing them modifies or replaces it.
    ``is_spot_request`` marks those whose options do not reach EC2: pulumi-aws has them from its instances, but
    ``RequestSpotInstances`` takes none.
    """

    label: str
    is_instance: bool
    is_spot_request: bool = False
    options: tuple[str, ...] = OPTION_NAMES


LAUNCHERS: Mapping[str, Launcher] = {
    "aws:ec2/instance:Instance": Launcher("aws.ec2.Instance", is_instance=True),
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": Launcher(
        "aws.ec2.SpotInstanceRequest", is_instance=True, is_spot_request=True
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": Launcher("aws.ec2.LaunchTemplate", is_instance=False),
    "aws:ec2/launchConfiguration:LaunchConfiguration": Launcher(
        "aws.ec2.LaunchConfiguration",
        is_instance=False,
        options=(HTTP_TOKENS, HTTP_PUT_RESPONSE_HOP_LIMIT, HTTP_ENDPOINT),
    ),
}
"""By type token."""


def set_options(given: Mapping[str, object]) -> dict[str, object]:
    """The options that a resource sets, by property, from a mapping by ``http_tokens`` or ``httpTokens``."""
    values = {option.name: given.get(option.name, given.get(option.argument)) for option in OPTIONS}
    return {name: value for name, value in values.items() if value is not None}


def filled_in(launcher: Launcher, given: Mapping[str, object], wanted: Options) -> dict[str, OptionValue]:
    """The wanted options that the resource takes and does not set.

    ``given`` has those it sets, by property; a value may be of any type. The loosest values are never filled in: they
    are what EC2 ends up with anyway, and would take precedence over an account or image that requires more.
    """
    effective = {**wanted, **decode(given)}
    return {
        name: value
        for name, value in without_loosest(wanted).items()
        if name in launcher.options and name not in given and name in can_apply({}, effective)
    }


def ignored_paths(filled: Options, *, sets_options: bool) -> list[str]:
    """The property paths of what is filled in. ``sets_options``: the resource has metadata options of its own."""
    if not filled:
        return []
    return [f"{METADATA_OPTIONS}.{name}" for name in filled] if sets_options else [METADATA_OPTIONS]


def render_looser(given: Mapping[str, object], wanted: Options) -> str:
    """Where a resource is looser than wanted: ``httpTokens: optional instead of required``. Empty where it is not."""
    values = decode(given)
    return ", ".join(f"{name}: {values[name]} instead of {wanted[name]}" for name in loosened(wanted, values))


def refusal(launcher: Launcher, name: str, looser: str) -> str:
    """The error for a resource that is looser than the program's launch defaults."""
    return (
        f"{launcher.label} {name} would launch with looser options than launch_defaults has ({looser}): remove them "
        f'from its metadata_options, or give the reason in allow_downgrade, as in {{{name!r}: "…"}}.'
    )


def spot_warning(launcher: Launcher, name: str) -> str:
    """The warning for a spot request, whose instance the defaults do not reach."""
    return (
        f"{launcher.label} {name}: EC2 takes no metadata options with a spot request, so its instance starts with "
        "those of the account or image. Use an aws.ec2.Instance with instance_market_options, or attach "
        "InstanceMetadata to its spot_instance_id."
    )
