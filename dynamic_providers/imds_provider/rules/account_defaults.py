"""An account's defaults for the metadata options of new instances in a region, and its enforcement of IMDSv2.

They travel as a mapping from the Pulumi property (``httpTokens``) to its value. ``no-preference``, and -1 for the hop
limit, mean that the account has no default. In what is wanted, a property that is absent is not managed.

Sources: EC2 API reference, ``ModifyInstanceMetadataDefaults`` and ``InstanceMetadataDefaultsResponse``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .options import (
    HTTP_ENDPOINT,
    HTTP_PUT_RESPONSE_HOP_LIMIT,
    HTTP_TOKENS,
    INSTANCE_METADATA_TAGS,
    Options,
    OptionValue,
    none_set,
)
from .validation import Key, Rule, Violation, choice, is_number, object_of, violations

HTTP_TOKENS_ENFORCED = "httpTokensEnforced"
NO_PREFERENCE = "no-preference"
NO_HOP_LIMIT = -1
DECLARATIVE_POLICY = "declarative-policy"

_HOP_LIMIT = Rule(
    "a whole number from 1 to 64, or -1 for no preference",
    lambda given: is_number(given) and (1 <= given <= 64 or given == NO_HOP_LIMIT) and given == int(given),
    {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 64}, {"const": NO_HOP_LIMIT}]},
)
_SWITCH = choice("disabled", "enabled", NO_PREFERENCE)


@dataclass(frozen=True)
class Default:
    """One default under the three names it goes by; ``cleared`` is its value where the account has none."""

    name: str
    argument: str
    ec2_name: str
    rule: Rule
    cleared: OptionValue = NO_PREFERENCE


DEFAULTS: tuple[Default, ...] = (
    Default(HTTP_TOKENS, "http_tokens", "HttpTokens", choice("optional", "required", NO_PREFERENCE)),
    Default(
        HTTP_PUT_RESPONSE_HOP_LIMIT, "http_put_response_hop_limit", "HttpPutResponseHopLimit", _HOP_LIMIT, NO_HOP_LIMIT
    ),
    Default(HTTP_ENDPOINT, "http_endpoint", "HttpEndpoint", _SWITCH),
    Default(INSTANCE_METADATA_TAGS, "instance_metadata_tags", "InstanceMetadataTags", _SWITCH),
    Default(HTTP_TOKENS_ENFORCED, "http_tokens_enforced", "HttpTokensEnforced", _SWITCH),
)
DEFAULT_NAMES: tuple[str, ...] = tuple(default.name for default in DEFAULTS)
DEFAULT_KEYS: tuple[Key, ...] = tuple(Key(default.name, default.rule) for default in DEFAULTS)
DEFAULTS_OBJECT = object_of(DEFAULT_KEYS)
"""Defaults as an object of the stack configuration."""


@dataclass(frozen=True)
class AccountDefaults:
    """The defaults of an account in a region, as one answer of EC2 showed them.

    ``values`` has every default, cleared ones included. ``managed_by`` is ``account`` or ``declarative-policy``, for
    which ``exception_message`` is what the organization says to whoever tries to change it.
    """

    values: Options
    managed_by: str = "account"
    exception_message: str = ""

    @property
    def is_enforced(self) -> bool:
        """Whether launches with optional tokens fail, and instances cannot be changed to optional tokens."""
        return self.values.get(HTTP_TOKENS_ENFORCED) == "enabled"

    @property
    def is_managed_by_policy(self) -> bool:
        """Whether a declarative policy of the organization decides, so that the account cannot."""
        return self.managed_by == DECLARATIVE_POLICY


def from_ec2(response: Mapping[str, object]) -> AccountDefaults:
    """The defaults in an ``InstanceMetadataDefaultsResponse``, in which those that the account lacks are absent."""
    values: dict[str, OptionValue] = {}
    for default in DEFAULTS:
        value = response.get(default.ec2_name)
        values[default.name] = value if isinstance(value, str | int) else default.cleared
    return AccountDefaults(
        values, str(response.get("ManagedBy") or "account"), str(response.get("ManagedExceptionMessage") or "")
    )


def default_violations(
    values: Mapping[str, object], *, is_known: Callable[[object], bool] = lambda _: True
) -> list[Violation]:
    """Every default that may not be sent. ``values`` may hold other properties; they are not judged."""
    if all(values.get(name) is None for name in DEFAULT_NAMES):
        return [none_set(default.argument for default in DEFAULTS)]
    return [*violations(values, DEFAULT_KEYS, is_known=is_known), *enforcement_violations(values)]


def enforcement_violations(values: Mapping[str, object]) -> list[Violation]:
    """A default of optional tokens cannot be enforced against: every launch that relies on it would fail."""
    if values.get(HTTP_TOKENS_ENFORCED) != "enabled" or values.get(HTTP_TOKENS) != "optional":
        return []
    reason = (
        'must not be "enabled" together with a default of "optional" tokens, with which every launch that names none '
        "would fail: set httpTokens to required, or leave it to images and templates."
    )
    return [Violation((HTTP_TOKENS_ENFORCED,), reason)]


def decode_defaults(values: Mapping[str, object]) -> dict[str, OptionValue]:
    """The defaults in a Pulumi property bag, with numbers as whole numbers. Values are not judged."""
    decoded: dict[str, OptionValue] = {}
    for name in DEFAULT_NAMES:
        value = values.get(name)
        if isinstance(value, str):
            decoded[name] = value
        elif isinstance(value, int | float):
            decoded[name] = int(value)
    return decoded


def default_changes(observed: Options, wanted: Options) -> dict[str, OptionValue]:
    """The wanted values that the account does not have. Enforcement that is cleared is as good as disabled."""
    return {
        name: value for name, value in wanted.items() if _effective(name, observed.get(name)) != _effective(name, value)
    }


def default_parameters(values: Options) -> dict[str, OptionValue]:
    """The parameters of the ``ModifyInstanceMetadataDefaults`` that sets these values."""
    return {default.ec2_name: values[default.name] for default in DEFAULTS if default.name in values}


_STRICTNESS: Mapping[str, tuple[str, ...]] = {
    # An account's "optional" takes precedence over an image that requires tokens, so it is less strict than none.
    HTTP_TOKENS: ("optional", NO_PREFERENCE, "required"),
    HTTP_ENDPOINT: (NO_PREFERENCE, "disabled"),
    HTTP_TOKENS_ENFORCED: ("disabled", "enabled"),
}
"""The values of a default from the loosest to the strictest; what is not listed is as loose as the first."""


def loosened_defaults(observed: Options, wanted: Options) -> list[str]:
    """The defaults that a change from ``observed`` to ``wanted`` would loosen."""
    return [
        name
        for name, value in default_changes(observed, wanted).items()
        if name in _STRICTNESS and _strictness(name, value) < _strictness(name, observed.get(name))
    ]


def _strictness(name: str, value: OptionValue | None) -> int:
    order, effective = _STRICTNESS[name], _effective(name, value)
    return order.index(effective) if isinstance(effective, str) and effective in order else 0


def _effective(name: str, value: OptionValue | None) -> OptionValue | None:
    """A value as launches see it: enforcement that the account has no preference for is disabled."""
    return "disabled" if name == HTTP_TOKENS_ENFORCED and value in (NO_PREFERENCE, None) else value


def render_defaults(values: Options, names: Iterable[str] = DEFAULT_NAMES) -> str:
    """Defaults on one line for a person: ``httpTokens=required httpTokensEnforced=enabled``."""
    return " ".join(f"{name}={values[name]}" for name in names if name in values)


def render_default_changes(observed: Options, wanted: Options) -> str:
    """What will change on one line: ``httpTokens: no-preference -> required``."""
    differing = default_changes(observed, wanted)
    before, after = in_words(observed), in_words(differing)
    named = (name for name in DEFAULT_NAMES if name in differing)
    return ", ".join(f"{name}: {before.get(name)} -> {after[name]}" for name in named)


def in_words(values: Options) -> dict[str, OptionValue]:
    """Defaults as a line of changes names them: a hop limit that is cleared is ``no-preference`` too."""
    return {name: NO_PREFERENCE if value == NO_HOP_LIMIT else value for name, value in values.items()}
