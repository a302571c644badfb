"""The ``imds:`` keys of a stack's configuration, parsed into typed, validated settings.

Keys are in camelCase, as pulumi-aws has them, and structured values arrive as JSON strings. :func:`parse` is pure;
:func:`load` feeds it what Pulumi hands to the program. docs/configuration.md describes every key.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from imds_provider import aws_config
from imds_provider.errors import ConfigurationError
from imds_provider.options import OPTION_NAMES, OPTIONS, decode
from imds_provider.properties import is_instance_id

from .attachments import duplicates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from imds_provider.options import Options

NAMESPACE = "imds"

_SHOWN_CHARACTERS = 60


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

    ``options`` holds the wanted options by Pulumi property (``httpTokens``), at least one if there is any instance;
    ``instances`` and ``launch`` have no name and no instance id in common.
    """

    options: Options = field(default_factory=dict)
    instances: Mapping[str, str] = field(default_factory=dict)
    launch: Mapping[str, LaunchSettings] = field(default_factory=dict)


class StackConfigError(pulumi.RunError):
    """All that is wrong with a stack's configuration, one sentence each in ``problems``.

    As a ``RunError`` it ends the program with its message alone, without a traceback.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(["The stack configuration cannot be used:", *(f"- {each}" for each in problems)]))
        self.problems = tuple(problems)


def load() -> StackSettings:
    """The settings of the stack that the program runs for. Raises :class:`StackConfigError`."""
    return parse(pulumi.runtime.get_config_env())


def parse(config: Mapping[str, str]) -> StackSettings:
    """Settings from the raw configuration: ``{"imds:options": '{"httpTokens": "required"}', …}``.

    Of other namespaces only the ``aws:`` keys that the provider reads are looked at, so that a mistake in them shows
    here too. Raises :class:`StackConfigError` with every problem found.
    """
    own = [key.removeprefix(f"{NAMESPACE}:") for key in config if key.startswith(f"{NAMESPACE}:")]
    problems = list(_unknown(own, _TOP_LEVEL_KEYS, lambda key: f"{NAMESPACE}:{key}"))
    sections: dict[str, Mapping[str, object]] = {}
    for key in (_OPTIONS, _INSTANCES, _LAUNCH):
        try:
            sections[key] = _object(key, config.get(key, "{}"))
        except ConfigurationError as error:
            problems.append(str(error))
    options, instances, launch = (sections.get(key, {}) for key in (_OPTIONS, _INSTANCES, _LAUNCH))

    problems += _wrong_keys(_OPTIONS, options, _OPTION_RULES)
    if (instances or launch) and sections.get(_OPTIONS) == {}:
        problems.append(f"{_OPTIONS} must set at least one option to manage: {', '.join(OPTION_NAMES)}.")
    problems += _wrong_names(instances, launch)
    problems += _wrong_instances(instances)
    for name, value in launch.items():
        problems += _wrong_launch(_place(_LAUNCH, name), value)
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
    )


@dataclass(frozen=True)
class _Rule:
    """A key of the configuration and what its value may be, ``allowed`` being the middle of a sentence."""

    key: str
    allowed: str
    accepts: Callable[[object], bool]
    required: bool = False

    @property
    def argument(self) -> str:
        """The key as a Python name."""
        return re.sub(r"([A-Z])", r"_\1", self.key).lower()


def _id_of(prefix: str) -> Callable[[object], bool]:
    """Accepts EC2's ids: 8 hexadecimal digits in old ones, 17 in those made since 2016."""
    pattern = re.compile(rf"{prefix}-([0-9a-f]{{8}}|[0-9a-f]{{17}})")
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_instance_type(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z0-9-]+\.[a-z0-9-]+", value) is not None


def _are_security_groups(value: object) -> bool:
    return isinstance(value, list) and value != [] and all(map(_id_of("sg"), value))


def _are_tags(value: object) -> bool:
    return isinstance(value, dict) and all(key != "" and isinstance(text, str) for key, text in value.items())


_OPTIONS, _INSTANCES, _LAUNCH = (f"{NAMESPACE}:{key}" for key in ("options", "instances", "launch"))
_TOP_LEVEL_KEYS = ("options", "instances", "launch", "throttle")

