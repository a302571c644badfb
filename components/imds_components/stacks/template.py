"""Placeholders of the template and of stack names, filled in for an account and a region. Pure.

In a value of the template, ``${account_id}`` is a placeholder and ``$${`` stands for ``${``. They are filled in after
the YAML is parsed, so that no account name or tag can add keys to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from imds_provider.errors import InvalidInputError
from imds_provider.rules.organization import Account
from imds_provider.rules.validation import quote

_IN_VALUE = re.compile(r"\$\$\{|\$\{([^{}]*)\}|\$\{")
_IN_NAME = re.compile(r"\{([^{}]*)\}|[{}]")
_TAG = "tag:"
_FIELDS = ("account_id", "account_name", "account_path", "region")
NAMES = ", ".join((*_FIELDS, "tag:<key>"))


@dataclass(frozen=True)
class Target:
    """An account and a region of it, for which there is one stack."""

    account: Account
    region: str

    def __str__(self) -> str:
        return f"account {self.account.id} ({quote(self.account.name)}) in {self.region}"

    def value(self, placeholder: str) -> str:
        """Raises :class:`InvalidInputError` for a placeholder that does not exist, or a tag that the account lacks."""
        if placeholder.startswith(_TAG):
            key = placeholder.removeprefix(_TAG)
            if key not in self.account.tags:
                raise InvalidInputError(f"{self}: the account has no tag {quote(key)}; add it, or exclude the account.")
            return self.account.tags[key]
        values = {
            "account_id": self.account.id,
            "account_name": self.account.name,
            "account_path": self.account.path,
            "region": self.region,
        }
        if placeholder not in values:
            raise InvalidInputError(f"{quote(placeholder)} is not a placeholder; there are {NAMES}.")
        return values[placeholder]


def fill(value: object, target: Target) -> object:
    """Fill in the placeholders of all strings in the value, but not in keys. Raises as :meth:`Target.value` does."""
    if isinstance(value, str):
        return _IN_VALUE.sub(lambda found: _filled(found, target), value)
    if isinstance(value, Mapping):
        return {key: fill(each, target) for key, each in value.items()}
    if isinstance(value, list):
        return [fill(each, target) for each in value]
    return value


def _filled(found: re.Match[str], target: Target) -> str:
    if found[0] == "$${":
        return "${"
    if found[1] is None:
        raise InvalidInputError('"${" begins a placeholder that has no end; write $${ where it is meant as it is.')
    return target.value(found[1])


def fill_name(pattern: str, target: Target) -> str:
    """Return the name of a stack from a pattern such as ``{account_id}-{region}``. Raises as :func:`fill` does."""

    def filled(found: re.Match[str]) -> str:
        if found[1] is None:
            raise InvalidInputError(f"{quote(pattern)}: each {{ needs a }}, as in {{account_id}}-{{region}}.")
        return target.value(found[1])

    return _IN_NAME.sub(filled, pattern)


def needs_tags(content: object, pattern: str) -> bool:
    """Whether the template or the pattern of names has a placeholder of a tag, so that tags have to be asked for."""
    names = [found[1] for found in _IN_NAME.finditer(pattern)]
    names += [found[1] for text in _strings(content) for found in _IN_VALUE.finditer(text)]
    return any(name is not None and name.startswith(_TAG) for name in names)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(each)
