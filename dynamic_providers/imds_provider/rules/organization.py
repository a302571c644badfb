"""The accounts of an AWS organization, and which of them are selected. Pure.

Sources: Organizations API reference, ``Account`` (states, the formats of IDs) and ``OrganizationalUnit``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..errors import InvalidInputError
from .validation import quote

ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
_UNIT_ID = re.compile(r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32}")


class Unit(NamedTuple):
    """An organizational unit, or the root of the organization."""

    id: str
    name: str


@dataclass(frozen=True)
class Account:
    """An account, the ``units`` that it is in from the root inwards, and its tags where they were asked for.

    ``state`` is Organizations' own: ``ACTIVE``, ``SUSPENDED``, ``PENDING_CLOSURE``, ``PENDING_ACTIVATION``, ``CLOSED``.
    """

    id: str
    name: str
    state: str = "ACTIVE"
    units: tuple[Unit, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The names of its units without the root: ``Workloads/Prod``."""
        return "/".join(unit.name for unit in self.units[1:])

    def is_in(self, unit: str) -> bool:
        """Whether it is in the unit, given by ID or by path from the root, or in one below."""
        if _UNIT_ID.fullmatch(unit):
            return any(each.id == unit for each in self.units)
        return f"{self.path}/".startswith(f"{unit.strip('/')}/")


@dataclass(frozen=True)
class Selected:
    """The accounts that are selected, by ID in order, and those that would be but are not active."""

    accounts: tuple[Account, ...]
    inactive: tuple[Account, ...]


def select(
    accounts: Iterable[Account],
    *,
    units: Sequence[str] = (),
    excluded: Sequence[str] = (),
) -> Selected:
    """Select the accounts in any of ``units``, or all, without those of ``excluded``: account IDs and units.

    Raises :class:`InvalidInputError` for a unit without accounts and an account that does not exist: with a typing
    error in an exclusion, an account would be included that must not be.
    """
    given = sorted(accounts, key=lambda account: account.id)
    ids = {account.id for account in given}
    for each in [*units, *excluded]:
        known = each in ids and each in excluded
        if not known and not any(account.is_in(each) for account in given):
            kind = "account" if ACCOUNT_ID.fullmatch(each) else "organizational unit"
            raise InvalidInputError(
                f"{quote(each)}: the organization has no such {kind}, or none with accounts; give an ID, or the path "
                "of a unit from the root such as Workloads/Prod."
            )
    chosen = [
        account
        for account in given
        if (not units or any(account.is_in(unit) for unit in units))
        and account.id not in excluded
        and not any(account.is_in(each) for each in excluded if not ACCOUNT_ID.fullmatch(each))
    ]
    return Selected(
        tuple(account for account in chosen if account.state == "ACTIVE"),
        tuple(account for account in chosen if account.state != "ACTIVE"),
    )


def with_tags(accounts: Iterable[Account], wanted: Mapping[str, Sequence[str]]) -> tuple[Account, ...]:
    """Return the accounts that have each of the tags with one of its values."""
    return tuple(
        account for account in accounts if all(account.tags.get(key) in values for key, values in wanted.items())
    )
