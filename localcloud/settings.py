"""The settings of the embedded EC2, given at the start and changed at run time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from fnmatch import fnmatchcase
from math import isfinite
from typing import Any, Literal

from localcloud.api.metadata_options import ENFORCED, OPTIONS

UNFILTERED = "DescribeInstances:unfiltered"
"""The throttle's name for a DescribeInstances without IDs, filters and MaxResults."""

Bucket = tuple[float, float]
"""A token bucket: capacity in calls, refill rate in calls per second."""

EC2_BUCKETS: Mapping[str, Bucket] = {
    "ModifyInstanceMetadataOptions": (100, 5),
    "DescribeInstances": (100, 20),
    "DescribeInstanceStatus": (100, 20),
    "GetInstanceMetadataDefaults": (2, 2),
    "ModifyInstanceMetadataDefaults": (2, 2),
    UNFILTERED: (50, 10),
}
"""The sizes that EC2 documents ("Request throttling for the Amazon EC2 API")."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the embedded EC2 behaves. All times are in seconds.

    Attributes:
        pending: how long changed options of a running instance stay `pending`; an instance can override it.
        launch_pending: how long the options of a launched instance stay `pending`.
        stopped_state: the `State` that a stopped instance reports after a change until it is started; EC2 does not
            document it.
        tokens_when_unnamed: what a modify without HttpTokens does to it. EC2 documents both "the existing state is
            maintained" and "default: optional".
        latency: duration of a call by action; `*` applies to all actions that are not listed.
        throttle: token buckets by action (or `UNFILTERED`), one per account and region; empty means no throttling.
        stale: how old the metadata options are that describes show.
        appear: how long a launched instance is unknown to every action.
        defaults_delay: how long GetInstanceMetadataDefaults shows the previous defaults after a change of them.
        unknown_options: options, and `HttpTokensEnforced`, that a region (or `*`) does not support: absent in answers,
            refused in requests.
        publish: when CloudWatch has an instance's metrics. `at-once`: up to the current second, in any period.
            `as-aws`: one point per period of 5 minutes (1 minute with detailed monitoring), aligned to the epoch,
            stamped with the start of the period and readable once the period is over.
        metrics_delay: with `as-aws`, how long after the end of its period a point becomes readable.
        clock_skew: how far AWS's clock is ahead of this machine's; negative if behind. Affects the `Date` of answers
            and the times of metrics, impairments and launches, but not what is pending.
        denied: IAM actions, such as `ec2:ModifyInstanceMetadataOptions`, that every caller is denied; `*` stands for
            any characters.
        allowed: the only IAM actions that callers are allowed; None for all. GetCallerIdentity needs no permission.
    """

    pending: float = 0.0
    launch_pending: float = 0.0
    stopped_state: Literal["pending", "applied"] = "pending"
    tokens_when_unnamed: Literal["kept", "optional"] = "kept"
    latency: Mapping[str, float] = field(default_factory=dict)
    throttle: Mapping[str, Bucket] = field(default_factory=dict)
    stale: float = 0.0
    appear: float = 0.0
    defaults_delay: float = 0.0
    unknown_options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    publish: Literal["at-once", "as-aws"] = "at-once"
    metrics_delay: float = 0.0
    clock_skew: float = 0.0
    denied: tuple[str, ...] = ()
    allowed: tuple[str, ...] | None = None

    def latency_of(self, action: str) -> float:
        return self.latency.get(action, self.latency.get("*", 0.0))

    def denies(self, iam_action: str) -> bool:
        """Whether callers lack the permission."""
        if any(fnmatchcase(iam_action, each) for each in self.denied):
            return True
        return self.allowed is not None and not any(fnmatchcase(iam_action, each) for each in self.allowed)

    def supports(self, region: str, option: str) -> bool:
        return option not in self.unknown_options.get(region, self.unknown_options.get("*", ()))

    def changed(self, changes: Mapping[str, object]) -> Settings:
        """Return a copy with `changes`, which are JSON values, applied.

        Raises:
            ValueError: for an unknown name or a value that is not allowed.
        """
        known = {each.name for each in fields(self)}
        for name in changes:
            if name not in known:
                raise ValueError(f"unknown setting {name!r}; known are {', '.join(sorted(known))}")
        return replace(self, **{name: _PARSERS[name](name, value) for name, value in changes.items()})

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def parse_latency(argument: str) -> dict[str, float]:
    """Parse `0.1`, for every action, or `ModifyInstanceMetadataOptions=0.12,DescribeInstances=0.08,*=0.01`."""
    if "=" not in argument:
        return {"*": _seconds("latency", argument)}
    return {action: _seconds("latency", value) for action, value in _pairs(argument)}


