"""List the accounts of an AWS organization.

Source: Organizations API reference, ``ListRoots``, ``ListOrganizationalUnitsForParent``, ``ListAccountsForParent`` and
``ListTagsForResource``: pages of 20 at most. Only the management account and delegated administrators may call them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ..rules.organization import Account, Unit
from .errors import translate

if TYPE_CHECKING:
    from mypy_boto3_organizations.client import OrganizationsClient


class Organization:
    """The organization that the credentials in use belong to. Every method raises :class:`ImdsError`."""

    def __init__(self, client: OrganizationsClient, secrets: Sequence[str]) -> None:
        self._client = client
        self._secrets = secrets

    def accounts(self) -> list[Account]:
        """List all accounts with the units that they are in, without their tags."""
        found: list[Account] = []
        with self._translated("ListRoots", "the organization"):
            pages = self._client.get_paginator("list_roots").paginate()
            pending: list[tuple[Unit, ...]] = [
                (Unit(each.get("Id", ""), each.get("Name", "")),) for page in pages for each in page["Roots"]
            ]
        while pending:
            units = pending.pop()
            found += self._accounts_in(units)
            pending += [(*units, each) for each in self._units_in(units[-1])]
        return found

    def tagged(self, accounts: Iterable[Account]) -> list[Account]:
        """Return the accounts with their tags: one call for each."""
        return [replace(account, tags=dict(self._tags(account))) for account in accounts]

    def _accounts_in(self, units: tuple[Unit, ...]) -> Iterator[Account]:
        with self._translated("ListAccountsForParent", units[-1].id):
            for page in self._client.get_paginator("list_accounts_for_parent").paginate(ParentId=units[-1].id):
                for each in page["Accounts"]:
                    # `Status` is what answers had before `State`, which replaces it.
                    state = each.get("State") or each.get("Status") or ""
                    yield Account(each.get("Id", ""), each.get("Name", ""), state, units)

    def _units_in(self, parent: Unit) -> Iterator[Unit]:
        with self._translated("ListOrganizationalUnitsForParent", parent.id):
            pages = self._client.get_paginator("list_organizational_units_for_parent").paginate(ParentId=parent.id)
            for page in pages:
                for each in page["OrganizationalUnits"]:
                    yield Unit(each.get("Id", ""), each.get("Name", ""))

    def _tags(self, account: Account) -> Iterator[tuple[str, str]]:
        with self._translated("ListTagsForResource", account.id):
            for page in self._client.get_paginator("list_tags_for_resource").paginate(ResourceId=account.id):
                for each in page["Tags"]:
                    yield each["Key"], each["Value"]

    @contextmanager
    def _translated(self, action: str, subject: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            raise translate(
                error,
                action=action,
                subject=subject,
                region=self._client.meta.region_name,
                secrets=self._secrets,
                service="Organizations",
            ) from None
