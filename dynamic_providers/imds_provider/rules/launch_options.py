"""The options that an instance starts with, and what decides each of them.

EC2 decides option by option: what the launch or its template sets, then the account's default, then, for tokens and
hop limit, an image whose ``ImdsSupport`` is ``v2.0``, then its own default.

Source: EC2 user guide, "Configure instance metadata options for new instances" (order of precedence).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .account_defaults import NO_HOP_LIMIT, NO_PREFERENCE, AccountDefaults
from .options import (
    HTTP_ENDPOINT,
    HTTP_PROTOCOL_IPV6,
    HTTP_PUT_RESPONSE_HOP_LIMIT,
    HTTP_TOKENS,
    INSTANCE_METADATA_TAGS,
    OPTIONS,
    Option,
    Options,
    OptionValue,
)

EC2_DEFAULTS: Options = {
    HTTP_TOKENS: "optional",
    HTTP_PUT_RESPONSE_HOP_LIMIT: 1,
    HTTP_ENDPOINT: "enabled",
    HTTP_PROTOCOL_IPV6: "disabled",
    INSTANCE_METADATA_TAGS: "disabled",
}
IMDSV2_IMAGE: Options = {HTTP_TOKENS: "required", HTTP_PUT_RESPONSE_HOP_LIMIT: 2}
"""What an image whose ``ImdsSupport`` is ``v2.0`` decides."""


@dataclass(frozen=True)
class Image:
    """The image that a launch uses.

    ``image_id`` is as the template has it, or as its parameter resolves. ``requires_tokens`` is whether its
    ``ImdsSupport`` is ``v2.0``; None means that this is not known, and ``unknown`` says why: ``EC2 does not list it``.
    """

    image_id: str
    requires_tokens: bool | None = None
    unknown: str = "it was not looked up"


@dataclass(frozen=True)
class Decided:
    """The value that an option starts with, and what decides it, such as ``the account's default``.

    A value of None is not known; ``unknown`` says why.
    """

    value: OptionValue | None
    by: str
    unknown: str = ""


def image_decides(options: Options, defaults: AccountDefaults) -> bool:
    """Whether the tokens of a launch with these options are up to its image."""
    return HTTP_TOKENS not in options and not _is_preference(defaults.values.get(HTTP_TOKENS))


def resolve_launch(
    launcher: str, options: Options, defaults: AccountDefaults, image: Image | None
) -> Mapping[str, Decided]:
    """What each option starts with when ``launcher``, which sets ``options``, launches from ``image``.

    ``launcher`` is what sets the options, in words. An image of None is one that the launch itself has to name.
    """
    return {option.name: _decide(option, launcher, options, defaults, image) for option in OPTIONS}


def _decide(option: Option, launcher: str, options: Options, defaults: AccountDefaults, image: Image | None) -> Decided:
    name = option.name
    if name in options:
        return _known(option, options[name], launcher)
    default = defaults.values.get(name)
    if default is not None and _is_preference(default):
        policy = ", which a declarative policy of the organization sets" if defaults.is_managed_by_policy else ""
        return _known(option, default, f"the account's default{policy}")
    if name in IMDSV2_IMAGE:
        if image is None:
            return Decided(None, "the image", "which the launch has to name")
        if image.requires_tokens is None:
            return Decided(None, f"image {image.image_id}", f"which is not known: {image.unknown}")
        if image.requires_tokens:
            return Decided(IMDSV2_IMAGE[name], f"image {image.image_id}")
    return Decided(EC2_DEFAULTS[name], "EC2's default")


def _known(option: Option, value: OptionValue, by: str) -> Decided:
    if option.accepts(value):
        return Decided(value, by)
    return Decided(None, by, f"whose value {value} this version does not know")


def _is_preference(default: OptionValue | None) -> bool:
    return default not in (None, NO_PREFERENCE, NO_HOP_LIMIT)
