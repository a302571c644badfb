"""Property bags as plain Python values: dicts, lists, texts, numbers, booleans and None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue

Bag = dict[str, Any]  # values of whatever kind a program gives and EC2 answers


def plain(value: PropertyValue) -> Any:  # noqa: ANN401  # of whatever kind
    inner = value.value
    if isinstance(inner, Mapping):
        return {name: plain(each) for name, each in inner.items()}
    if isinstance(inner, tuple):
        return [plain(each) for each in inner]
    return inner


def plain_map(values: Mapping[str, PropertyValue]) -> Bag:
    return {name: plain(value) for name, value in values.items()}


def boxed(value: Any) -> PropertyValue:  # noqa: ANN401  # of whatever kind
    if isinstance(value, Mapping):
        return PropertyValue(boxed_map(value))
    if isinstance(value, list):
        return PropertyValue([boxed(each) for each in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)


def boxed_map(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    return {name: boxed(value) for name, value in values.items() if value is not None}


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The paths of what `new` asks for and `old` does not have; a value not known yet is none that it has."""
    paths: list[str] = []
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            paths += differences(before, value, f"{prefix}{name}.")
        elif value != before:
            paths.append(prefix + name)
    return paths


def restricted(seen: object, asked: object) -> object:
    """Of what is seen, what the program asked for."""
    if isinstance(seen, Mapping) and isinstance(asked, Mapping):
        return {name: restricted(seen[name], value) for name, value in asked.items() if name in seen}
    return seen
