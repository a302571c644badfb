"""The metadata options of one instance over time: values, validation, `pending` and `applied`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import TypeVar

from localcloud.api import errors

T = TypeVar("T")

Options = dict[str, str]
"""Options by EC2's own names, values as they stand on the wire (the hop limit is decimal text)."""

HOP_LIMIT = "HttpPutResponseHopLimit"
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "HttpTokens": ("optional", "required"),
    HOP_LIMIT: (),
    "HttpEndpoint": ("enabled", "disabled"),
    "HttpProtocolIpv6": ("enabled", "disabled"),
    "InstanceMetadataTags": ("enabled", "disabled"),
}
"""The five options and the values that each takes; the hop limit takes 1 to 64."""

DEFAULTS: Mapping[str, str] = {
    "HttpTokens": "optional",
    HOP_LIMIT: "1",
    "HttpEndpoint": "enabled",
    "HttpProtocolIpv6": "disabled",
    "InstanceMetadataTags": "disabled",
}
"""What an instance is launched with when neither the launch nor the account says otherwise."""

NEEDS_ENDPOINT = (HOP_LIMIT, "HttpProtocolIpv6", "InstanceMetadataTags")
"""EC2 refuses these while the endpoint is, or is to be, disabled."""

TAG_KEY = re.compile(r"[0-9A-Za-z\-_+=,.@:]{1,255}")
RESERVED_TAG_KEYS = (".", "..", "_index")


def validate(given: Mapping[str, str], *, extra: tuple[str, ...] = ()) -> None:
    """Refuse what EC2 refuses; `extra` are further values that every enum and the hop limit take.

    Raises:
        EC2Error: InvalidParameterValue.
    """
    for name, value in given.items():
        allowed = OPTIONS[name] + extra
        if value in allowed:
            continue
        if name != HOP_LIMIT:
            raise errors.invalid_value(name, value, f"Expecting one of: {', '.join(allowed)}.")
        if not re.fullmatch(r"-?[0-9]+", value) or not 1 <= int(value) <= 64:
            raise errors.invalid_value(name, value, "Expecting an integer from 1 to 64.")


def validate_together(given: Mapping[str, str], resulting: Mapping[str, str]) -> None:
    """Refuse options that need the endpoint where it is (to be) disabled.

    Raises:
        EC2Error: InvalidParameterCombination.
    """
    refused = [name for name in NEEDS_ENDPOINT if name in given]
    if resulting["HttpEndpoint"] == "disabled" and refused:
        raise errors.invalid_combination(
            f"The parameter {refused[0]} is not allowed unless HttpEndpoint is enabled.",
        )


def validate_tag_keys(keys: Iterable[str]) -> None:
    """Refuse tag keys that the metadata service cannot serve.

    Raises:
        EC2Error: InvalidParameterValue.
    """
    for key in keys:
        if not TAG_KEY.fullmatch(key) or key in RESERVED_TAG_KEYS:
            raise errors.EC2Error(
                "InvalidParameterValue",
                f"'{key}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{{1,255}}), and "
                "must not be a reserved name ('.', '..', '_index')",
            )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The options from one moment on. `applied_at` is infinite while they wait for a start."""

    since: float
    values: Mapping[str, str]
    applied_at: float

    def state(self, at: float) -> str:
        return "applied" if at >= self.applied_at else "pending"


class Record:
    """What one instance's options were and are. Times are the clock's seconds.

    Attributes:
        born: when the instance was launched; minus infinity for one that was always there.
        pending: this instance's own pending time, or None for the setting's.
    """

    def __init__(self, values: Mapping[str, str], *, born: float, applied_at: float, pending: float | None) -> None:
        self.born = born
        self.pending = pending
        self._history = [Snapshot(born, dict(values), applied_at)]
        self._runs = [(born, True)]

    @property
    def latest(self) -> Snapshot:
        return self._history[-1]

    def seen(self, at: float) -> Snapshot:
        """The snapshot that held at that time (the first one, before there was any)."""
        return next((each for each in reversed(self._history) if each.since <= at), self._history[0])

    def change(self, given: Mapping[str, str], *, now: float, applied_at: float) -> None:
        """What is not given stays as it is."""
        self._history.append(Snapshot(now, {**self.latest.values, **given}, applied_at))

    def spans(self, until: float) -> list[tuple[float, float, Mapping[str, str] | None]]:
        """From when to when the instance had which values in force, in order; None while it did not run."""
        superseded = [*(each.since for each in self._history[1:]), inf]
        applied = [
            (each.applied_at, each.values)
            for each, end in zip(self._history, superseded, strict=True)
            if each.applied_at <= end
        ]
        moments = sorted({self.born, until, *(at for at, _ in applied), *(at for at, _ in self._runs)})
        return [
            (
                start,
                end,
                _last(applied, start, self._history[0].values) if _last(self._runs, start, default=True) else None,
            )
            for start, end in pairwise(moments)
            if self.born <= start < end <= until
        ]

    def runs(self, now: float, *, running: bool) -> None:
        """From now on the instance runs, or does not."""
        self._runs.append((now, running))

    def hold(self, now: float) -> None:
        """The instance stops: what is not applied yet waits for its next start."""
        if self.latest.state(now) == "pending":
            self.change({}, now=now, applied_at=inf)

    def release(self, now: float, delay: float) -> None:
        """The instance starts: what waits is applied after the delay."""
        if self.latest.state(now) == "pending":
            self.change({}, now=now, applied_at=now + delay)


def _last(items: Sequence[tuple[float, T]], moment: float, default: T) -> T:
    """Of what began at a time, the latest that had begun at that moment."""
    return next((item for at, item in reversed(items) if at <= moment), default)