_OPTION_RULES = tuple(_Rule(option.name, option.describe_allowed(), option.accepts) for option in OPTIONS)

_LAUNCH_RULES = (
    _Rule("ami", "the id of an image such as ami-0123456789abcdef0", _id_of("ami"), required=True),
    _Rule("instanceType", "an instance type such as t3.micro", _is_instance_type, required=True),
    _Rule("subnetId", "the id of a subnet such as subnet-0123456789abcdef0", _id_of("subnet")),
    _Rule("vpcSecurityGroupIds", "a list of ids such as sg-0123456789abcdef0", _are_security_groups),
    _Rule("iamInstanceProfile", "the name of an instance profile", _is_text),
    _Rule("keyName", "the name of a key pair", _is_text),
    _Rule("tags", "an object of texts such as {Team: web}", _are_tags),
)

_INSTANCE_ID = _Rule("", "an instance id: i- and 8 or 17 hexadecimal digits", is_instance_id)


def _object(key: str, text: str) -> Mapping[str, object]:
    """The value of a top-level key. Raises ``ConfigurationError`` if it is no object."""
    try:
        value: object = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{error.msg} at character {error.pos + 1}"
        raise ConfigurationError(f"{key} must be an object, but {_shown(text)} is not valid JSON: {where}.") from None
    if not isinstance(value, dict):
        raise ConfigurationError(f"{key} must be an object, got {_shown(value)}.")
    return value


def _wrong_keys(place: str, given: Mapping[str, object], rules: Sequence[_Rule]) -> Iterator[str]:
    yield from _unknown(given, [rule.key for rule in rules], lambda key: _place(place, key))
    for rule in rules:
        if rule.key in given:
            yield from _wrong_value(f"{place}.{rule.key}", given[rule.key], rule)
        elif rule.required:
            yield f"{place}.{rule.key} is missing; it must be {rule.allowed}."


def _wrong_value(place: str, value: object, rule: _Rule) -> Iterator[str]:
    if not rule.accepts(value):
        yield f"{place} must be {rule.allowed}, got {_shown(value)}."


def _wrong_names(instances: Mapping[str, object], launch: Mapping[str, object]) -> Iterator[str]:
    for section, named in ((_INSTANCES, instances), (_LAUNCH, launch)):
        yield from (f"{_place(section, name)} has an empty name; give it one." for name in named if not name.strip())
    for name in instances:
        if name in launch:
            yield f"{_place(_INSTANCES, name)} and {_place(_LAUNCH, name)} have the same name; rename one."


def _wrong_instances(instances: Mapping[str, object]) -> Iterator[str]:
    places = {_place(_INSTANCES, name): instance_id for name, instance_id in instances.items()}
    for place, instance_id in places.items():
        yield from _wrong_value(place, instance_id, _INSTANCE_ID)
    yield from duplicates((each, place) for place, each in places.items() if isinstance(each, str))


def _wrong_launch(place: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _wrong_keys(place, value, _LAUNCH_RULES)
    else:
        yield f"{place} must be an object, got {_shown(value)}."


def _unknown(given: Iterable[str], known: Sequence[str], place_of: Callable[[str], str]) -> Iterator[str]:
    by_plain = {_plain(key): key for key in known}
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(_plain(key), by_plain, n=1)
            hint = f"did you mean {by_plain[near[0]]}?" if near else f"known are {', '.join(known)}."
            yield f"{place_of(key)} is not a known key; {hint}"


def _plain(key: str) -> str:
    """A key for comparison, so that http_tokens and HttpTokens are near httpTokens."""
    return key.replace("_", "").replace("-", "").lower()


def _place(parent: str, key: str) -> str:
    """The path of a key as ``pulumi config set --path`` takes it."""
    return f"{parent}.{key}" if re.fullmatch(r"[\w-]+", key) else f"{parent}[{json.dumps(key, ensure_ascii=False)}]"


def _shown(value: object) -> str:
    """A value as it stands in JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _launch_settings(value: object) -> LaunchSettings:
    # The rules have checked each value, and LaunchSettings gives it its type back: Any stays in here.
    given: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
    return LaunchSettings(**{rule.argument: given[rule.key] for rule in _LAUNCH_RULES if rule.key in given})
