"""Instances in the JSON of the control endpoint: seeds and changes on the way in, views on the way out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TypedDict, cast

from localcloud.api.call import INSTANCE_ID
from localcloud.api.metadata_options import HOP_LIMIT, OPTIONS
from localcloud.ec2.workload import Workload, non_negative

STATES: Mapping[str, int] = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}
"""EC2's codes by instance state."""

MONITORING: Mapping[str, str] = {"basic": "disabled", "detailed": "enabled"}
"""EC2's state of detailed monitoring by kind of monitoring."""


class MetadataOptions(TypedDict, total=False):
    """The metadata options by EC2's names."""

    HttpTokens: str
    HttpPutResponseHopLimit: int
    HttpEndpoint: str
    HttpProtocolIpv6: str
    InstanceMetadataTags: str


class WorkloadSeed(TypedDict, total=False):
    """The IMDSv1 calls of the programs on an instance, now and in all of its past.

    Attributes:
        legacy_calls_per_minute: evenly spread; none by default.
        legacy_until_days_ago: the calls ended so many days ago; 0 ends them now.
        unknown: CloudWatch has no data for the instance, not even `CPUUtilization`.
    """

    legacy_calls_per_minute: float
    legacy_until_days_ago: float | None
    unknown: bool


class Change(TypedDict, total=False):
    """An out-of-band change: made at once, without validation, and absent from counts and log.

    Attributes:
        options: options that are not listed keep their values.
        metadata_state: `applied` (the default), or `pending` as after a modify.
        tags: added to the existing ones.
        pending: seconds that changes of this instance stay pending; None for the setting's.
        workload: replaces the previous one, also in past metrics.
        status: of the system and instance status checks, `ok` or `impaired`.
        monitoring: `basic`, a point of each metric every 5 minutes, or `detailed`, every minute; also in past metrics.
    """

    options: MetadataOptions
    metadata_state: str
    tags: dict[str, str]
    pending: float | None
    workload: WorkloadSeed
    status: str
    monitoring: str


class _WithId(TypedDict):
    id: str


class Seed(_WithId, Change, total=False):
    """An existing instance to start with.

    Attributes:
        id: `i-` and 8 or 17 hex digits.
        region: `us-east-1` by default.
        account: 123456789012, moto's, by default.
        name: the tag Name.
        state: one of `STATES`; running by default.
        options: EC2's launch defaults for options that are not listed.
        image: any ID.
        instance_type: t3.micro by default.
        operator: the service that manages the instance, such as `eks.amazonaws.com` (EKS Auto Mode), and alone can
            change its options.
        launched_days_ago: the launch time; there are no metrics from before it. By default, the launch time is now but
            there are metrics for any time in the past.
    """

    region: str
    account: str
    name: str
    state: str
    image: str
    instance_type: str
    operator: str
    launched_days_ago: float


class InstanceView(TypedDict):
    """An instance as it is, whatever describes show at the moment."""

    id: str
    region: str
    account: str
    state: str
    options: MetadataOptions
    metadata_state: str
    tags: dict[str, str]
    pending: float | None


def check_seed(value: object) -> Seed:
    """Return the value if it is a valid seed.

    Raises:
        ValueError: naming the instance and the error.
    """
    if not isinstance(value, Mapping) or not INSTANCE_ID.fullmatch(str(value.get("id"))):
        raise ValueError(f"a seed must be a mapping with a valid instance ID as `id`, not {value!r}")
    with _naming(value["id"]):
        _check(value, Seed.__required_keys__ | Seed.__optional_keys__)
        if value.get("state", "running") not in STATES:
            raise ValueError(f"state must be one of {', '.join(STATES)}, not {value['state']!r}")
        if not isinstance(value.get("operator", ""), str):
            raise ValueError(f"operator must be a string, not {value['operator']!r}")  # noqa: TRY004  # bad input is a ValueError
        non_negative("launched_days_ago", value.get("launched_days_ago", 0))
    return cast("Seed", value)  # checked key by key


def check_change(instance_id: str, value: object) -> Change:
    """Return the value if it is a valid change.

    Raises:
        ValueError: naming the instance and the error.
    """
    with _naming(instance_id):
        if not isinstance(value, Mapping):
            raise ValueError(f"a change must be a mapping, not {value!r}")  # noqa: TRY004  # bad input is a ValueError
        _check(value, Change.__optional_keys__)
    return cast("Change", value)  # checked key by key


@contextmanager
def _naming(instance_id: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{instance_id}: {error}") from None


def _check(value: Mapping[str, object], known: Collection[str]) -> None:
    if unknown := set(value) - set(known):
        raise ValueError(f"unknown field {min(unknown)!r}; known are {', '.join(sorted(known))}")
    if value.get("metadata_state", "applied") not in ("applied", "pending"):
        raise ValueError(f"metadata_state must be applied or pending, not {value['metadata_state']!r}")
    if value.get("status", "ok") not in ("ok", "impaired"):
        raise ValueError(f"status must be ok or impaired, not {value['status']!r}")
    if value.get("monitoring", "basic") not in MONITORING:
        raise ValueError(f"monitoring must be {' or '.join(MONITORING)}, not {value['monitoring']!r}")
    for name in ("options", "tags", "workload"):
        if not isinstance(value.get(name, {}), Mapping):
            raise ValueError(f"{name} must be a mapping, not {value[name]!r}")  # noqa: TRY004  # as above
    Workload.parse(cast("Mapping[str, object]", value.get("workload", {})), now=0)  # a mapping, as checked above
    options = value.get("options", {})
    if isinstance(options, Mapping) and (unknown := set(options) - set(OPTIONS)):
        raise ValueError(f"unknown option {min(unknown)!r}; known are {', '.join(OPTIONS)}")


def options_from_wire(values: Mapping[str, str]) -> MetadataOptions:
    return cast("MetadataOptions", {**values, HOP_LIMIT: int(values[HOP_LIMIT])})  # values has every option


def options_to_wire(options: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in options.items()}
