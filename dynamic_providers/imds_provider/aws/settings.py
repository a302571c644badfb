"""Settings from the ``aws:`` keys of the stack configuration, which are pulumi-aws's, and from ``imds:throttle``.

Source: Pulumi registry, "AWS Classic: Installation & Configuration".
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..errors import ConfigurationError
from ..rules.allowed_values import POSITIVE
from ..rules.validation import Key, object_of
from .config_values import ConfigReader, to_mapping, to_seconds, to_strings
from .rate_limit import EC2_BUCKETS, BucketSize

SERVICES = ("ec2", "sts", "cloudwatch", "autoscaling")
DEFAULT_MAX_RETRIES = 8
DEFAULT_SESSION_NAME = "pulumi-imds"

_HOST = re.compile(r"[A-Za-z0-9.:-]+")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
"""STS API reference, ``AssumeRole``: RoleSessionName."""

_UNSUPPORTED_KEYS = {
    "assumeRoleWithWebIdentity": "set AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE in the environment instead",
}
"""Keys that decide whose credentials are used, each with what to do instead: to ignore one would act as another."""


@dataclass(frozen=True)
class AssumedRole:
    """A role to assume before any call, with the parameters of STS ``AssumeRole``."""

    role_arn: str
    session_name: str = DEFAULT_SESSION_NAME
    external_id: str | None = None
    policy: str | None = None
    policy_arns: tuple[str, ...] = ()
    source_identity: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tag_keys: tuple[str, ...] = ()
    duration_seconds: int | None = None


@dataclass(frozen=True)
class AwsSettings:
    """How to reach AWS. Its ``repr`` shows no credentials."""

    region: str | None = None
    profile: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    assumed_roles: tuple[AssumedRole, ...] = ()
    endpoints: Mapping[str, str] = field(default_factory=dict)
    allowed_account_ids: tuple[str, ...] = ()
    forbidden_account_ids: tuple[str, ...] = ()
    max_retries: int = DEFAULT_MAX_RETRIES
    shared_config_files: tuple[str, ...] = ()
    shared_credentials_files: tuple[str, ...] = ()
    custom_ca_bundle: str | None = None
    insecure: bool = False
    use_fips_endpoint: bool = False
    use_dualstack_endpoint: bool = False
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    buckets: Mapping[str, BucketSize] = field(default_factory=lambda: dict(EC2_BUCKETS))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The credentials, which must not be shown anywhere."""
        return tuple(each for each in (self.access_key, self.secret_key, self.token) if each)


def parse(get: Callable[[str], object]) -> AwsSettings:
    """Parse the configuration; ``get`` returns the raw value of a key such as ``aws:region``, or None.

    Raises :class:`ConfigurationError` naming the key.
    """
    for name, instead in _UNSUPPORTED_KEYS.items():
        if get(f"aws:{name}") is not None:
            raise ConfigurationError(f"aws:{name} is not supported: {instead}.")
    reader = ConfigReader(get)
    allowed, forbidden = reader.strings("allowedAccountIds"), reader.strings("forbiddenAccountIds")
    proxies = {"http": reader.string("httpProxy"), "https": reader.string("httpsProxy")}
    return AwsSettings(
        region=reader.string("region"),
        profile=reader.string("profile"),
        access_key=reader.string("accessKey"),
        secret_key=reader.string("secretKey"),
        token=reader.string("token"),
        assumed_roles=_assumed_roles(reader),
        endpoints=_endpoints(reader),
        allowed_account_ids=allowed,
        forbidden_account_ids=forbidden,
        max_retries=reader.whole_number("maxRetries", DEFAULT_MAX_RETRIES),
        shared_config_files=reader.strings("sharedConfigFiles"),
        shared_credentials_files=reader.strings("sharedCredentialsFiles"),
        custom_ca_bundle=reader.string("customCaBundle"),
        insecure=reader.flag("insecure"),
        use_fips_endpoint=reader.flag("useFipsEndpoint"),
        use_dualstack_endpoint=reader.flag("useDualstackEndpoint"),
        proxies={scheme: proxy for scheme, proxy in proxies.items() if proxy},
        buckets=parse_throttle(reader.structure("imds:throttle")),
    )


_BUCKET_KEYS = (Key("capacity", POSITIVE, required=True), Key("refillPerSecond", POSITIVE, required=True))
THROTTLE = object_of([Key(action, object_of(_BUCKET_KEYS)) for action in EC2_BUCKETS])
"""The value of ``imds:throttle``: requests, and requests per second, by EC2 action."""


