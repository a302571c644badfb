"""Checks of what the control endpoint receives against the typed dictionaries that describe it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin, get_type_hints, is_typeddict

T = TypeVar("T")


def checked(kind: type[T], value: object, what: str) -> T:
    """Return the value if it has the fields of a TypedDict, and these have its types.

    Args:
        kind: a TypedDict of strings, numbers, lists and other TypedDicts.
        value: parsed JSON.
        what: names the value in errors, such as `image`.

    Raises:
        ValueError: naming the field and the error.
    """
    _check(kind, value, what)
    checked_value: Any = value
    return checked_value  # type: ignore[no-any-return]  # checked field by field


def _check(kind: Any, value: object, where: str) -> None:  # noqa: ANN401  # a type
    if is_typeddict(kind):
        if not isinstance(value, Mapping):
            raise ValueError(f"{where} must be a mapping, not {value!r}")  # bad input is a ValueError
        hints = get_type_hints(kind)
        if unknown := set(value) - set(hints):
            raise ValueError(f"{where}: unknown field {min(unknown)!r}; known are {', '.join(sorted(hints))}")
        if missing := kind.__required_keys__ - set(value):
            raise ValueError(f"{where}: {min(missing)} is missing")
        for name, each in value.items():
            _check(hints[name], each, f"{where}: {name}")
    elif get_origin(kind) is list:
        if not isinstance(value, list):
            raise ValueError(f"{where} must be a list, not {value!r}")
        for each in value:
            _check(get_args(kind)[0], each, where)
    elif not _is(value, kind):
        raise ValueError(f"{where} must be a {kind.__name__}, not {value!r}")


def _is(value: object, kind: Any) -> bool:  # noqa: ANN401  # a type
    """Whether the value is of a simple type: an integer is also a float, but a boolean is no number."""
    if kind is float:
        kind = (int, float)
    return isinstance(value, kind) and isinstance(value, bool) is (kind is bool)
