"""Account defaults in the JSON of the control endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict, cast

from localcloud.api.errors import AWSError
from localcloud.api.metadata_options import HOP_LIMIT, Options
from localcloud.ec2 import account_defaults


class AccountDefaults(TypedDict, total=False):
    """An account's defaults in a region, by EC2's names.

    In a change, `no-preference`, and -1 for the hop limit, remove a default. On the way out, defaults that the account
    does not have are absent.
    """

    HttpTokens: str
    HttpPutResponseHopLimit: int
    HttpEndpoint: str
    InstanceMetadataTags: str
    HttpTokensEnforced: str


def check_defaults(value: object) -> Options:
    """Return valid defaults as EC2 transmits them.

    Raises:
        ValueError: naming the default and the error.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"account defaults must be a mapping, not {value!r}")  # noqa: TRY004  # bad input is a ValueError
    known = account_defaults.DEFAULTS
    if unknown := set(value) - set(known):
        raise ValueError(f"unknown account default {min(unknown)!r}; known are {', '.join(known)}")
    defaults = {name: str(each) for name, each in value.items()}
    try:
        account_defaults.validate(defaults)
    except AWSError as error:
        raise ValueError(error.message) from None
    return defaults


def defaults_from_wire(values: Mapping[str, str]) -> AccountDefaults:
    converted = {name: int(value) if name == HOP_LIMIT else value for name, value in values.items()}
    return cast("AccountDefaults", converted)  # only known names are stored
