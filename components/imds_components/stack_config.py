"""The ``imds:`` keys of a stack's configuration, parsed into typed, validated settings.

Keys are in camelCase, as pulumi-aws has them, and structured values arrive as JSON strings. docs/configuration.md
describes every key, and docs/imds.schema.json is generated from :data:`KEYS`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from imds_provider.aws import settings as aws_settings
from imds_provider.errors import ConfigurationError
from imds_provider.program.errors import ProgramError
from imds_provider.rules.allowed_values import INSTANCE_ID, REASON
from imds_provider.rules.options import OPTION_NAMES, OPTIONS_OBJECT, Options, decode, none_set
from imds_provider.rules.validation import (
    Key,
    Rule,
    list_of,
    map_of,
    matching,
    object_of,
    quote,
    spell_stack,
    text,
    unknown_keys,
)

from .access import Configuration
from .account.settings import ACCOUNT_DEFAULTS, AccountSettings, account_settings
from .attachments import duplicates
from .fleet.settings import FLEET, FleetSettings, fleet_settings

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
    or a fleet that sets none of its own; ``instances`` and ``launch`` have no name and no instance ID in common.
    ``allow_downgrade`` is the reason why instances may be loosened; ``account_defaults`` is None if none are managed.
    ``aliases`` has, for ``instances``, ``launch`` and ``fleets``, the former name of each that was renamed.
    """

    options: Options = field(default_factory=dict)
    instances: Mapping[str, str] = field(default_factory=dict)
    launch: Mapping[str, LaunchSettings] = field(default_factory=dict)
    fleets: Mapping[str, FleetSettings] = field(default_factory=dict)
    allow_downgrade: str | None = None
    account_defaults: AccountSettings | None = None
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class StackConfigError(ProgramError):
    """Everything that is wrong with a stack's configuration, one line each in ``problems``.

    As a ``RunError`` it ends the program with its message alone, without a traceback.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(["The stack configuration cannot be used:", *(f"- {each}" for each in problems)]))
        self.problems = tuple(problems)


def _resource_id(kind: str, prefix: str) -> Rule:
    """EC2's IDs have 8 hexadecimal digits, or 17 if they were made since 2016."""
    pattern = rf"{prefix}-(?:[0-9a-f]{{8}}|[0-9a-f]{{17}})"
    return matching(f"the ID of {kind} such as {prefix}-0123456789abcdef0", pattern)


_SECURITY_GROUPS = list_of(
    _resource_id("a security group", "sg"), "a list of security group IDs, at least one", empty=False
)
_STRING = Rule("a string", lambda given: isinstance(given, str), {"type": "string"})
_LAUNCH_KEYS = (
    Key("ami", _resource_id("an image", "ami"), required=True),
    Key("instanceType", matching("an instance type such as t3.micro", r"[a-z0-9-]+\.[a-z0-9-]+"), required=True),
    Key("subnetId", _resource_id("a subnet", "subnet")),
    Key("vpcSecurityGroupIds", _SECURITY_GROUPS),
    Key("iamInstanceProfile", text("the name of an instance profile")),
    Key("keyName", text("the name of a key pair")),
    Key("tags", map_of(_STRING, "an object of strings such as {Team: web}", name=text("a tag key"))),
)
_FORMER_NAMES = map_of(text("the former name"))
KEYS = (
    Key("options", OPTIONS_OBJECT),
    Key("instances", map_of(INSTANCE_ID)),
    Key("launch", map_of(object_of(_LAUNCH_KEYS))),
    Key("fleets", map_of(FLEET)),
    Key("allowDowngrade", REASON),
    Key("accountDefaults", ACCOUNT_DEFAULTS),
    Key("aliases", object_of([Key(section, _FORMER_NAMES) for section in ("instances", "launch", "fleets")])),
    Key("throttle", aws_settings.THROTTLE),
)
"""The keys of the namespace ``imds:``."""


def load() -> StackSettings:
    """The settings of the stack that the program runs for. Raises :class:`StackConfigError`."""
    return parse(Configuration())


