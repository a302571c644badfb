"""The ``aws:`` keys of the stack configuration, as pulumi-aws names them, parsed into settings. Pure.

Structured values reach a program and a dynamic provider as JSON strings.

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
from ..rules.validation import POSITIVE, Key, object_of
from .rate_limit import EC2_BUCKETS, BucketSize

SERVICES = ("ec2", "sts", "cloudwatch")
DEFAULT_MAX_RETRIES = 8
DEFAULT_SESSION_NAME = "pulumi-imds"

_HOST = re.compile(r"[A-Za-z0-9.:-]+")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
"""STS API reference, ``AssumeRole``: RoleSessionName."""

_REFUSED_KEYS = {
    "assumeRoleWithWebIdentity": "set AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE in the environment instead",
}
"""Keys that would change who acts: ignoring one of them would act as somebody else."""


@dataclass(frozen=True)
class AssumedRole:
    """A role to assume before anything is called, in the terms of STS ``AssumeRole``."""

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
    """How to reach AWS. Credentials do not show in its ``repr``."""

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
        """The credentials, which may be shown nowhere."""
        return tuple(each for each in (self.access_key, self.secret_key, self.token) if each)


def parse(get: Callable[[str], object]) -> AwsSettings:
    """Settings from a function that gives the raw value of a configuration key such as ``aws:region``, or None.

    Raises :class:`ConfigurationError` with a sentence that names the key.
    """
    for name, instead in _REFUSED_KEYS.items():
        if get(f"aws:{name}") is not None:
            raise ConfigurationError(f"aws:{name} is not supported: {instead}.")
    reader = _Reader(get)
    allowed, forbidden = reader.strings("allowedAccountIds"), reader.strings("forbiddenAccountIds")
    proxies = {"http": reader.text("httpProxy"), "https": reader.text("httpsProxy")}
    return AwsSettings(
        region=reader.text("region"),
        profile=reader.text("profile"),
        access_key=reader.text("accessKey"),
        secret_key=reader.text("secretKey"),
        token=reader.text("token"),
        assumed_roles=_assumed_roles(reader),
        endpoints=_endpoints(reader),
        allowed_account_ids=allowed,
        forbidden_account_ids=forbidden,
        max_retries=reader.whole_number("maxRetries", DEFAULT_MAX_RETRIES),
        shared_config_files=reader.strings("sharedConfigFiles"),
        shared_credentials_files=reader.strings("sharedCredentialsFiles"),
        custom_ca_bundle=reader.text("customCaBundle"),
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
    """The request buckets, with those of ``imds:throttle`` in place of EC2's published ones.

    They are for accounts whose quota was raised or is shared. Raises :class:`ConfigurationError` naming the key.
    """
    given = {} if value is None else value
    if problems := [each.in_stack_file("imds:throttle") for each in THROTTLE.check(given)]:
        raise ConfigurationError("\n".join(problems))
    sizes: Mapping[str, Mapping[str, float]] = _mapping("imds:throttle", given)  # type: ignore[assignment]  # THROTTLE
    return {
        **EC2_BUCKETS,
        **{action: BucketSize(each["capacity"], each["refillPerSecond"]) for action, each in sizes.items()},
    }


class _Reader:
    """Reads single ``aws:`` keys, strictly, with errors that name the key and never show the value of a credential."""

    def __init__(self, get: Callable[[str], object]) -> None:
        self._get = get

    def text(self, name: str) -> str | None:
        value = self._get(f"aws:{name}")
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise ConfigurationError(f"aws:{name} must be a string.")
        return value

    def flag(self, name: str) -> bool:
        value = self._get(f"aws:{name}")
        if value in (None, "", False, "false"):
            return False
        if value in (True, "true"):
            return True
        raise ConfigurationError(f"aws:{name} must be true or false.")

    def whole_number(self, name: str, default: int) -> int:
        text = self._get(f"aws:{name}")
        if text is None or text == "":
            return default
        try:
            number = int(str(text))
        except ValueError:
            raise ConfigurationError(f'aws:{name} must be a whole number, got "{text}".') from None
        if number < 0:
            raise ConfigurationError(f"aws:{name} must not be negative, got {number}.")
        return number

    def structure(self, key: str) -> object:
        """The value of a structured key, or None."""
        value = self._get(key)
        if not isinstance(value, str) or not value:
            return value or None
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            raise ConfigurationError(f"{key} must be structured configuration (a list or an object).") from None

    def strings(self, name: str) -> tuple[str, ...]:
        return _list_of_strings(f"aws:{name}", self.structure(f"aws:{name}"))


def _endpoints(reader: _Reader) -> dict[str, str]:
    value = reader.structure("aws:endpoints")
    if isinstance(value, Mapping):
        value = [value]
    if value is not None and not isinstance(value, list):
        raise ConfigurationError("aws:endpoints must be a list of objects that map a service to its URL.")
    endpoints: dict[str, str] = {}
    for each in value or ():
        for service, url in _mapping("aws:endpoints", each).items():
            if not isinstance(url, str):
                raise ConfigurationError(f"aws:endpoints: the URL of {service} must be a string.")
            if service in SERVICES and url:
                endpoints[service] = _safe_url(service, url)
    return endpoints


def _safe_url(service: str, url: str) -> str:
    if "@" in url:
        raise ConfigurationError(f"aws:endpoints: the URL of {service} must not hold a user or a password.")
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


def _assumed_roles(reader: _Reader) -> tuple[AssumedRole, ...]:
    single, many = reader.structure("aws:assumeRole"), reader.structure("aws:assumeRoles")
    if single is not None and many is not None:
        raise ConfigurationError("set either aws:assumeRole or aws:assumeRoles, not both.")
    key = "aws:assumeRole" if single is not None else "aws:assumeRoles"
    roles = [single] if single is not None else many or []
    if not isinstance(roles, list):
        raise ConfigurationError("aws:assumeRoles must be a list of objects.")
    return tuple(_assumed_role(key, _mapping(key, role)) for role in roles)


def _assumed_role(key: str, role: Mapping[str, object]) -> AssumedRole:
    texts = {"roleArn", "sessionName", "externalId", "policy", "sourceIdentity", "duration"}
    unknown = set(role) - texts - {"policyArns", "tags", "transitiveTagKeys"}
    if unknown:
        raise ConfigurationError(f"{key}: unknown key {min(unknown)}.")
    given: dict[str, str] = {}
    for name in texts & set(role):
        text = role[name]
        if not isinstance(text, str):
            raise ConfigurationError(f"{key}.{name} must be a string.")
        given[name] = text
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
        policy_arns=_list_of_strings(f"{key}.policyArns", role.get("policyArns")),
        source_identity=given.get("sourceIdentity"),
        tags={str(name): str(text) for name, text in _mapping(f"{key}.tags", role.get("tags")).items()},
        transitive_tag_keys=_list_of_strings(f"{key}.transitiveTagKeys", role.get("transitiveTagKeys")),
        duration_seconds=_duration(f"{key}.duration", given["duration"]) if "duration" in given else None,
    )


def _duration(key: str, text: str) -> int:
    """Seconds of a duration in pulumi-aws's notation, such as ``1h`` or ``1h30m``."""
    found = re.fullmatch(r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?", text)
    hours, minutes, seconds = (int(digits or 0) for digits in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if not total:
        raise ConfigurationError(f'{key} must be a duration such as "1h" or "1h30m", got "{text}".')
    return total


def _list_of_strings(key: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str | int) for each in value):
        raise ConfigurationError(f"{key} must be a list of strings.")
    return tuple(str(each) for each in value)


def _mapping(key: str, value: object) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{key} must be an object.")
    return {str(name): each for name, each in value.items()}
