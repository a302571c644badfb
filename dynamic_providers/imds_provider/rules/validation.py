"""Validation: rules for values, each with its sentence and its JSON Schema, and the violations that they find.

A violation holds a path and the rest of a sentence. The path is spelled as the person wrote it: ``timeout_seconds`` in
Python, ``imds:fleets.web.timeoutSeconds`` in a stack file. The rules of this project are in ``allowed_values``.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from ..errors import InvalidInputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Path = tuple[str | int, ...]
"""Keys in camelCase, names and list positions, from the outside in."""
Schema = Mapping[str, object]

_SHOWN_CHARACTERS = 60
_CAMEL_CASE = re.compile(r"[a-z][A-Za-z0-9]*")


class Violation(NamedTuple):
    """A value that is not allowed; ``reason`` continues a sentence that begins with the place of the value."""

    path: Path
    reason: str

    def within(self, *outer: str | int) -> Violation:
        return Violation((*outer, *self.path), self.reason)

    def in_python(self, owner: str = "") -> str:
        """The sentence for somebody who wrote Python: ``Rollout: soak_minutes must be …``."""
        sentence = f"{_spell_python(self.path)} {self.reason}" if self.path else self.reason
        return f"{owner}: {sentence}" if owner else sentence

    def in_stack_file(self, key: str) -> str:
        """The sentence for somebody who wrote a stack file, below a key such as ``imds:fleets``."""
        return f"{spell_stack(key, *self.path)} {self.reason}"


@dataclass(frozen=True)
class Rule:
    """What a value may be.

    ``allowed`` completes the sentence "it must be …". ``inside`` finds what is wrong within a value that ``accepts``
    accepts.
    """

    allowed: str
    accepts: Callable[[object], bool]
    schema: Schema
    inside: Callable[[object], Iterable[Violation]] = lambda _: ()

    def check(self, value: object) -> Iterator[Violation]:
        """Everything about the value that is not allowed."""
        if self.accepts(value):
            yield from self.inside(value)
        else:
            yield Violation((), f"must be {self.allowed}, got {quote(value)}.")


@dataclass(frozen=True)
class Key:
    """A key of an object, in camelCase, with the rule for its value."""

    name: str
    rule: Rule
    required: bool = False

    @property
    def argument(self) -> str:
        """The key as Python spells it."""
        return snake_case(self.name)

    @property
    def schema(self) -> Schema:
        """The JSON Schema of its value, described by the rule's sentence."""
        return {"description": f"{self.rule.allowed[0].upper()}{self.rule.allowed[1:]}.", **self.rule.schema}


def violations(
    values: Mapping[str, object], keys: Iterable[Key], *, is_known: Callable[[object], bool] = lambda _: True
) -> list[Violation]:
    """Everything about the values of an object that is not allowed. None counts as not set.

    ``is_known`` is false for an output whose value is known only during the run; it is not judged.
    """
    found: list[Violation] = []
    for key in keys:
        value = values.get(key.name)
        if value is not None:
            found += [each.within(key.name) for each in key.rule.check(value)] if is_known(value) else []
        elif key.required:
            found.append(Violation((key.name,), f"is missing; it must be {key.rule.allowed}."))
    return found


def field_violations(made: DataclassInstance, keys: Iterable[Key]) -> list[Violation]:
    """Everything about the fields of an object that is not allowed. None is allowed where it is the default."""
    optional = {each.name for each in fields(made) if each.default is None}
    values = [(key, getattr(made, key.argument)) for key in keys]
    return [
        found.within(key.name)
        for key, value in values
        if not (value is None and key.argument in optional)
        for found in key.rule.check(value)
    ]


def raise_for(owner: str, found: Sequence[Violation]) -> None:
    """Raise :class:`InvalidInputError` with one line per violation, if there are any."""
    if found:
        raise InvalidInputError("\n".join(each.in_python(owner) for each in found))


def choice(*values: str) -> Rule:
    """One of a few strings."""
    quoted = [f'"{value}"' for value in values]
    allowed = " or ".join([", ".join(quoted[:-1]), quoted[-1]])
    return Rule(allowed, lambda given: isinstance(given, str) and given in values, {"enum": list(values)})


def number(low: float, high: float, unit: str = "") -> Rule:
    """A number in a range, both ends included."""
    allowed = f"a number{f' of {unit}' if unit else ''} from {low:g} to {high:g}"
    return Rule(
        allowed,
        lambda given: is_number(given) and low <= given <= high,
        {"type": "number", "minimum": low, "maximum": high},
    )


def whole_number(low: int, high: int, unit: str = "") -> Rule:
    """A whole number in a range, both ends included. It may come as a float, since Pulumi sends every number as one."""
    allowed = f"a whole number{f' of {unit}' if unit else ''} from {low} to {high}"
    return Rule(
        allowed,
        lambda given: is_number(given) and low <= given <= high and given == int(given),
        {"type": "integer", "minimum": low, "maximum": high},
    )


