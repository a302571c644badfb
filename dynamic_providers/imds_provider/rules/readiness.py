"""Whether instances can be brought to ``httpTokens: required`` without breaking what runs on them.

Sources: EC2 user guide, the CloudWatch metric ``MetadataNoToken`` (calls by IMDSv1); CloudWatch API reference,
``GetMetricData`` (up to 100,800 data points for 500 metrics a call; hourly data points are kept for 455 days).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from .allowed_values import DAYS, DEFAULT_DAYS, LEGACY_CALLS, UNKNOWN
from .imdsv1_usage import Imdsv1Usage, period_seconds
from .options import HTTP_ENDPOINT, HTTP_TOKENS, Options
from .validation import Key, field_violations, raise_for

ADVICE = "Fix the workloads, exempt or exclude these instances, or let readiness warn instead of block."
KEYS = (Key("legacyCalls", LEGACY_CALLS), Key("days", DAYS), Key("unknown", UNKNOWN))

_HOUR_SECONDS = 3600
_DAY_SECONDS = 24 * _HOUR_SECONDS


@dataclass(frozen=True)
class Readiness:
    """What instances must show before they are required to use IMDSv2.

    ``legacy_calls`` is whether IMDSv1 calls in the last ``days`` (1 to 455) stop the run, are reported, or are not
    looked up; ``unknown`` is what instances without CloudWatch data do.

    Raises :class:`InvalidInputError`, a ``ValueError``, with one line per value that is not allowed.
    """

    legacy_calls: Literal["block", "warn", "off"] = "block"
    days: int = DEFAULT_DAYS
    unknown: Literal["warn", "block", "ignore"] = "warn"

    def __post_init__(self) -> None:
        raise_for("Readiness", field_violations(self, KEYS))

    @property
    def period_seconds(self) -> int:
        """The finest period, in whole hours, at which one GetMetricData call answers for 500 instances."""
        return period_seconds(self.days * _DAY_SECONDS, unit=_HOUR_SECONDS)

    @property
    def days_in_words(self) -> str:
        """``day`` or ``14 days``."""
        return "day" if self.days == 1 else f"{self.days} days"

    @property
    def period(self) -> timedelta:
        """The same as a duration."""
        return timedelta(seconds=self.period_seconds)


@dataclass(frozen=True)
class ReadinessReport:
    """One line per instance that is not ready, by whether it stops the run."""

    blocking: dict[str, str]
    warnings: dict[str, str]


def about_to_require(observed: Options, wanted: Options) -> bool:
    """Whether IMDSv1 calls that work on the instance now would be refused afterwards."""
    # Tokens that EC2 does not report are not changed.
    if wanted.get(HTTP_TOKENS) != "required" or observed.get(HTTP_TOKENS) != "optional":
        return False
    # A disabled endpoint answers no calls, so none will be refused.
    return not (observed.get(HTTP_ENDPOINT) == "disabled" and wanted.get(HTTP_ENDPOINT, "disabled") == "disabled")


def readiness_report(
    ids: Iterable[str], usage: Mapping[str, Imdsv1Usage | None], readiness: Readiness
) -> ReadinessReport:
    """Report which of the instances about to require tokens are not ready. Missing data does not mean no calls."""
    report = ReadinessReport({}, {})
    if readiness.legacy_calls == "off":
        return report
    days = readiness.days_in_words
    calls, unknown = {}, {}
    for each in sorted(ids):
        seen = usage.get(each)
        if seen is None:
            unknown[each] = f"CloudWatch has no data on IMDSv1 calls of {each} in the last {days}: it may make some."
        elif seen.count > 0:
            calls[each] = f"{each} made {seen} in the last {days}{seen.last_between(readiness.period)}."
    (report.blocking if readiness.legacy_calls == "block" else report.warnings).update(calls)
    if readiness.unknown != "ignore":
        (report.blocking if readiness.unknown == "block" else report.warnings).update(unknown)
    return report
