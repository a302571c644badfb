"""Property bags as the engine passes them on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.output import Unknown

Bag = dict[str, Any]  # JSON, and what is unknown in a preview


def from_engine(bag: Mapping[str, Any]) -> Bag:
    """The bag as the engine passes it on: numbers as floats, nothing that is None, and what is unknown as it is."""
    return {name: _passed_on(value) for name, value in bag.items() if value is not None}


def _passed_on(value: object) -> object:
    if isinstance(value, bool | str | float | Unknown):
        return value
    if isinstance(value, int):
        return float(value)
    if isinstance(value, Mapping):
        return from_engine(value)
    if isinstance(value, list | tuple):
        return [_passed_on(each) for each in value]
    raise TypeError(f"the engine cannot pass {value!r} on")
