"""Who decides which option of which instance, so that no two of a program decide it differently."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import NamedTuple

from .options import OPTION_NAMES
from .validation import quote


class _Decision(NamedTuple):
    owner: str
    value: object


class Deciders:
    """What is decided so far. The same value twice is fine, and so are different options of one instance."""

    def __init__(self) -> None:
        self._decided: dict[tuple[Hashable, str], _Decision] = {}

    def decide(self, subject: Hashable, label: str, owner: str, options: Mapping[str, object]) -> list[str]:
        """Have ``owner`` decide these options, by Pulumi property, of the instance that ``subject`` stands for.

        Gives one sentence for each option that somebody else decides differently; ``label`` is the instance in it.
        """
        problems = []
        for name in OPTION_NAMES:
            if name not in options:
                continue
            decision = _Decision(owner, options[name])
            first = self._decided.setdefault((subject, name), decision)
            if first.value != decision.value:
                problems.append(
                    f"{label} has two deciders of {name}: {first.owner} wants {quote(first.value)} and {owner} wants "
                    f"{quote(decision.value)}. Let one of them decide it."
                )
        return problems
