"""The accounts to choose from: AWS Organizations, or a file with what it answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from imds_provider.aws import Aws, Organization
from imds_provider.aws.settings import AwsSettings
from imds_provider.errors import InvalidInputError
from imds_provider.rules.organization import ACCOUNT_ID, Account
from imds_provider.waiting.clock import MonotonicClock


class Accounts(Protocol):
    """A source of accounts. Its methods raise :class:`ImdsError`."""

    def accounts(self) -> Sequence[Account]: ...
    def tagged(self, accounts: Iterable[Account]) -> Sequence[Account]: ...


def organization(profile: str | None) -> Organization:
    """Return the organization of the credentials in the environment, or of a profile."""
    return Aws(AwsSettings(profile=profile), MonotonicClock()).organization()


class AccountsFile:
    """The answer of ``aws organizations list-accounts``, which has neither units nor tags."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def accounts(self) -> list[Account]:
        try:
            content = json.loads(self._path.read_text("utf-8"))
        except ValueError as error:
            raise InvalidInputError(f"{self._path} is not valid JSON: {error}") from None
        listed = content.get("Accounts") if isinstance(content, dict) else None
        if not isinstance(listed, list):
            raise InvalidInputError(
                f"{self._path} must be the answer of `aws organizations list-accounts`, with the list Accounts."
            )
        return [self._account(position, each) for position, each in enumerate(listed)]

    def tagged(self, accounts: Iterable[Account]) -> Sequence[Account]:
        del accounts
        raise InvalidInputError(f"{self._path} has no tags: leave out --tag and ${{tag:…}}, or --accounts.")

    def _account(self, position: int, given: object) -> Account:
        fields = given if isinstance(given, dict) else {}
        number, name = fields.get("Id"), fields.get("Name")
        state = fields.get("State") or fields.get("Status")
        if not isinstance(number, str) or not ACCOUNT_ID.fullmatch(number):
            raise InvalidInputError(f"{self._path}: Accounts[{position}].Id must be an account ID of 12 digits.")
        if not isinstance(name, str) or not isinstance(state, str):
            raise InvalidInputError(f"{self._path}: Accounts[{position}] must have Name, and State or Status.")
        return Account(number, name, state)