def parse(config: Mapping[str, str]) -> StackSettings:
    """Settings from the raw configuration: ``{"imds:options": '{"httpTokens": "required"}', …}``.

    Of other namespaces only the ``aws:`` keys that the provider reads are checked, so that a mistake in them shows
    here too. Raises :class:`StackConfigError` with every problem found.
    """
    given = [key.removeprefix(f"{NAMESPACE}:") for key in config if key.startswith(f"{NAMESPACE}:")]
    problems = [
        f"{NAMESPACE}:{found.path[0]} {found.reason}" for found in unknown_keys(given, [key.name for key in KEYS])
    ]
    values: dict[str, Any] = {}
    # The throttle is parsed, and refused, with the keys of `aws:`.
    for key in KEYS[:-1]:
        place = f"{NAMESPACE}:{key.name}"
        try:
            values[key.name] = _decoded(place, config.get(place), key.rule)
        except ConfigurationError as error:
            problems.append(str(error))
            continue
        if values[key.name] is not None or key.rule is not REASON:
            problems += [found.in_stack_file(place) for found in key.rule.check(values[key.name])]
    problems += _wrong_together(values)
    try:
        aws_settings.parse(config.get)
    except ConfigurationError as error:
        problems += str(error).splitlines()
    if problems:
        raise StackConfigError(problems)
    options = decode(values["options"])
    return StackSettings(
        options=options,
        instances=values["instances"],
        launch={name: _launch_settings(each) for name, each in values["launch"].items()},
        fleets={
            name: fleet_settings(spell_stack("imds:fleets", name), each, options)
            for name, each in values["fleets"].items()
        },
        allow_downgrade=values["allowDowngrade"],
        account_defaults=account_settings(values["accountDefaults"]) if values["accountDefaults"] else None,
        aliases=values["aliases"],
    )


def _decoded(place: str, given: str | None, rule: Rule) -> object:
    """The value of a top-level key: a string as it is, anything else as JSON. None is a string that is not set."""
    if rule is REASON:
        return given or None
    try:
        return json.loads(given) if given is not None else {}
    except json.JSONDecodeError as error:
        where = f"{error.msg} at character {error.pos + 1}"
        raise ConfigurationError(
            f"{place} must be {rule.allowed}, but {quote(given)} is not valid JSON: {where}."
        ) from None


def _wrong_together(values: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with sections that are each allowed for themselves."""
    sections = {name: given for name, given in values.items() if isinstance(given, dict)}
    instances, launch, fleets = (sections.get(name, {}) for name in ("instances", "launch", "fleets"))
    if sections.get("options") == {}:
        needed = none_set(OPTION_NAMES).reason.removeprefix("set ")
        if instances or launch:
            yield f"imds:options must set {needed}"
        for name, fleet in fleets.items():
            if isinstance(fleet, dict) and not fleet.get("options"):
                yield f"{spell_stack('imds:fleets', name, 'options')} or imds:options must set {needed}"
    for name in instances:
        if name in launch:
            places = " and ".join(spell_stack(f"imds:{section}", name) for section in ("instances", "launch"))
            yield f"{places} have the same name; rename one."
    yield from duplicates(
        (each, spell_stack("imds:instances", name)) for name, each in instances.items() if isinstance(each, str)
    )
    yield from _wrong_aliases(sections.get("aliases", {}), {"instances": instances, "launch": launch, "fleets": fleets})


def _wrong_aliases(aliases: Mapping[str, Any], named: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for section, names in named.items():
        renamed = aliases.get(section)
        for name, before in renamed.items() if isinstance(renamed, dict) else ():
            place = spell_stack("imds:aliases", section, name)
            if name not in names:
                yield f"{place}: imds:{section} has no {name}; give the name it has now."
            if before in names:
                yield f"{place}: imds:{section} still has {before}, so it was not renamed."


def _launch_settings(given: Mapping[str, Any]) -> LaunchSettings:
    return LaunchSettings(**{key.argument: given[key.name] for key in _LAUNCH_KEYS if key.name in given})
