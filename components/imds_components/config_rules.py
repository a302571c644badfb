"""How a value of the configuration is judged, and how a sentence names its place. Pure."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from imds_provider.errors import ConfigurationError
from imds_provider.rules.options import OPTIONS
from imds_provider.rules.resource_state import is_instance_id

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Rule:
    """A key of the configuration and what its value may be, ``allowed`` being the middle of a sentence."""

    key: str
    allowed: str
    accepts: Callable[[object], bool]
    required: bool = False

    @property
    def argument(self) -> str:
        """The key as a Python name."""
        return re.sub(r"([A-Z])", r"_\1", self.key).lower()


OPTION_RULES = tuple(Rule(option.name, option.describe_allowed(), option.accepts) for option in OPTIONS)
INSTANCE_ID = Rule("", "an instance id: i- and 8 or 17 hexadecimal digits", is_instance_id)


def object_of(key: str, text: str) -> Mapping[str, object]:
    """The value of a top-level key. Raises ``ConfigurationError`` if it is no object."""
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{error.msg} at character {error.pos + 1}"
        raise ConfigurationError(f"{key} must be an object, but {shown(text)} is not valid JSON: {where}.") from None
    if not isinstance(value, dict):
        raise ConfigurationError(f"{key} must be an object, got {shown(value)}.")
    return value


def is_text(value: object) -> bool:
    """Whether the value is a text with something in it."""
    return isinstance(value, str) and value.strip() != ""


def wrong_keys(place: str, given: Mapping[str, object], rules: Sequence[Rule]) -> Iterator[str]:
    """A sentence for each key of an object that is unknown, missing or has a value that is not allowed."""
    yield from unknown(given, [rule.key for rule in rules], lambda key: place_of(place, key))
    for rule in rules:
        if rule.key in given:
            yield from wrong_value(f"{place}.{rule.key}", given[rule.key], rule)
        elif rule.required:
            yield f"{place}.{rule.key} is missing; it must be {rule.allowed}."


def wrong_value(place: str, value: object, rule: Rule) -> Iterator[str]:
    """A sentence if the value is not allowed."""
    if not rule.accepts(value):
        yield f"{place} must be {rule.allowed}, got {shown(value)}."


def wrong_object(place: str, value: object, rules: Sequence[Rule]) -> Iterator[str]:
    """A sentence for each key that is wrong, or one if the value is no object."""
    if isinstance(value, dict):
        yield from wrong_keys(place, value, rules)
    else:
        yield f"{place} must be an object, got {shown(value)}."


def unknown(given: Iterable[str], known: Sequence[str], name: Callable[[str], str]) -> Iterator[str]:
    """A sentence for each key that is not known, with the nearest that is."""
    for key in given:
        if key not in known:
            near = nearest(key, known)
            hint = f"did you mean {near}?" if near else f"known are {', '.join(known)}."
            yield f"{name(key)} is not a known key; {hint}"


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known key that a person may have meant, if any is near."""
    by_plain = {_plain(each): each for each in known}
    near = difflib.get_close_matches(_plain(key), by_plain, n=1)
    return by_plain[near[0]] if near else None


def place_of(parent: str, key: str) -> str:
    """The path of a key as ``pulumi config set --path`` takes it."""
    return f"{parent}.{key}" if re.fullmatch(r"[\w-]+", key) else f"{parent}[{json.dumps(key, ensure_ascii=False)}]"


def shown(value: object) -> str:
    """A value as it stands in JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _plain(key: str) -> str:
    """A key for comparison, so that http_tokens and HttpTokens are near httpTokens."""
    return key.replace("_", "").replace("-", "").lower()