def parse_throttle(argument: str) -> dict[str, Bucket]:
    """Parse `on` (EC2's sizes), `off`, or `ModifyInstanceMetadataOptions=100+5,...` (capacity + calls per second)."""
    if argument in ("on", "off"):
        return _throttle("throttle", argument == "on")
    return {action: _bucket("throttle", value.split("+")) for action, value in _pairs(argument)}


def _pairs(argument: str) -> list[tuple[str, str]]:
    pairs = [each.partition("=") for each in argument.split(",")]
    for action, equals, _ in pairs:
        if not equals or not action:
            raise ValueError(f"expected action=value,... instead of {argument!r}")
    return [(action.strip(), value.strip()) for action, _, value in pairs]


def _number(name: str, value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise ValueError(f"{name} must be a number of seconds, not {value!r}") from None


def _seconds(name: str, value: object) -> float:
    seconds = _number(name, value)
    if not seconds >= 0:
        raise ValueError(f"{name} must be 0 or more seconds, not {value!r}")
    return seconds


def _finite_seconds(name: str, value: object) -> float:
    seconds = _number(name, value)
    if not isfinite(seconds):
        raise ValueError(f"{name} must be a number of seconds, not {value!r}")
    return seconds


def _mapping(name: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be a mapping, not {value!r}")  # noqa: TRY004  # bad settings are ValueErrors
    return value


def _latency(name: str, value: object) -> dict[str, float]:
    if isinstance(value, int | float):
        return {"*": _seconds(name, value)}
    return {action: _seconds(name, seconds) for action, seconds in _mapping(name, value).items()}


def _bucket(name: str, value: object) -> Bucket:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{name}: a bucket is a capacity and a rate, not {value!r}")
    capacity, rate = (_seconds(name, part) for part in value)
    return capacity, rate


def _throttle(name: str, value: object) -> dict[str, Bucket]:
    if isinstance(value, bool):
        return dict(EC2_BUCKETS) if value else {}
    return {action: _bucket(name, bucket) for action, bucket in _mapping(name, value).items()}


def _one_of(*allowed: str) -> Callable[[str, object], str]:
    def parse(name: str, value: object) -> str:
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
        return str(value)

    return parse


def _unknown_options(name: str, value: object) -> dict[str, tuple[str, ...]]:
    unknown: dict[str, tuple[str, ...]] = {}
    for region, options in _mapping(name, value).items():
        if not isinstance(options, list | tuple) or not set(options) <= {*OPTIONS, ENFORCED}:
            known = ", ".join((*OPTIONS, ENFORCED))
            raise ValueError(f"{name}: expected a list of {known} for {region}, not {options!r}")
        unknown[region] = tuple(options)
    return unknown


def _iam_actions(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(
        re.fullmatch(r"[a-z0-9]+:[A-Za-z*]+", str(each)) for each in value
    ):
        raise ValueError(f"{name}: expected a list of IAM actions such as ec2:DescribeInstances, not {value!r}")
    return tuple(map(str, value))


_PARSERS: Mapping[str, Callable[[str, object], Any]] = {  # Any: each returns the type of its field
    "pending": _seconds,
    "launch_pending": _seconds,
    "stopped_state": _one_of("pending", "applied"),
    "tokens_when_unnamed": _one_of("kept", "optional"),
    "latency": _latency,
    "throttle": _throttle,
    "stale": _seconds,
    "appear": _seconds,
    "defaults_delay": _seconds,
    "unknown_options": _unknown_options,
    "publish": _one_of("at-once", "as-aws"),
    "metrics_delay": _seconds,
    "clock_skew": _finite_seconds,
    "denied": _iam_actions,
    "allowed": lambda name, value: None if value is None else _iam_actions(name, value),
}
