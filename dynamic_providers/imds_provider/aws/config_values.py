"""Read ``aws:`` keys of the stack configuration strictly. Errors name the key, and never show a credential.

Structured values reach a program and a dynamic provider as JSON strings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from ..errors import ConfigurationError


class ConfigReader:
    """Reads single keys from a function that returns the raw value of a key, or None.

    Every method raises :class:`ConfigurationError` for a value of another type. An empty string counts as not set.
    """

    def __init__(self, get: Callable[[str], object]) -> None:
        self._get = get

    def string(self, name: str) -> str | None:
        value = self._get(f"aws:{name}")
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise ConfigurationError(f"aws:{name} must be a string.")
        return value

    def flag(self, name: str) -> bool:
        value = self._get(f"aws:{name}")
        if value in (None, "", False, "false"):
            return False
        if value in (True, "true"):
            return True
        raise ConfigurationError(f"aws:{name} must be true or false.")

    def whole_number(self, name: str, default: int) -> int:
        value = self._get(f"aws:{name}")
        if value is None or value == "":
            return default
        try:
            number = int(str(value))
        except ValueError:
            raise ConfigurationError(f'aws:{name} must be a whole number, got "{value}".') from None
        if number < 0:
            raise ConfigurationError(f"aws:{name} must not be negative, got {number}.")
        return number

    def strings(self, name: str) -> tuple[str, ...]:
        return to_strings(f"aws:{name}", self.structure(f"aws:{name}"))

    def structure(self, key: str) -> object:
        """Parse the value of a structured key such as ``aws:endpoints``; None if it is not set."""
        value = self._get(key)
        if not isinstance(value, str) or not value:
            return value or None
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            raise ConfigurationError(f"{key} must be structured configuration (a list or an object).") from None


def to_strings(key: str, value: object) -> tuple[str, ...]:
    """Convert a list of strings or numbers, such as account IDs; None is an empty one."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str | int) for each in value):
        raise ConfigurationError(f"{key} must be a list of strings.")
    return tuple(str(each) for each in value)


def to_mapping(key: str, value: object) -> Mapping[str, object]:
    """Convert an object; None is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{key} must be an object.")
    return {str(name): each for name, each in value.items()}


def to_seconds(key: str, value: str) -> int:
    """Convert a duration as pulumi-aws writes it, such as ``1h`` or ``1h30m``."""
    found = re.fullmatch(r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?", value)
    hours, minutes, seconds = (int(digits or 0) for digits in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if not total:
        raise ConfigurationError(f'{key} must be a duration such as "1h" or "1h30m", got "{value}".')
    return total
