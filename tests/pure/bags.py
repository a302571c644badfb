"""Property bags as the engine passes them."""

from __future__ import annotations

from imds_provider.rules.options import Options, decode
from imds_provider.rules.resource_state import outputs
from imds_provider.rules.target import Change
from tests.support.fakes import LAX, observe

WEB = "i-0123456789abcdef0"
UNKNOWN = object()
"""Stands for a value that is not known before the run."""


def is_known(value: object) -> bool:
    return value is not UNKNOWN


def inputs(**given: object) -> dict[str, object]:
    """Complete inputs that want ``httpTokens`` alone, but for what is given."""
    return {
        "instanceId": WEB,
        "region": "eu-west-1",
        "httpTokens": "required",
        "onDestroy": "retain",
        "wait": True,
        "timeoutSeconds": 120.0,
        **given,
    }


def recorded(options: Options = LAX, **given: object) -> dict[str, object]:
    """The outputs of a resource with these inputs, created on an instance that had ``options`` before."""
    bag = inputs(**given)
    wanted = decode(bag)
    before = {name: value for name, value in options.items() if name in wanted}
    return outputs(bag, observe(WEB, {**options, **wanted}), before, Change("first"))