def parse_throttle(value: object) -> dict[str, BucketSize]:
    """Return EC2's published buckets, replaced by those of ``imds:throttle``: for a quota that was raised or is shared.

    Raises :class:`ConfigurationError` naming the key.
    """
    given = {} if value is None else value
    if problems := [each.in_stack_file("imds:throttle") for each in THROTTLE.check(given)]:
        raise ConfigurationError("\n".join(problems))
    sizes: Mapping[str, Mapping[str, float]] = to_mapping("imds:throttle", given)  # type: ignore[assignment]  # THROTTLE
    return {
        **EC2_BUCKETS,
        **{action: BucketSize(each["capacity"], each["refillPerSecond"]) for action, each in sizes.items()},
    }


def _endpoints(reader: ConfigReader) -> dict[str, str]:
    value = reader.structure("aws:endpoints")
    if isinstance(value, Mapping):
        value = [value]
    if value is not None and not isinstance(value, list):
        raise ConfigurationError("aws:endpoints must be a list of objects that map a service to its URL.")
    endpoints: dict[str, str] = {}
    for each in value or ():
        for service, url in to_mapping("aws:endpoints", each).items():
            if not isinstance(url, str):
                raise ConfigurationError(f"aws:endpoints: the URL of {service} must be a string.")
            if service in SERVICES and url:
                endpoints[service] = _safe_url(service, url)
    return endpoints


def _safe_url(service: str, url: str) -> str:
    if "@" in url:
        raise ConfigurationError(f"aws:endpoints: the URL of {service} must not contain a user or a password.")
    try:
        parts = urlsplit(url)
        scheme, host, _ = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        scheme, host = "", ""
    is_url = bool(scheme and _HOST.fullmatch(host))
    if is_url and (scheme == "https" or (scheme == "http" and _is_loopback(host))):
        return url
    given = f"{scheme}://{host}" if is_url else "no URL"
    raise ConfigurationError(
        f"aws:endpoints: the URL of {service} must be https, or http on a loopback address, got {given}."
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _assumed_roles(reader: ConfigReader) -> tuple[AssumedRole, ...]:
    single, many = reader.structure("aws:assumeRole"), reader.structure("aws:assumeRoles")
    if single is not None and many is not None:
        raise ConfigurationError("set either aws:assumeRole or aws:assumeRoles, not both.")
    key = "aws:assumeRole" if single is not None else "aws:assumeRoles"
    roles = [single] if single is not None else many or []
    if not isinstance(roles, list):
        raise ConfigurationError("aws:assumeRoles must be a list of objects.")
    return tuple(_assumed_role(key, to_mapping(key, role)) for role in roles)


def _assumed_role(key: str, role: Mapping[str, object]) -> AssumedRole:
    strings = {"roleArn", "sessionName", "externalId", "policy", "sourceIdentity", "duration"}
    unknown = set(role) - strings - {"policyArns", "tags", "transitiveTagKeys"}
    if unknown:
        raise ConfigurationError(f"{key}: unknown key {min(unknown)}.")
    given: dict[str, str] = {}
    for name in strings & set(role):
        value = role[name]
        if not isinstance(value, str):
            raise ConfigurationError(f"{key}.{name} must be a string.")
        given[name] = value
    if not given.get("roleArn"):
        raise ConfigurationError(f"{key}.roleArn is missing.")
    session_name = given.get("sessionName", DEFAULT_SESSION_NAME)
    if not _SESSION_NAME.fullmatch(session_name):
        raise ConfigurationError(
            f"{key}.sessionName must be 2 to 64 characters, each a letter, a digit or one of _+=,.@-, "
            f"got {json.dumps(session_name)}."
        )
    return AssumedRole(
        role_arn=given["roleArn"],
        session_name=session_name,
        external_id=given.get("externalId"),
        policy=given.get("policy"),
        policy_arns=to_strings(f"{key}.policyArns", role.get("policyArns")),
        source_identity=given.get("sourceIdentity"),
        tags={str(name): str(value) for name, value in to_mapping(f"{key}.tags", role.get("tags")).items()},
        transitive_tag_keys=to_strings(f"{key}.transitiveTagKeys", role.get("transitiveTagKeys")),
        duration_seconds=to_seconds(f"{key}.duration", given["duration"]) if "duration" in given else None,
    )
