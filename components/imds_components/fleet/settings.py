"""The section ``imds:fleets`` of a stack's configuration. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from imds_provider.rules.options import OPTION_NAMES, Options, as_arguments, decode, quote
from imds_provider.rules.readiness import DAYS, LEGACY_CALLS, UNKNOWN, Readiness, is_days
from imds_provider.rules.resource_state import (
    DEFAULT_TIMEOUT_SECONDS,
    LONGEST_TIMEOUT_SECONDS,
    is_instance_id,
    is_region,
    is_timeout,
)
from imds_provider.rules.wave_health import LONGEST_SOAK_MINUTES, is_soak

from ..config_rules import INSTANCE_ID, OPTION_RULES, Rule, is_text, wrong_keys, wrong_object
from .downgrades import Allowance
from .exemptions import Exemption, parse_day
from .selection import select_violations
from .waves import Rollout, is_wave


@dataclass(frozen=True)
class FleetSettings:
    """A fleet of the stack, in the arguments of ``FleetMetadata``.

    ``options`` are the fleet's own, over those of the stack. ``preflight`` is ``on`` or ``off``,
    ``expired_exemptions`` is ``fail`` or ``warn``, ``timeout_seconds`` is 1 to 3600. None for ``regions`` means the
    stack's own region.
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


def fleet_arguments(fleet: FleetSettings, stack: Options) -> dict[str, Any]:
    """The arguments of ``FleetMetadata`` for a fleet of the configuration; ``stack`` has the options of all of it."""
    given = {each.name: getattr(fleet, each.name) for each in fields(fleet) if each.name != "options"}
    return {**given, "metadata_options": as_arguments({**stack, **fleet.options})}


def checked(given: FleetSettings) -> FleetSettings:
    """The settings of a fleet that a program made itself. Raises ``ValueError`` with one line for each mistake."""
    problems = select_violations(given.select) if given.select is not None else []
    if given.select is None and not given.instances:
        problems.append("give select or instances.")
    problems += [
        f"{name} must hold instance ids, i- and 8 or 17 hexadecimal digits, got {quote(each)}."
        for name, ids in (("instances", given.instances), ("exclude", given.exclude))
        for each in ids
        if not is_instance_id(each)
    ]
    if given.regions is not None and not _are_regions(list(given.regions)):
        problems.append("regions must be a list of different regions such as eu-west-1.")
    if given.allow_downgrade is not None and not _is_allowance(given.allow_downgrade):
        problems.append("allow_downgrade must be a reason, or one for each instance id.")
    if not is_timeout(given.timeout_seconds):
        problems.append(f"timeout_seconds must be a number of seconds from 1 to {LONGEST_TIMEOUT_SECONDS}.")
    problems += [
        f"{name} must be {' or '.join(map(quote, allowed))}, got {quote(value)}."
        for name, value, allowed in (
            ("on_destroy", given.on_destroy, ("retain", "restore")),
            ("preflight", given.preflight, ("on", "off")),
            ("expired_exemptions", given.expired_exemptions, ("fail", "warn")),
        )
        if value not in allowed
    ]
    if problems:
        raise ValueError("\n".join(problems))
    return given


def wrong_fleet(place: str, value: object, *, needs_options: bool) -> Iterator[str]:
    """A sentence for each thing that is wrong with the fleet that stands at ``place``.

    With ``needs_options`` the stack sets no options, so that the fleet must.
    """
    yield from wrong_object(place, value, _FLEET_RULES)
    if not isinstance(value, dict):
        return
    if not value.get("select") and not value.get("instances"):
        yield f"{place} must have select or instances."
    if needs_options and not value.get("options"):
        yield f"{place}.options or imds:options must set at least one option to manage: {', '.join(OPTION_NAMES)}."
    if isinstance(select := value.get("select"), dict):
        yield from select_violations(select, f"{place}.select")
    for key, rules in (("options", OPTION_RULES), ("readiness", _READINESS_RULES), ("rollout", _ROLLOUT_RULES)):
        if isinstance(section := value.get(key), dict):
            yield from wrong_keys(f"{place}.{key}", section, rules)
    yield from _wrong_rollout(f"{place}.rollout", value.get("rollout"))
    yield from _wrong_exemptions(f"{place}.exemptions", value.get("exemptions"))


