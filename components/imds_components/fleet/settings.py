"""What a fleet is: which instances, which options, and how a rollout goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from imds_provider.rules.allowed_values import (
    INSTANCE_ID,
    INSTANCE_IDS,
    LAUNCH_SOURCES,
    ON_DESTROY,
    REASON,
    REGIONS,
    TIMEOUT_SECONDS,
)
from imds_provider.rules.options import OPTIONS_OBJECT, Options, as_arguments, decode
from imds_provider.rules.readiness import KEYS as READINESS_KEYS
from imds_provider.rules.readiness import Readiness
from imds_provider.rules.resource_state import DEFAULT_TIMEOUT_SECONDS
from imds_provider.rules.validation import (
    Key,
    Rule,
    Violation,
    choice,
    either,
    field_violations,
    list_of,
    map_of,
    object_of,
    raise_for,
    snake_case,
    spell_stack,
)

from .downgrades import Allowance
from .exemptions import KEYS as EXEMPTION_KEYS
from .exemptions import Exemption
from .selection import SELECT
from .waves import KEYS as ROLLOUT_KEYS
from .waves import Rollout

_REASONS = map_of(REASON, name=INSTANCE_ID, empty=False)
_OWN_KEYS = (
    Key("select", SELECT),
    Key("instances", INSTANCE_IDS),
    Key("exclude", INSTANCE_IDS),
    Key("allowDowngrade", either(REASON, _REASONS, "a reason, or an object from instance IDs to reasons")),
    Key("regions", REGIONS),
    Key("onDestroy", ON_DESTROY),
    Key("timeoutSeconds", TIMEOUT_SECONDS),
    Key("preflight", choice("on", "off")),
    Key("expiredExemptions", choice("fail", "warn")),
    Key("launchSources", LAUNCH_SOURCES),
)
KEYS = (
    *_OWN_KEYS,
    Key("options", OPTIONS_OBJECT),
    Key("exemptions", list_of(object_of(EXEMPTION_KEYS), "a list of objects")),
    Key("readiness", object_of(READINESS_KEYS)),
    Key("rollout", object_of(ROLLOUT_KEYS)),
)


def _wrong_fleet(given: object) -> Iterator[Violation]:
    yield from _FLEET.inside(given)
    if isinstance(given, Mapping):
        yield from _wrong_together(given, [each.get("instance") for each in _objects(given.get("exemptions"))])


def _wrong_together(given: Mapping[str, object], exempt: Sequence[object]) -> Iterator[Violation]:
    """What is wrong with values that are each allowed for themselves."""
    if given.get("select") is None and not given.get("instances"):
        yield Violation(("select",), "is missing, and so is instances: set one of them.")
    for position, each in enumerate(exempt):
        if isinstance(each, str) and each in exempt[:position]:
            yield Violation(("exemptions", position), f"is the second exemption of {each}; keep one.")


def _objects(value: object) -> list[Mapping[str, object]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


_FLEET = object_of(KEYS)
FLEET = Rule(_FLEET.allowed, _FLEET.accepts, _FLEET.schema, _wrong_fleet)
"""A fleet of the stack configuration."""


@dataclass(frozen=True)
class FleetSettings:
    """A fleet, in the arguments of ``FleetMetadata``; ``options`` are all that its instances are to have.

    None for ``regions`` means the stack's own region. ``place`` is the key of the stack configuration that the settings
    come from, such as ``imds:fleets.web``.

    Raises :class:`InvalidInputError` with one line per value that is not allowed.
    """

    select: Mapping[str, Sequence[str]] | None = None
    instances: Sequence[str] = ()
    exclude: Sequence[str] = ()
    options: Options = field(default_factory=dict)
    exemptions: Sequence[Exemption] = ()
    readiness: Readiness = field(default_factory=Readiness)
    rollout: Rollout = field(default_factory=Rollout)
    allow_downgrade: Allowance = None
    regions: Sequence[str] | None = None
    on_destroy: Literal["retain", "restore"] = "retain"
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    preflight: Literal["on", "off"] = "on"
    expired_exemptions: Literal["fail", "warn"] = "fail"
    launch_sources: Literal["warn", "block", "off"] = "warn"
    place: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        given = {"select": self.select, "instances": self.instances}
        exempt = [each.instance for each in self.exemptions]
        raise_for("", [*field_violations(self, _OWN_KEYS), *_wrong_together(given, exempt)])

    def spelled(self, *path: str) -> str:
        """A key as the person wrote it who made the settings, in a stack file or in Python."""
        return spell_stack(self.place, *path) if self.place else ".".join(map(snake_case, path))


def fleet_settings(place: str, given: Mapping[str, object], stack: Options) -> FleetSettings:
    """The settings in an object of the stack configuration that :data:`FLEET` finds nothing wrong with.

    ``stack`` has the options of the whole stack, which the fleet's own are put over.
    """
    # The rules have checked each value, and the dataclasses give it its type back: Any stays in here.
    arguments: dict[str, Any] = {key.argument: given[key.name] for key in KEYS if key.name in given}
    made: dict[str, Callable[[Any], object]] = {
        "exemptions": lambda objects: [_exemption(each) for each in objects],
        "readiness": lambda section: Readiness(**_arguments(section, READINESS_KEYS)),
        "rollout": lambda section: Rollout(**_arguments(section, ROLLOUT_KEYS)),
    }
    arguments.update({name: make(arguments[name]) for name, make in made.items() if name in arguments})
    arguments["options"] = {**stack, **decode(arguments.get("options", {}))}
    return FleetSettings(**arguments, place=place)


def _exemption(given: Mapping[str, Any]) -> Exemption:
    options = decode(given.get("options", {}))
    own = {name: value for name, value in given.items() if name != "options"}
    return Exemption(**own, **as_arguments(options))  # type: ignore[arg-type]  # the rules have checked each value


def _arguments(given: Mapping[str, Any], keys: Sequence[Key]) -> dict[str, Any]:
    return {key.argument: given[key.name] for key in keys if key.name in given}
