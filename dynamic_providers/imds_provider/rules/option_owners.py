"""One owner for each option of an instance, so that no two places in a program set it differently."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import NamedTuple

from .options import OPTION_NAMES
from .validation import quote


class _Setting(NamedTuple):
    owner: str
    value: object


class OptionOwners:
    """The owner of each option of each instance so far. Several may set the same value."""

    def __init__(self) -> None:
        self._settings: dict[tuple[Hashable, str], _Setting] = {}

    def add(self, instance: Hashable, label: str, owner: str, options: Mapping[str, object]) -> list[str]:
        """Enter the options, by Pulumi property, that ``owner`` sets on an instance.

        Returns an error for each option that another owner sets differently; ``label`` names the instance in it.
        """
        errors = []
        for name in OPTION_NAMES:
            if name not in options:
                continue
            first = self._settings.setdefault((instance, name), _Setting(owner, options[name]))
            if first.value != options[name]:
                errors.append(
                    f"{label}: {first.owner} sets {name} to {quote(first.value)} and {owner} sets it to "
                    f"{quote(options[name])}. Set it in only one of them."
                )
        return errors
