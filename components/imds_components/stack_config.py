"""The ``imds:`` keys of a stack's configuration, parsed into typed, validated settings.

Keys are in camelCase, as pulumi-aws has them, and structured values arrive as JSON strings. :func:`parse` is pure;
:func:`load` feeds it what Pulumi hands to the program. docs/configuration.md describes every key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from imds_provider.aws import settings as aws_config
from imds_provider.errors import ConfigurationError
from imds_provider.rules.options import OPTION_NAMES, decode

from .access import Configuration
from .attachments import duplicates
from .config_rules import (
    INSTANCE_ID,
    OPTION_RULES,
    Rule,
    is_text,
    object_of,
    place_of,
    unknown,
    wrong_keys,
    wrong_object,
    wrong_value,
)
from .fleet.settings import FleetSettings, fleet_settings, wrong_fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from imds_provider.rules.options import Options

NAMESPACE = "imds"


@dataclass(frozen=True)
class LaunchSettings:
    """An instance for the stack to create, in the arguments of ``aws.ec2.Instance``; None leaves one to EC2."""

    ami: str
    instance_type: str
    subnet_id: str | None = None
    vpc_security_group_ids: Sequence[str] | None = None
    iam_instance_profile: str | None = None
    key_name: str | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True)
class StackSettings:
    """What a stack is to manage.

    ``options`` holds the wanted options by Pulumi property (``httpTokens``), at least one if there is any instance
    or a fleet that sets none of its own; ``instances`` and ``launch`` have no name and no instance id in common.
    ``allow_downgrade`` is the reason why instances may be loosened. ``aliases`` has, for ``instances``, ``launch`` and
    ``fleets``, the name that each renamed one had before.
    """

    options: Options = field(default_factory=dict)
    instances: Mapping[str, str] = field(default_factory=dict)
    launch: Mapping[str, LaunchSettings] = field(default_factory=dict)
    fleets: Mapping[str, FleetSettings] = field(default_factory=dict)
    allow_downgrade: str | None = None
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class StackConfigError(pulumi.RunError):
    """All that is wrong with a stack's configuration, one sentence each in ``problems``.

    As a ``RunError`` it ends the program with its message alone, without a traceback.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(["The stack configuration cannot be used:", *(f"- {each}" for each in problems)]))
        self.problems = tuple(problems)


def load() -> StackSettings:
    """The settings of the stack that the program runs for. Raises :class:`StackConfigError`."""
    return parse(Configuration())


def parse(config: Mapping[str, str]) -> StackSettings:
    """Settings from the raw configuration: ``{"imds:options": '{"httpTokens": "required"}', …}``.

    Of other namespaces only the ``aws:`` keys that the provider reads are looked at, so that a mistake in them shows
    here too. Raises :class:`StackConfigError` with every problem found.
    """
    own = [key.removeprefix(f"{NAMESPACE}:") for key in config if key.startswith(f"{NAMESPACE}:")]
    problems = list(unknown(own, _TOP_LEVEL_KEYS, lambda key: f"{NAMESPACE}:{key}"))
    sections: dict[str, Mapping[str, object]] = {}
    for key in (_OPTIONS, _INSTANCES, _LAUNCH, _FLEETS, _ALIASES):
        try:
            sections[key] = object_of(key, config.get(key, "{}"))
        except ConfigurationError as error:
            problems.append(str(error))
    options, instances, launch, fleets = (sections.get(key, {}) for key in (_OPTIONS, _INSTANCES, _LAUNCH, _FLEETS))

    problems += wrong_keys(_OPTIONS, options, OPTION_RULES)
    if (instances or launch) and sections.get(_OPTIONS) == {}:
        problems.append(f"{_OPTIONS} must set at least one option to manage: {', '.join(OPTION_NAMES)}.")
    problems += _wrong_names(instances, launch, fleets)
    problems += _wrong_instances(instances)
    for name, value in launch.items():
        problems += wrong_object(place_of(_LAUNCH, name), value, _LAUNCH_RULES)
    for name, value in fleets.items():
        problems += wrong_fleet(place_of(_FLEETS, name), value, needs_options=sections.get(_OPTIONS) == {})
    problems += _wrong_aliases(sections.get(_ALIASES, {}), {"instances": instances, "launch": launch, "fleets": fleets})
    reason = config.get(_ALLOW_DOWNGRADE) or None
    if reason is not None:
        problems += wrong_value(_ALLOW_DOWNGRADE, reason, _REASON)
    try:
        aws_config.parse(config.get)
    except ConfigurationError as error:
        problems.append(str(error))

    if problems:
        raise StackConfigError(problems)
    return StackSettings(
        options=decode(options),
        instances={name: str(instance_id) for name, instance_id in instances.items()},
        launch={name: _launch_settings(value) for name, value in launch.items()},
        fleets={name: fleet_settings(value) for name, value in fleets.items()},
        allow_downgrade=reason,
        aliases={
            section: {str(name): str(before) for name, before in renamed.items()}
            for section, renamed in sections[_ALIASES].items()
            if isinstance(renamed, dict)
        },
    )


