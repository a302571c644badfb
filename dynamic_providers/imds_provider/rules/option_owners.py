"""One owner for each option of an instance or account, so that no two places in a program set it differently."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from .options import OPTION_NAMES
from .validation import quote


class _Setting(NamedTuple):
    owner: str
    value: object


class OptionOwners:
    """The owner of each option of each subject, such as an instance, so far. Several may set the same value.

    ``names`` are the options that there are, by Pulumi property.
    """

    def __init__(self, names: Sequence[str] = OPTION_NAMES) -> None:
        self._names = names
        self._settings: dict[tuple[Hashable, str], _Setting] = {}

    def add(self, subject: Hashable, label: str, owner: str, options: Mapping[str, object]) -> list[str]:
        """Enter the options that ``owner`` sets on the subject.

        Returns an error for each option that another owner sets differently; ``label`` names the subject in it.
        """
        errors = []
        for name in self._names:
            if name not in options:
                continue
            first = self._settings.setdefault((subject, name), _Setting(owner, options[name]))
            if first.value != options[name]:
                errors.append(
                    f"{label}: {first.owner} sets {name} to {quote(first.value)} and {owner} sets it to "
                    f"{quote(options[name])}. Set it in only one of them."
                )
        return errors

    def settings(self, name: str) -> dict[Hashable, tuple[str, object]]:
        """The owner and the value of one option, by subject."""
        return {subject: each for (subject, option), each in self._settings.items() if option == name}
