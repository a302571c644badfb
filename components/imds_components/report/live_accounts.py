"""Which account each profile or role reaches, and the regions to read there."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from imds_provider.aws import Aws
from imds_provider.aws.settings import AssumedRole, AwsSettings
from imds_provider.aws.shared_models import sessions_with_shared_models
from imds_provider.errors import ConfigurationError, ImdsError

from .posture import Source

ALL_REGIONS = "all"
"""In place of a region: all that the account has enabled."""
_ALWAYS_ENABLED = "us-east-1"
_ROLE = re.compile(r"arn:[^:]+:iam::(?P<account>\d+):role/(?:.*/)?(?P<name>[^/]+)")
_ATTEMPTS = 3
"""In how many regions to ask for the account: STS does not answer in one that the account has not enabled."""


@dataclass(frozen=True)
class Access:
    """Whose credentials to use: those of the environment, of a profile, or of a role that either of them assumes."""

    profile: str | None = None
    role_arn: str | None = None

    @property
    def name(self) -> str:
        """What the report calls it: the profile, or account and name of the role (``123456789012/audit``)."""
        if self.role_arn is None:
            return self.profile or os.environ.get("AWS_PROFILE") or "default"
        found = _ROLE.fullmatch(self.role_arn)
        return f"{found['account']}/{found['name']}" if found else self.role_arn

    def settings(self) -> AwsSettings:
        """How to reach AWS with it. Everything else is as the environment has it."""
        return AwsSettings(
            # boto3 does not read AWS_REGION, and a role is assumed in the region of the session.
            region=os.environ.get("AWS_REGION") or None,
            profile=self.profile,
            assumed_roles=(AssumedRole(self.role_arn),) if self.role_arn else (),
        )


class Clock:
    """Time for lookups, until ``stop`` is set: then nothing more is sent."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def require(self) -> None:
        if self._stop.is_set():
            raise ImdsError("the report was interrupted.")


Connect = Callable[[Access], Aws]


def connections(clock: Clock) -> Connect:
    """Make connections by the clock, and the models of the services once for all accounts."""
    new_session = sessions_with_shared_models()
    return lambda access: Aws(access.settings(), clock, new_session=new_session)


@dataclass(frozen=True)
class Account:
    """An account, the access that reached it, and the regions to read there."""

    access: Access
    aws: Aws
    account: str
    regions: Sequence[str]


def reach(access: Access, regions: Collection[str], connect: Connect) -> Iterator[tuple[Access, Account | Source]]:
    """The account that the access reaches, or an unreadable source, paired with it."""
    account = ""
    try:
        aws = connect(access)
        default = aws.default_region()
        named = [each for each in dict.fromkeys(regions) if each != ALL_REGIONS]
        if not regions:
            named = [default] if default else []
        if not named and ALL_REGIONS not in regions:
            raise ConfigurationError("no AWS region: name one, or set AWS_REGION.")
        home, account = _account_id(aws, [*([default] if default else []), *named, _ALWAYS_ENABLED])
        if ALL_REGIONS in regions:
            named = sorted({*named, *aws.account_lookups(home).enabled_regions()})
        yield access, Account(access, aws, account, named)
    except ImdsError as error:
        yield access, Source("live", access.name, "unreadable", account, problem=str(error))


def _account_id(aws: Aws, regions: Sequence[str]) -> tuple[str, str]:
    """The first region where STS answers, and the account. Raises the first error where none does."""
    first: ConfigurationError | None = None
    for region in list(dict.fromkeys(regions))[:_ATTEMPTS]:
        try:
            return region, aws.account_id(region)
        except ConfigurationError as error:
            first = first or error
    raise first or ConfigurationError("no AWS region: name one, or set AWS_REGION.")
