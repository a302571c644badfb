"""The stack file of an account in a region: its header, its content, and what it must hold. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from imds_provider.aws import settings as aws_settings
from imds_provider.errors import InvalidInputError
from imds_provider.rules.validation import quote

from ..stack_config import StackConfigError, parse
from . import template, yaml_text
from .template import Target

OF_THE_ENGINE = ("secretsprovider", "encryptedkey", "encryptionsalt")
"""What ``pulumi stack init`` writes into a stack file. It belongs to the one stack, and is kept."""
_KEYS = (*OF_THE_ENGINE, "config", "environment")
_CREDENTIALS = ("aws:accessKey", "aws:secretKey", "aws:token")
_HEADER = re.compile(
    r"^# Written by imds-stacks from (?P<template>\S+) for account (?P<account>\d{12}) in (?P<region>[a-z0-9-]+)[.]",
    re.MULTILINE,
)
_ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::(\d{12}):role/.+")


@dataclass(frozen=True)
class Origin:
    """What the header of a generated file says: the name of the template's file, and what the stack is for."""

    template: str
    account: str
    region: str

    @property
    def header(self) -> str:
        return (
            f"# Written by imds-stacks from {self.template} for account {self.account} in {self.region}. Change the\n"
            "# template instead of this file: imds-stacks keeps nothing of it but the keys of `pulumi stack init`.\n"
        )


def origin(text: str) -> Origin | None:
    """Return what the header of a file says, or None if imds-stacks did not write it."""
    found = _HEADER.search(text)
    return Origin(found["template"], found["account"], found["region"]) if found else None


def check_template(name: str, content: Mapping[str, object]) -> None:
    """Raise :class:`InvalidInputError` if the template has keys that no stack file has, or holds a secret."""
    if unknown := [key for key in content if key not in _KEYS]:
        raise InvalidInputError(f"{name}: {quote(unknown[0])} is not a key of a stack file ({', '.join(_KEYS)}).")
    if not isinstance(content.get("config"), dict):
        raise InvalidInputError(f"{name}: config is missing; it must be an object such as {{aws:region: ${{region}}}}.")
    if place := next(_secrets("config", content["config"]), None):
        raise InvalidInputError(
            f"{name}: {place} is a secret. It would be in the file of every account; keep it in a Pulumi ESC "
            "environment, and name that in the template."
        )


def _secrets(place: str, value: object) -> Iterator[str]:
    """The places of encrypted values, which only one stack can decrypt, and of credentials."""
    if isinstance(value, Mapping):
        if "secure" in value:
            yield place
        for key, each in value.items():
            if key in _CREDENTIALS:
                yield f"{place}.{key}"
            yield from _secrets(f"{place}.{key}", each)
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _secrets(f"{place}[{position}]", each)


def render(name: str, content: Mapping[str, object], target: Target, existing: str | None) -> str:
    """Return the stack file of the target, with what the engine wrote into the ``existing`` one.

    ``name`` is that of the template's file. Raises :class:`InvalidInputError` if the result would not be a valid stack
    file, or not be bound to the account and region that it is for.
    """
    try:
        filled = template.fill(content, target)
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from None
    made = dict(filled) if isinstance(filled, Mapping) else {}
    kept = yaml_text.load(f"the existing file of {target}", existing) if existing is not None else {}
    made = {**made, **{key: kept[key] for key in OF_THE_ENGINE if key in kept and key not in made}}
    problems = list(_problems(made["config"], target))
    if problems:
        lines = "\n".join(f"- {each}" for each in problems)
        raise InvalidInputError(f"{name}: the stack file for {target} cannot be used:\n{lines}")
    made_from = Origin(name, target.account.id, target.region)
    if existing is not None and kept == made and origin(existing) == made_from:
        return existing  # rewritten by the engine, with the same content
    return made_from.header + yaml_text.dump(made)


def _problems(config: Mapping[str, object], target: Target) -> Iterator[str]:
    raw = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    try:
        parse(raw)
    except StackConfigError as error:
        yield from error.problems
        return
    settings = aws_settings.parse(raw.get)
    account = target.account.id
    if settings.region != target.region:
        yield f"aws:region must be {target.region}, got {quote(settings.region)}; write aws:region: ${{region}}."
    if settings.allowed_account_ids != (account,):
        yield (
            f"aws:allowedAccountIds must list {account} alone, so that nothing is sent to another account; write "
            'aws:allowedAccountIds: ["${account_id}"].'
        )
    if settings.assumed_roles:
        arn = settings.assumed_roles[-1].role_arn
        found = _ROLE_ARN.fullmatch(arn)
        if not found or found[1] != account:
            yield f"the role that is assumed last must be one of account {account}, got {quote(arn)}."
