"""The configuration of a policy: ranges, and exceptions with their reasons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ...errors import InvalidInputError
from ..allowed_values import FLAG
from ..options import HTTP_PUT_RESPONSE_HOP_LIMIT, OPTIONS
from ..validation import Key, Violation, choice, list_of, object_of, text
from .resources import DeclaredResource

_HOP_LIMIT = next(option.rule for option in OPTIONS if option.name == HTTP_PUT_RESPONSE_HOP_LIMIT)
_EXCEPTION = (
    Key("resource", text('the name or URN of a resource, in which "*" stands for anything'), required=True),
    Key("reason", text("the reason for the exception"), required=True),
)
ANY = "any"

EXCEPTIONS = Key("exceptions", list_of(object_of(_EXCEPTION), "a list of exceptions, each with a reason"))
MINIMUM = Key("minimum", _HOP_LIMIT)
MAXIMUM = Key("maximum", _HOP_LIMIT)
ENDPOINT = Key("endpoint", choice(ANY, "enabled", "disabled"))
ATTACHED_COUNTS = Key("attachedCounts", FLAG)


@dataclass(frozen=True)
class Settings:
    """The configuration of one policy; what the policy does not use has its default."""

    exceptions: Mapping[str, str] = field(default_factory=dict)
    """The reason of each exception, by the name or URN pattern of the resources."""
    minimum: int = 1
    maximum: int = 2
    endpoint: str = ANY
    attached_counts: bool = True

    def excuse(self, resource: DeclaredResource) -> str | None:
        """The reason why the policy does not apply to the resource, if the configuration has one."""
        for pattern, reason in self.exceptions.items():
            # Names may have brackets, so "*" alone is special.
            expression = ".*".join(re.escape(part) for part in pattern.split("*"))
            if any(re.fullmatch(expression, each) for each in (resource.name, resource.urn)):
                return reason
        return None


def parse(policy: str, keys: Iterable[Key], given: Mapping[str, object]) -> Settings:
    """The settings in a policy's configuration.

    The engine checks the configuration against the schema, which knows neither misspelt keys nor a range that is empty.

    :raises InvalidInputError: with one line per value that is not allowed.
    """
    keys = tuple(keys)
    found = list(object_of(keys).check(given))
    known: dict[str, object] = {key.argument: given[key.name] for key in keys if key.name in given}
    if not found:
        found += _empty_range(known)
    if found:
        raise InvalidInputError("\n".join(each.in_stack_file(policy) for each in found))
    return Settings(
        exceptions=_exceptions(known.get("exceptions")),
        minimum=_whole(known.get("minimum"), Settings.minimum),
        maximum=_whole(known.get("maximum"), Settings.maximum),
        endpoint=str(known.get("endpoint", ANY)),
        attached_counts=known.get("attached_counts") is not False,
    )


def _empty_range(known: Mapping[str, object]) -> list[Violation]:
    low, high = _whole(known.get("minimum"), Settings.minimum), _whole(known.get("maximum"), Settings.maximum)
    return [Violation(("minimum",), f"must not be above maximum, got {low} and {high}.")] if low > high else []


def _whole(value: object, default: int) -> int:
    return int(value) if isinstance(value, int | float) else default


def _exceptions(given: object) -> dict[str, str]:
    found = given if isinstance(given, list | tuple) else ()
    return {str(each["resource"]): str(each["reason"]) for each in found if isinstance(each, Mapping)}
