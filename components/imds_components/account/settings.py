"""What an account's defaults are to be: in which regions, and what must hold before IMDSv2 is enforced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from imds_provider.rules.account_defaults import (
    DEFAULT_KEYS,
    DEFAULT_NAMES,
    HTTP_TOKENS_ENFORCED,
    decode_defaults,
    default_violations,
    enforcement_violations,
)
from imds_provider.rules.allowed_values import ON_DESTROY, REASON, REGIONS, TIMEOUT_SECONDS
from imds_provider.rules.enforcement import KEYS as READINESS_KEYS
from imds_provider.rules.enforcement import EnforcementReadiness
from imds_provider.rules.options import Options, none_set
from imds_provider.rules.resource_state import DEFAULT_TIMEOUT_SECONDS
from imds_provider.rules.validation import (
    Key,
    Rule,
    Violation,
    field_violations,
    object_of,
    raise_for,
    snake_case,
    spell_stack,
)

PLACE = "imds:accountDefaults"
_OWN_KEYS = (
    Key("regions", REGIONS),
    Key("onDestroy", ON_DESTROY),
    Key("allowDowngrade", REASON),
    Key("timeoutSeconds", TIMEOUT_SECONDS),
)
KEYS = (*DEFAULT_KEYS, *_OWN_KEYS, Key("readiness", object_of(READINESS_KEYS)))


def _wrong_defaults(given: object) -> Iterator[Violation]:
    yield from _DEFAULTS.inside(given)
    if not isinstance(given, Mapping):
        return
    if given and not any(name in given for name in DEFAULT_NAMES):
        yield Violation((), f"must {none_set(DEFAULT_NAMES).reason}")
    yield from enforcement_violations(given)


_DEFAULTS = object_of(KEYS)
ACCOUNT_DEFAULTS = Rule(_DEFAULTS.allowed, _DEFAULTS.accepts, _DEFAULTS.schema, _wrong_defaults)
"""An account's defaults in the stack configuration. An empty object manages none."""


@dataclass(frozen=True)
class AccountSettings:
    """An account's defaults, in the arguments of ``AccountMetadata``; ``defaults`` are by Pulumi property.

    None for ``regions`` means the stack's own region. ``place`` is the key of the stack configuration that the settings
    come from.

    Raises :class:`InvalidInputError` with one line per value that is not allowed.
    """

    defaults: Options
    regions: Sequence[str] | None = None
    on_destroy: Literal["retain", "restore"] = "retain"
    allow_downgrade: str | None = None
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    readiness: EnforcementReadiness = field(default_factory=EnforcementReadiness)
    place: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        raise_for("", [*default_violations(self.defaults), *field_violations(self, _OWN_KEYS)])

    @property
    def enforces(self) -> bool:
        """Whether IMDSv2 is to be enforced."""
        return self.defaults.get(HTTP_TOKENS_ENFORCED) == "enabled"

    def spelled(self, *path: str) -> str:
        """A key as the person wrote it who made the settings, in a stack file or in Python."""
        return spell_stack(self.place, *path) if self.place else ".".join(map(snake_case, path))


def account_settings(given: Mapping[str, Any]) -> AccountSettings:
    """The settings in an object of the stack configuration that :data:`ACCOUNT_DEFAULTS` finds nothing wrong with."""
    readiness = given.get("readiness", {})
    return AccountSettings(
        decode_defaults(given),
        **{key.argument: given[key.name] for key in _OWN_KEYS if key.name in given},
        readiness=EnforcementReadiness(
            **{key.argument: readiness[key.name] for key in READINESS_KEYS if key.name in readiness}
        ),
        place=PLACE,
    )