def text(allowed: str) -> Rule:
    """A string that is not blank."""
    return Rule(
        allowed,
        lambda given: isinstance(given, str) and given.strip() != "",
        {"type": "string", "pattern": r"\S"},
    )


def matching(allowed: str, pattern: str) -> Rule:
    """A string that a regular expression matches in full."""
    compiled = re.compile(pattern, re.ASCII)
    return Rule(
        allowed,
        lambda given: isinstance(given, str) and compiled.fullmatch(given) is not None,
        {"type": "string", "pattern": f"^(?:{pattern})$"},
    )


def list_of(rule: Rule, allowed: str, *, empty: bool = True, unique: bool = False) -> Rule:
    """A list of such values, each checked for itself."""

    def accepts(given: object) -> bool:
        if not isinstance(given, list | tuple) or (not given and not empty):
            return False
        return not unique or len(set(map(str, given))) == len(given)

    def inside(given: object) -> Iterator[Violation]:
        for position, each in enumerate(given if isinstance(given, list | tuple) else ()):
            yield from (found.within(position) for found in rule.check(each))

    schema = {"type": "array", "items": rule.schema, **({} if empty else {"minItems": 1})}
    return Rule(allowed, accepts, {**schema, "uniqueItems": True} if unique else schema, inside)


def map_of(rule: Rule, allowed: str = "an object", *, name: Rule | None = None, empty: bool = True) -> Rule:
    """An object from names that people choose to such values; ``name`` is the rule for the names."""

    def inside(given: object) -> Iterator[Violation]:
        for key, value in (given if isinstance(given, Mapping) else {}).items():
            if name is None and not str(key).strip():
                yield Violation((str(key),), "has an empty name; give it one.")
            elif name is not None and not name.accepts(key):
                yield Violation((str(key),), f"must be named by {name.allowed}.")
            yield from (found.within(str(key)) for found in rule.check(value))

    schema = {"type": "object", "additionalProperties": rule.schema, **({} if empty else {"minProperties": 1})}
    if name is not None:
        schema["propertyNames"] = name.schema
    return Rule(allowed, lambda given: isinstance(given, Mapping) and (empty or len(given) > 0), schema, inside)


def object_of(keys: Sequence[Key], allowed: str = "an object") -> Rule:
    """An object with these keys and no others. A key that is null is not allowed."""

    def inside(given: object) -> Iterator[Violation]:
        values: Mapping[str, object] = dict(given) if isinstance(given, Mapping) else {}
        yield from unknown_keys(values, [key.name for key in keys])
        for key in keys:
            if key.name in values:
                yield from (found.within(key.name) for found in key.rule.check(values[key.name]))
            elif key.required:
                yield Violation((key.name,), f"is missing; it must be {key.rule.allowed}.")

    return Rule(
        allowed,
        lambda given: isinstance(given, Mapping),
        {
            "type": "object",
            "properties": {key.name: key.schema for key in keys},
            "additionalProperties": False,
            **({"required": required} if (required := [key.name for key in keys if key.required]) else {}),
        },
        inside,
    )


def either(first: Rule, second: Rule, allowed: str) -> Rule:
    """A value that one of two rules allows, which differ in the kind of value."""

    def inside(given: object) -> Iterator[Violation]:
        yield from (first if first.accepts(given) else second).inside(given)

    return Rule(
        allowed,
        lambda given: first.accepts(given) or second.accepts(given),
        {"anyOf": [first.schema, second.schema]},
        inside,
    )


def unknown_keys(given: Iterable[str], known: Sequence[str]) -> Iterator[Violation]:
    """A violation for each key that is not known, with the nearest that is."""
    for key in given:
        if key not in known:
            near = _nearest(key, known)
            hint = f"did you mean {near}?" if near else f"known are {', '.join(known)}."
            yield Violation((key,), f"is not a known key; {hint}")


def spell_stack(key: str, *path: str | int) -> str:
    """The place of a value as ``pulumi config set --path`` takes it: ``imds:fleets.web.exemptions[0].until``."""
    return key + "".join(
        f".{each}"
        if isinstance(each, str) and re.fullmatch(r"[\w-]+", each)
        else f"[{json.dumps(each, ensure_ascii=False)}]"
        for each in path
    )


def snake_case(name: str) -> str:
    """``httpProtocolIpv6`` as Python spells it: ``http_protocol_ipv6``."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[0].lower()}", name)


def quote(value: object) -> str:
    """A value as JSON has it, shortened where it is long."""
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    shown = json.dumps(whole, ensure_ascii=False, default=str)
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"


def _spell_python(path: Path) -> str:
    first, *others = [
        snake_case(each) if isinstance(each, str) and _CAMEL_CASE.fullmatch(each) else each for each in path
    ]
    return spell_stack(str(first), *others)


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether the value is a number; True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _nearest(key: str, known: Iterable[str]) -> str | None:
    """The known key that a person may have meant, so that http_tokens and HttpTokens find httpTokens."""
    by_plain = {_plain(each): each for each in known}
    near = difflib.get_close_matches(_plain(key), by_plain, n=1)
    return by_plain[near[0]] if near else None


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()
