"""Property bags as Pulumi passes them: unknown values, and the two spellings of a property's name."""

from __future__ import annotations

import re

from pulumi.output import Unknown


def is_known(value: object) -> bool:
    """Whether the value is known; in a preview an output of a resource that does not exist yet is not."""
    return not isinstance(value, Unknown)


def translate_input(name: str) -> str:
    """``http_protocol_ipv6`` as Pulumi spells it: ``httpProtocolIpv6``."""
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail) if tail and head else name


def translate_output(name: str) -> str:
    """``httpProtocolIpv6`` as Python spells it: ``http_protocol_ipv6``."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[0].lower()}", name)
