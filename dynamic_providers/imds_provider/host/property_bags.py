"""Property bags as Pulumi passes them: unknown values, and the two spellings of a property's name."""

from __future__ import annotations

from pulumi.output import Unknown

from ..rules.barrier_state import PROPERTY_NAMES as BARRIER_PROPERTY_NAMES
from ..rules.options import OPTION_NAMES
from ..rules.resource_state import PROPERTY_NAMES
from ..rules.validation import snake_case
from ..rules.wave_check_state import PROPERTY_NAMES as GATE_PROPERTY_NAMES


def is_known(value: object) -> bool:
    """Whether the value is known; in a preview an output of a resource that does not exist yet is not."""
    return not isinstance(value, Unknown)


# Pulumi translates the keys of nested mappings too, and those are names that people gave to their instances: only what
# stands here may be touched.
_TO_PULUMI = {
    snake_case(name): name for name in (*OPTION_NAMES, *PROPERTY_NAMES, *BARRIER_PROPERTY_NAMES, *GATE_PROPERTY_NAMES)
}
_TO_PYTHON = {name: spelling for spelling, name in _TO_PULUMI.items()}


def translate_input(name: str) -> str:
    """The property ``http_protocol_ipv6`` as Pulumi spells it, ``httpProtocolIpv6``; any other name as it is."""
    return _TO_PULUMI.get(name, name)


def translate_output(name: str) -> str:
    """The property ``httpProtocolIpv6`` as Python spells it, ``http_protocol_ipv6``; any other name as it is."""
    return _TO_PYTHON.get(name, name)
