"""What goes over the control endpoint, in both directions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import inf
from typing import TypedDict, cast

from localcloud.api.call import INSTANCE_ID
from localcloud.api.metadata_options import OPTIONS
from localcloud.ec2.workload import Workload

STATES: Mapping[str, int] = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
"""EC2's instance states and their codes."""

MONITORING: Mapping[str, str] = {"basic": "disabled", "detailed": "enabled"}
"""The kinds of monitoring, and how EC2 names the state of detailed monitoring."""


class MetadataOptions(TypedDict, total=False):
    """The five options by EC2's names and values."""

    HttpTokens: str
    HttpPutResponseHopLimit: int
    HttpEndpoint: str
    HttpProtocolIpv6: str
    InstanceMetadataTags: str


class WorkloadSeed(TypedDict, total=False):
    """What the programs on an instance ask its metadata service without a token, now and in all of its past.

    Attributes:
        legacy_calls_per_minute: IMDSv1 calls, evenly spread; none unless given.
        legacy_until_days_ago: there are none since so many days before now; 0 ends them now.
        unknown: CloudWatch has no data of the instance, no `CPUUtilization` either.
    """

    legacy_calls_per_minute: float
    legacy_until_days_ago: float | None
    unknown: bool


class Change(TypedDict, total=False):
    """A change made behind one's back: applied at once, without validation, and seen by no count or log.

    Attributes:
        options: what is not given stays.
        metadata_state: `applied` (the default), or `pending` as after a change just made.
        tags: added to those that are there.
        pending: this instance's own pending time in seconds, over the setting; None for the setting's.
        workload: in place of the one before, and of what CloudWatch told of it.
        status: of the status checks of system and instance, `ok` or `impaired`.
        monitoring: `basic`, a point of each metric every 5 minutes, or `detailed`, every minute; in its past too.
    """

    options: MetadataOptions
    metadata_state: str
    tags: dict[str, str]
    pending: float | None
    workload: WorkloadSeed
    status: str
    monitoring: str


class _Named(TypedDict):
    id: str


class Seed(_Named, Change, total=False):
    """An instance to put into the embedded EC2 as if it had always been there.

    Attributes:
        id: `i-` and 8 or 17 hex digits, kept as given.
        region: `us-east-1` unless given.
        account: moto's account, 123456789012, unless given.
        name: the tag Name.
        state: one of `STATES`, running unless given.
        options: EC2's launch defaults for what is not given.
        image: any id.
        instance_type: t3.micro unless given.
        launched_days_ago: its launch time, before which it has no metrics. Unless given, its launch time is now, and it
            has metrics of all its past.
    """

    region: str
    account: str
    name: str
    state: str
    image: str
    instance_type: str
    launched_days_ago: float


class InstanceView(TypedDict):
    """The truth about an instance, whatever describes show at the moment."""

    id: str
    region: str
    account: str
    state: str
    options: MetadataOptions
    metadata_state: str
    tags: dict[str, str]
    pending: float | None


def checked_seed(given: object) -> Seed:
    """What is given, as a seed.

    Raises:
        ValueError: naming the instance and what is wrong with it.
    """
    if not isinstance(given, Mapping) or not INSTANCE_ID.fullmatch(str(given.get("id"))):
        raise ValueError(f"a seed is a mapping with the id of an instance in it, not {given!r}")
    _check(given, given["id"], Seed.__required_keys__ | Seed.__optional_keys__)
    if given.get("state", "running") not in STATES:
        raise ValueError(f"{given['id']}: state must be one of {', '.join(STATES)}, not {given['state']!r}")
    ago = given.get("launched_days_ago", 0)
    if isinstance(ago, bool) or not isinstance(ago, int | float) or not 0 <= ago < inf:
        raise ValueError(f"{given['id']}: launched_days_ago must be a number from 0, not {ago!r}")
    return cast("Seed", given)  # checked key by key


def checked_change(instance_id: str, given: object) -> Change:
    """What is given, as a change.

    Raises:
        ValueError: naming the instance and what is wrong with it.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"{instance_id}: a change is a mapping, not {given!r}")  # noqa: TRY004  # one error for all
    _check(given, instance_id, Change.__optional_keys__)
    return cast("Change", given)  # checked key by key


def _check(given: Mapping[str, object], instance_id: str, known: Collection[str]) -> None:
    if unknown := set(given) - set(known):
        raise ValueError(f"{instance_id}: unknown field {min(unknown)!r}; known are {', '.join(sorted(known))}")
    if given.get("metadata_state", "applied") not in ("applied", "pending"):
        raise ValueError(f"{instance_id}: metadata_state must be applied or pending, not {given['metadata_state']!r}")
    if given.get("status", "ok") not in ("ok", "impaired"):
        raise ValueError(f"{instance_id}: status must be ok or impaired, not {given['status']!r}")
    if given.get("monitoring", "basic") not in MONITORING:
        allowed = " or ".join(MONITORING)
        raise ValueError(f"{instance_id}: monitoring must be {allowed}, not {given['monitoring']!r}")
    for name in ("options", "tags", "workload"):
        if not isinstance(given.get(name, {}), Mapping):
            raise ValueError(f"{instance_id}: {name} must be a mapping, not {given[name]!r}")  # noqa: TRY004  # as above
    try:
        Workload.read(cast("Mapping[str, object]", given.get("workload", {})), now=0)  # a mapping, as seen above
    except ValueError as error:
        raise ValueError(f"{instance_id}: {error}") from None
    options = given.get("options", {})
    if isinstance(options, Mapping) and (unknown := set(options) - set(OPTIONS)):
        raise ValueError(f"{instance_id}: EC2 has no option {min(unknown)!r}; it has {', '.join(OPTIONS)}")


def options_from_wire(values: Mapping[str, str]) -> MetadataOptions:
    return MetadataOptions(
        HttpTokens=values["HttpTokens"],
        HttpPutResponseHopLimit=int(values["HttpPutResponseHopLimit"]),
        HttpEndpoint=values["HttpEndpoint"],
        HttpProtocolIpv6=values["HttpProtocolIpv6"],
        InstanceMetadataTags=values["InstanceMetadataTags"],
    )


def options_to_wire(options: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in options.items()}
