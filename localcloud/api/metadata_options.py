"""The instance metadata options: names, values, defaults and EC2's validation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from localcloud.api import errors

Options = dict[str, str]
"""Options by EC2's names, with values as in requests: the hop limit is a decimal string."""

HOP_LIMIT = "HttpPutResponseHopLimit"
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "HttpTokens": ("optional", "required"),
    HOP_LIMIT: (),
    "HttpEndpoint": ("enabled", "disabled"),
    "HttpProtocolIpv6": ("enabled", "disabled"),
    "InstanceMetadataTags": ("enabled", "disabled"),
}
"""The allowed values by option; the hop limit is 1 to 64."""

ENFORCED = "HttpTokensEnforced"
"""What accounts have beside options: whether launches must require tokens."""

DEFAULTS: Mapping[str, str] = {
    "HttpTokens": "optional",
    HOP_LIMIT: "1",
    "HttpEndpoint": "enabled",
    "HttpProtocolIpv6": "disabled",
    "InstanceMetadataTags": "disabled",
}
"""Used at a launch for what neither the request, the account nor the image sets."""

IMAGE_V2: Mapping[str, str] = {"HttpTokens": "required", HOP_LIMIT: "2"}
"""What an image with `ImdsSupport: v2.0` sets."""

NEEDS_ENDPOINT = (HOP_LIMIT, "HttpProtocolIpv6", "InstanceMetadataTags")
"""Options that EC2 refuses while the endpoint is disabled, or when the request disables it."""

TAG_KEY = re.compile(r"[0-9A-Za-z\-_+=,.@:]{1,255}")
RESERVED_TAG_KEYS = (".", "..", "_index")


def validate(options: Mapping[str, str]) -> None:
    """Check each value.

    Raises:
        AWSError: InvalidParameterValue.
    """
    for name, value in options.items():
        if name == HOP_LIMIT:
            if not re.fullmatch(r"-?[0-9]+", value) or not 1 <= int(value) <= 64:
                raise errors.invalid_value(name, value, "Expecting an integer from 1 to 64.")
        elif value not in OPTIONS[name]:
            raise errors.invalid_value(name, value, f"Expecting one of: {', '.join(OPTIONS[name])}.")


def validate_combination(requested: Mapping[str, str], resulting: Mapping[str, str]) -> None:
    """Check that no requested option needs an endpoint that is disabled in the resulting options.

    Raises:
        AWSError: InvalidParameterCombination.
    """
    refused = [name for name in NEEDS_ENDPOINT if name in requested]
    if resulting["HttpEndpoint"] == "disabled" and refused:
        message = f"The parameter {refused[0]} is not allowed unless HttpEndpoint is enabled."
        raise errors.AWSError("InvalidParameterCombination", message)


def validate_tag_keys(keys: Iterable[str]) -> None:
    """Check that the metadata service can serve the tag keys.

    Raises:
        AWSError: InvalidParameterValue.
    """
    for key in keys:
        if not TAG_KEY.fullmatch(key) or key in RESERVED_TAG_KEYS:
            raise errors.AWSError(
                "InvalidParameterValue",
                f"'{key}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{{1,255}}), and "
                "must not be a reserved name ('.', '..', '_index')",
            )