def fleet_settings(value: object) -> FleetSettings:
    """The settings in a value that :func:`wrong_fleet` finds nothing wrong with."""
    given = _arguments(value, _FLEET_RULES)
    made: dict[str, Callable[[object], object]] = {
        "options": lambda section: decode(section) if isinstance(section, dict) else {},
        "exemptions": lambda section: [_exemption(each) for each in section] if isinstance(section, list) else [],
        "readiness": lambda section: Readiness(**_arguments(section, _READINESS_RULES)),
        "rollout": lambda section: Rollout(**_arguments(section, _ROLLOUT_RULES)),
    }
    return FleetSettings(**{**given, **{name: make(given[name]) for name, make in made.items() if name in given}})


def _arguments(value: object, rules: Sequence[Rule]) -> dict[str, Any]:
    # The rules have checked each value, and the settings give it its type back: Any stays in here.
    given: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
    return {rule.argument: given[rule.key] for rule in rules if rule.key in given}


def _exemption(value: object) -> Exemption:
    given = _arguments(value, _EXEMPTION_RULES)
    options = _arguments(decode(given.pop("options", {})), OPTION_RULES)
    return Exemption(**given, **options)


def _wrong_exemptions(place: str, value: object) -> Iterator[str]:
    seen: set[object] = set()
    for number, each in enumerate(value if isinstance(value, list) else ()):
        where = f"{place}[{number}]"
        yield from wrong_object(where, each, _EXEMPTION_RULES)
        if not isinstance(each, dict):
            continue
        if isinstance(options := each.get("options"), dict):
            yield from wrong_keys(f"{where}.options", options, OPTION_RULES)
        if is_instance_id(instance_id := each.get("instance")):
            if instance_id in seen:
                yield f"{where}: {instance_id} is exempted twice; keep one exemption."
            seen.add(instance_id)


def _wrong_rollout(place: str, value: object) -> Iterator[str]:
    if isinstance(value, dict) and _are_waves(value.get("waves")):
        try:
            Rollout(waves=value["waves"])
        except ValueError as error:
            yield from (f"{place}.waves: {line.removeprefix('Rollout: ')}" for line in str(error).splitlines())


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and all(map(is_instance_id, value))


def _are_regions(value: object) -> bool:
    return (
        isinstance(value, list)
        and value != []
        and len(set(map(str, value))) == len(value)
        and all(map(is_region, value))
    )


def _are_waves(value: object) -> bool:
    return isinstance(value, list) and value != [] and all(map(is_wave, value))


def _is_allowance(value: object) -> bool:
    if isinstance(value, Mapping):
        return len(value) > 0 and all(is_instance_id(each) and is_text(reason) for each, reason in value.items())
    return is_text(value)


def _choice(key: str, values: Sequence[str]) -> Rule:
    return Rule(key, " or ".join(f'"{value}"' for value in values), lambda given: given in values)


_IDS = "a list of ids such as i-0123456789abcdef0"

_FLEET_RULES = (
    Rule("select", "an object of filters such as {tag:Team: [web]}", _is_object),
    Rule("instances", _IDS, _are_ids),
    Rule("exclude", _IDS, _are_ids),
    Rule("options", "an object", _is_object),
    Rule("exemptions", "a list of objects", lambda value: isinstance(value, list)),
    Rule("readiness", "an object", _is_object),
    Rule("rollout", "an object", _is_object),
    Rule("allowDowngrade", "a reason, or an object of a reason for each instance id", _is_allowance),
    Rule("regions", "a list of different regions such as eu-west-1", _are_regions),
    _choice("onDestroy", ("retain", "restore")),
    Rule("timeoutSeconds", f"a number of seconds from 1 to {LONGEST_TIMEOUT_SECONDS}", is_timeout),
    _choice("preflight", ("on", "off")),
    _choice("expiredExemptions", ("fail", "warn")),
)

_EXEMPTION_RULES = (
    Rule("instance", INSTANCE_ID.allowed, is_instance_id, required=True),
    Rule("reason", "the reason, as text", is_text, required=True),
    Rule("until", "a day such as 2027-01-31", lambda value: parse_day(value) is not None, required=True),
    Rule("options", "an object", _is_object),
)

_READINESS_RULES = (
    _choice("legacyCalls", LEGACY_CALLS),
    Rule("days", f"a whole number from 1 to {DAYS[-1]}", is_days),
    _choice("unknown", UNKNOWN),
)

_ROLLOUT_RULES = (
    Rule("waves", "a list of whole numbers from 1 and texts from 1% to 100%", _are_waves),
    Rule("soakMinutes", f"a number of minutes from 0 to {LONGEST_SOAK_MINUTES}", is_soak),
)
