"""Instances that a fleet exempts for a time, each with a reason and a last day."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType

from imds_provider.rules.allowed_values import INSTANCE_ID
from imds_provider.rules.options import OPTION_KEYS, OPTIONS, OPTIONS_OBJECT, Options
from imds_provider.rules.validation import Key, Rule, field_violations, raise_for, text

NOTICE = timedelta(days=14)
"""How long before its last day an exemption is announced as ending."""

# A day that stands in YAML without quotes reaches a program as Go prints a time.
_ISO_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T00:00:00(?:\.0+)?Z| 00:00:00 \+0000 UTC)?")


def parse_day(value: object) -> date | None:
    """The day that is meant by a date, or by a string as YAML and JSON have it, or None."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    found = _ISO_DAY.fullmatch(value) if isinstance(value, str) else None
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


DAY = Rule(
    "a day such as 2027-01-31",
    lambda given: parse_day(given) is not None,
    {"type": "string", "format": "date"},
)
_OWN_KEYS = (
    Key("instance", INSTANCE_ID, required=True),
    Key("reason", text("the reason why the instance is exempt"), required=True),
    Key("until", DAY, required=True),
)
KEYS = (*_OWN_KEYS, Key("options", OPTIONS_OBJECT))


@dataclass(frozen=True)
class Exemption:
    """An instance that is exempt, why, and until when.

    ``until`` is the last day on which the exemption holds, as a date or as a string such as ``2027-01-31``. The options
    are those that the instance is to have until then, over the fleet's; with none of them set it is left as it is.

    Raises :class:`InvalidInputError`, a ``ValueError``, with one line per value that is not allowed.
    """

    instance: str
    reason: str
    until: date | str
    http_tokens: str | None = None
    http_put_response_hop_limit: int | None = None
    http_endpoint: str | None = None
    http_protocol_ipv6: str | None = None
    instance_metadata_tags: str | None = None

    def __post_init__(self) -> None:
        raise_for(f"Exemption of {self.instance}", field_violations(self, (*_OWN_KEYS, *OPTION_KEYS)))

    @property
    def last_day(self) -> date:
        """``until`` as a date."""
        return parse_day(self.until) or date.min  # never the latter: an exemption without a day cannot be made

    @property
    def options(self) -> Options:
        """The options that are set, by Pulumi property."""
        values = {option.name: getattr(self, option.argument) for option in OPTIONS}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class ExemptionReport:
    """One line per exemption that needs attention."""

    expired: list[str]
    ending: list[str]
    """Those that end within 14 days."""
    unused: list[str]
    """Those whose instance the fleet does not select."""


def judge_exemptions(
    exemptions: Iterable[Exemption],
    selected_ids: Collection[str],
    today: date,
    service_managed: Mapping[str, str] = MappingProxyType({}),
) -> ExemptionReport:
    """Judge the exemptions of a fleet. ``service_managed`` has the operator of each instance that it leaves out.

    An expired one is reported as expired alone, whether its instance is selected or not.
    """
    report = ExemptionReport([], [], [])
    for each in exemptions:
        what = f"the exemption of {each.instance} ({each.reason})"
        if each.last_day < today:
            report.expired.append(f"{what} ended on {each.last_day}: remove it, or give it a later date.")
            continue
        if each.last_day - today <= NOTICE:
            report.ending.append(f"{what} ends on {each.last_day}, {_in_days((each.last_day - today).days)}.")
        if each.instance not in selected_ids:
            operator = service_managed.get(each.instance)
            why = f"{operator} manages the instance" if operator else "the fleet does not select the instance"
            report.unused.append(f"{what} has no effect: {why}.")
    return report


def merge_options(fleet: Options, exemption: Exemption | None) -> Options:
    """The options wanted of an instance: the fleet's, over them the exemption's.

    Empty for an exemption without options, which leaves the instance as it is.
    """
    if exemption is None:
        return fleet
    return {**fleet, **exemption.options} if exemption.options else {}


def _in_days(days: int) -> str:
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
