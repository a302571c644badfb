"""Sessions, credentials and clients for the account and regions that the stack configures."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict, TypeVar

import boto3
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.session import Session as BotocoreSession

from ..errors import ConfigurationError, DeadlinePassedError
from ..waiting.clock import Deadline
from .account_defaults import AccountDefaultsApi
from .account_lookups import AccountLookups
from .ec2 import Ec2, Ec2Clock
from .errors import translate
from .fleet_lookups import FleetLookups
from .launch_lookups import LaunchLookups
from .organization import Organization
from .read_ahead import ReadAhead
from .settings import AssumedRole, AwsSettings

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.client import AutoScalingClient
    from mypy_boto3_cloudwatch.client import CloudWatchClient
    from mypy_boto3_ec2.client import EC2Client
    from mypy_boto3_organizations.client import OrganizationsClient
    from mypy_boto3_sts.client import STSClient

C = TypeVar("C")

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 10
STS_SECONDS = 60.0
"""How long a call of STS may be retried for. The last attempt, and the pause before it, add 30 s at most."""


class _ClientArguments(TypedDict):
    region_name: str
    endpoint_url: str | None
    verify: bool | str | None
    config: Config


class Aws:
    """AWS as one run of the dynamic host, or one program, uses it: one :class:`Ec2` for each region, made once.

    ``when_connected`` is called after each is made. ``new_session`` makes the botocore sessions of all clients. Safe to
    share between threads.
    """

    def __init__(
        self,
        settings: AwsSettings,
        clock: Ec2Clock,
        *,
        when_connected: Callable[[], object] = lambda: None,
        new_session: Callable[[], BotocoreSession] = BotocoreSession,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._when_connected = when_connected
        self._new_botocore_session = new_session
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None
        self._regions: dict[str, Ec2] = {}
        self._fleets: dict[str, FleetLookups] = {}
        self._launches: dict[str, LaunchLookups] = {}
        self._read_ahead: defaultdict[str, ReadAhead] = defaultdict(lambda: ReadAhead(clock.now))

    def default_region(self) -> str | None:
        """Return ``aws:region``, AWS_REGION (which boto3 does not read), or what boto3 finds.

        Raises :class:`ConfigurationError` if AWS access is misconfigured.
        """
        with self._lock:
            return self.settings.region or os.environ.get("AWS_REGION") or self._configured_region()

    def announce(self, region: str, instance_id: str) -> None:
        """Expect the instance to be changed soon, so that it is described along with others.

        Nothing is sent before the first change: a preview announces changes too, but makes none.
        """
        with self._lock:
            self._read_ahead[region].announce(instance_id)

    def deadline(self, seconds: float) -> Deadline:
        """Return the deadline that is so many seconds from now."""
        return Deadline(self._clock, seconds)

    def ec2(self, region: str | None) -> Ec2:
        """Return EC2 of the region, or of the default one.

        Raises :class:`ConfigurationError` if it cannot be used, or must not be: nothing is sent to EC2 in an account
        that ``aws:allowedAccountIds`` or ``aws:forbiddenAccountIds`` rules out.
        """
        region = region or self.default_region()
        if not region:
            raise ConfigurationError("no AWS region: set `region`, aws:region or AWS_REGION.")
        with self._lock:
            ec2 = self._regions.get(region)
            if ec2 is None:
                ec2 = self._regions[region] = self._connect(region)
            return ec2

    def account_defaults(self, region: str | None) -> AccountDefaultsApi:
        """Return the account's defaults in the region, or in the default one. Raises as :meth:`ec2` does."""
        return AccountDefaultsApi(self.ec2(region))

    def account_lookups(self, region: str | None) -> AccountLookups:
        """Return the lookups of the account, sent to the region or the default one. Raises as :meth:`ec2` does."""
        return AccountLookups(self.ec2(region))

    def fleet(self, region: str) -> FleetLookups:
        """Return the lookups of whole fleets in the region. Raises as :meth:`ec2` does."""
        ec2 = self.ec2(region)
        with self._lock:
            lookups = self._fleets.get(region)
            if lookups is None:
                lookups = self._fleets[region] = FleetLookups(ec2, lambda: self._cloudwatch(region))
            return lookups

    def launch_lookups(self, region: str) -> LaunchLookups:
        """Return the lookups of what launches instances in the region. Raises as :meth:`ec2` does."""
        ec2 = self.ec2(region)
        with self._lock:
            lookups = self._launches.get(region)
            if lookups is None:
                lookups = self._launches[region] = LaunchLookups(ec2, lambda: self._autoscaling(region))
            return lookups

    def organization(self) -> Organization:
        """Return the organization of the credentials in use; it has one endpoint for all regions."""
        region = self.default_region() or "us-east-1"
        with self._lock:
            client: OrganizationsClient = self._client(
                lambda session: session.client("organizations", **self._client_arguments("organizations", region)),
                region,
            )
        return Organization(client, self.settings.secrets)

    def _autoscaling(self, region: str) -> AutoScalingClient:
        with self._lock:
            return self._client(
                lambda session: session.client("autoscaling", **self._client_arguments("autoscaling", region)), region
            )

    def _cloudwatch(self, region: str) -> CloudWatchClient:
        with self._lock:
            return self._client(
                lambda session: session.client("cloudwatch", **self._client_arguments("cloudwatch", region)), region
            )

    def _connect(self, region: str) -> Ec2:
        client: EC2Client = self._client(
            lambda session: session.client("ec2", **self._client_arguments("ec2", region)), region
        )
        self._when_connected()
        return Ec2(client, region, self.settings, self._clock, self._read_ahead[region])

    def _client(self, make: Callable[[boto3.Session], C], region: str) -> C:
        try:
            session = self._base_session()
            self._check_account(session, region)
            return make(session)
        except (BotoCoreError, ValueError) as error:
            raise ConfigurationError(f"cannot reach AWS in {region}: {error}") from None

    def _base_session(self) -> boto3.Session:
        if self._session is None:
            try:
                self._session = self._new_session()
            except BotoCoreError as error:
                raise ConfigurationError(f"AWS access is misconfigured: {error}") from None
        return self._session

    def _configured_region(self) -> str | None:
        try:
            return self._base_session().region_name
        except BotoCoreError as error:
            raise ConfigurationError(f"AWS access is misconfigured: {error}") from None

    def _new_session(self) -> boto3.Session:
        settings = self.settings
        if (settings.access_key is None) != (settings.secret_key is None):
            raise ConfigurationError("set both aws:accessKey and aws:secretKey, or neither.")
        botocore_session = self._new_botocore_session()
        for variable, key, files in (
            ("config_file", "aws:sharedConfigFiles", settings.shared_config_files),
            ("credentials_file", "aws:sharedCredentialsFiles", settings.shared_credentials_files),
        ):
            if len(files) > 1:
                raise ConfigurationError(f"{key} must list only one file, got {len(files)}.")
            if files:
                botocore_session.set_config_variable(variable, files[0])
        session = boto3.Session(
            aws_access_key_id=settings.access_key,
            aws_secret_access_key=settings.secret_key,
            aws_session_token=settings.token,
            region_name=settings.region,
            profile_name=settings.profile,
            botocore_session=botocore_session,
        )
        for role in settings.assumed_roles:
            session = self._assume(role, session)
        return session

    def _assume(self, role: AssumedRole, session: boto3.Session) -> boto3.Session:
        credentials = session.get_credentials()
        if credentials is None:
            raise ConfigurationError(f"found no credentials to assume {role.role_arn} with.")

        def sts(_service: str, **credentials: str) -> STSClient:
            arguments = self._client_arguments("sts", session.region_name or "us-east-1")
            client: STSClient = session.client(
                "sts",
                **arguments,
                aws_access_key_id=credentials.get("aws_access_key_id"),
                aws_secret_access_key=credentials.get("aws_secret_access_key"),
                aws_session_token=credentials.get("aws_session_token"),
            )
            return self._within_deadline(client)

        extra = {
            "RoleSessionName": role.session_name,
            "ExternalId": role.external_id,
            "Policy": role.policy,
            "PolicyArns": [{"arn": arn} for arn in role.policy_arns],
            "SourceIdentity": role.source_identity,
            "Tags": [{"Key": name, "Value": value} for name, value in role.tags.items()],
            "TransitiveTagKeys": list(role.transitive_tag_keys),
            "DurationSeconds": role.duration_seconds,
        }
        fetcher = AssumeRoleCredentialFetcher(
            sts, credentials, role.role_arn, extra_args={name: value for name, value in extra.items() if value}
        )
        assumed = self._new_botocore_session()
        # botocore has no public way to give a session credentials that renew themselves.
        assumed._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # noqa: SLF001
            fetcher.fetch_credentials, "assume-role"
        )
        return boto3.Session(botocore_session=assumed, region_name=session.region_name)

    def _client_arguments(self, service: str, region: str) -> _ClientArguments:
        settings = self.settings
        return {
            "region_name": region,
            "endpoint_url": settings.endpoints.get(service),
            "verify": False if settings.insecure else settings.custom_ca_bundle,
            "config": Config(
                retries={"mode": "standard", "total_max_attempts": settings.max_retries + 1},
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                read_timeout=READ_TIMEOUT_SECONDS,
                max_pool_connections=10,
                proxies=dict(settings.proxies) or None,
                use_fips_endpoint=settings.use_fips_endpoint or None,
                use_dualstack_endpoint=settings.use_dualstack_endpoint or None,
                user_agent_extra="pulumi-imds",
            ),
        }

    def account_id(self, region: str) -> str:
        """Return the account of the credentials in use. Raises :class:`ConfigurationError`."""
        with self._lock:
            return self._account_id(self._base_session(), region)

    def _account_id(self, session: boto3.Session, region: str) -> str:
        try:
            sts: STSClient = session.client("sts", **self._client_arguments("sts", region))
            return self._within_deadline(sts).get_caller_identity()["Account"]
        except DeadlinePassedError as error:
            raise ConfigurationError(f"the account of the credentials in use is not known: {error}") from None
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            reason = translate(
                error,
                action="GetCallerIdentity",
                subject="the account of the credentials in use",
                region=region,
                secrets=self.settings.secrets,
                service="STS",
            )
            raise ConfigurationError(str(reason)) from None

    def _within_deadline(self, sts: STSClient) -> STSClient:
        """Have the client, which is made for one call, retry it for a minute at most."""
        deadline = self.deadline(STS_SECONDS)

        def before_request(**_: object) -> None:
            if deadline.passed:
                raise DeadlinePassedError(f"STS did not answer within {STS_SECONDS:g} s; run again.")

        sts.meta.events.register_first("request-created.sts", before_request)
        return sts

    def _check_account(self, session: boto3.Session, region: str) -> None:
        allowed, forbidden = self.settings.allowed_account_ids, self.settings.forbidden_account_ids
        if not allowed and not forbidden:
            return
        account = self._account_id(session, region)
        if (allowed and account not in allowed) or account in forbidden:
            key = "aws:forbiddenAccountIds" if account in forbidden else "aws:allowedAccountIds"
            raise ConfigurationError(
                f"the credentials in use belong to account {account}, which {key} rules out; nothing was sent."
            )
