"""Pulumi's property values as plain Python: dict, list, str, float, bool and None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue

Properties = dict[str, Any]  # Any: of any type that a program passes and EC2 returns


def to_plain(value: PropertyValue) -> Any:  # noqa: ANN401  # as in Properties
    inner = value.value
    if isinstance(inner, Mapping):
        return to_plain_map(inner)
    if isinstance(inner, tuple):
        return [to_plain(each) for each in inner]
    return inner


def to_plain_map(values: Mapping[str, PropertyValue]) -> Properties:
    return {name: to_plain(value) for name, value in values.items()}


def to_pulumi(value: Any) -> PropertyValue:  # noqa: ANN401  # as in Properties
    if isinstance(value, Mapping):
        return PropertyValue(to_pulumi_map(value))
    if isinstance(value, list):
        return PropertyValue([to_pulumi(each) for each in value])
    if isinstance(value, int) and not isinstance(value, bool):
        return PropertyValue(float(value))
    return PropertyValue(value)


def to_pulumi_map(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    return {name: to_pulumi(value) for name, value in values.items() if value is not None}


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The paths at which `old` lacks what `new` asks for. An unknown value always differs."""
    paths: list[str] = []
    for name, value in new.items():
        before = old.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            paths += differences(before, value, f"{prefix}{name}.")
        elif value != before:
            paths.append(prefix + name)
    return paths


def restrict(actual: object, inputs: object) -> object:
    """The part of the actual value that the program's inputs name."""
    if isinstance(actual, Mapping) and isinstance(inputs, Mapping):
        return {name: restrict(actual[name], value) for name, value in inputs.items() if name in actual}
    return actual
