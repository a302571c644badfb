"""Requests of lookups: paged, each within a deadline, with AWS's errors translated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ..errors import AwsError, DeadlinePassedError
from ..rules.options import Options
from .ec2 import Ec2
from .errors import DENIED_CODES, translate

T = TypeVar("T")

PAGE_SECONDS = 60.0
"""How long one page may be retried for. The last attempt, and the pause before it, add 30 s at most."""


class Requests:
    """Requests in the account and region of ``ec2``, to it or to another service."""

    def __init__(self, ec2: Ec2) -> None:
        self._ec2 = ec2

    def pages(self, pages: Iterable[T], action: str, subject: str, service: str = "EC2") -> Iterator[T]:
        """Iterate over pages, each within its own deadline. Raises as :meth:`translated` does."""
        following = iter(pages)
        while True:
            with self.translated(action, subject, service):
                page = next(following, None)
            if page is None:
                return
            yield page

    @contextmanager
    def translated(
        self, action: str, subject: str, service: str = "EC2", *, parameters: Options | None = None
    ) -> Iterator[None]:
        """Send a request for ``subject`` in this context.

        Raises :class:`AwsError` if AWS does not answer it, and :class:`ConfigurationError` if it could not be sent.
        """
        try:
            with self._ec2.within(self._ec2.deadline(PAGE_SECONDS)):
                yield
        except DeadlinePassedError:
            raise AwsError(
                f"{subject}: {service} in {self._ec2.region} did not answer {action} in {PAGE_SECONDS:g} s; run again."
            ) from None
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            raise translate(
                error,
                action=action,
                subject=subject,
                region=self._ec2.region,
                secrets=self._ec2.secrets,
                service=service,
                parameters=parameters,
            ) from None

    def denial(
        self, action: str, subject: str, call: Callable[[], object], *, parameters: Options | None = None
    ) -> str | None:
        """Return why a dry run is denied, or None if it is permitted."""
        try:
            with self.translated(action, subject, parameters=parameters):
                call()
        except AwsError as error:
            if error.code in DENIED_CODES:
                return str(error)
            if error.code != "DryRunOperation":
                raise
        return None