def _id_of(prefix: str) -> Callable[[object], bool]:
    """Accepts EC2's ids: 8 hexadecimal digits in old ones, 17 in those made since 2016."""
    pattern = re.compile(rf"{prefix}-([0-9a-f]{{8}}|[0-9a-f]{{17}})")
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_instance_type(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z0-9-]+\.[a-z0-9-]+", value) is not None


def _are_security_groups(value: object) -> bool:
    return isinstance(value, list) and value != [] and all(map(_id_of("sg"), value))


def _are_tags(value: object) -> bool:
    return isinstance(value, dict) and all(key != "" and isinstance(text, str) for key, text in value.items())


_TOP_LEVEL_KEYS = ("options", "instances", "launch", "fleets", "allowDowngrade", "aliases", "throttle")
_OPTIONS, _INSTANCES, _LAUNCH, _FLEETS, _ALLOW_DOWNGRADE, _ALIASES, _ = (
    f"{NAMESPACE}:{key}" for key in _TOP_LEVEL_KEYS
)
_REASON = Rule("", "the reason why instances may be loosened", is_text)
_FORMER_NAME = Rule("", "the name that it had before", is_text)

_LAUNCH_RULES = (
    Rule("ami", "the id of an image such as ami-0123456789abcdef0", _id_of("ami"), required=True),
    Rule("instanceType", "an instance type such as t3.micro", _is_instance_type, required=True),
    Rule("subnetId", "the id of a subnet such as subnet-0123456789abcdef0", _id_of("subnet")),
    Rule("vpcSecurityGroupIds", "a list of ids such as sg-0123456789abcdef0", _are_security_groups),
    Rule("iamInstanceProfile", "the name of an instance profile", is_text),
    Rule("keyName", "the name of a key pair", is_text),
    Rule("tags", "an object of texts such as {Team: web}", _are_tags),
)


def _wrong_names(
    instances: Mapping[str, object], launch: Mapping[str, object], fleets: Mapping[str, object]
) -> Iterator[str]:
    for section, named in ((_INSTANCES, instances), (_LAUNCH, launch), (_FLEETS, fleets)):
        yield from (f"{place_of(section, name)} has an empty name; give it one." for name in named if not name.strip())
    for name in instances:
        if name in launch:
            yield f"{place_of(_INSTANCES, name)} and {place_of(_LAUNCH, name)} have the same name; rename one."


def _wrong_instances(instances: Mapping[str, object]) -> Iterator[str]:
    places = {place_of(_INSTANCES, name): instance_id for name, instance_id in instances.items()}
    for place, instance_id in places.items():
        yield from wrong_value(place, instance_id, INSTANCE_ID)
    yield from duplicates((each, place) for place, each in places.items() if isinstance(each, str))


def _wrong_aliases(aliases: Mapping[str, object], named: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    yield from unknown(aliases, list(named), lambda key: place_of(_ALIASES, key))
    for section, names in named.items():
        place, renamed = place_of(_ALIASES, section), aliases.get(section, {})
        if not isinstance(renamed, dict):
            yield from wrong_object(place, renamed, ())
            continue
        for name, before in renamed.items():
            yield from wrong_value(place_of(place, name), before, _FORMER_NAME)
            if name not in names:
                yield f"{place_of(place, name)}: imds:{section} has no {name}; give the name it has now."
            if before in names:
                yield f"{place_of(place, name)}: imds:{section} still has {before}, so it was not renamed."


def _launch_settings(value: object) -> LaunchSettings:
    # The rules have checked each value, and LaunchSettings gives it its type back: Any stays in here.
    given: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
    return LaunchSettings(**{rule.argument: given[rule.key] for rule in _LAUNCH_RULES if rule.key in given})
