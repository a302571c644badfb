"""Instances that a fleet lets off for a time, each with a reason and a last day. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from imds_provider.rules.options import OPTIONS, Options, OptionValue, quote, violations
from imds_provider.rules.resource_state import is_instance_id

from ..config_rules import is_text

NOTICE = timedelta(days=14)
"""How long before its last day an exemption is announced as ending."""

# A day that stands in YAML without quotes reaches a program as Go prints a time.
_ISO_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T00:00:00(?:\.0+)?Z| 00:00:00 \+0000 UTC)?")


@dataclass(frozen=True)
class Exemption:
    """An instance that is let off, why, and until when.

    ``until`` is the last day on which the exemption holds, as a date or as text such as ``2027-01-31``. The options
    are those that the instance is to have meanwhile, over the fleet's; with none of them set it is left as it is.

    Raises ``ValueError`` with one line for each thing that is wrong.
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
        problems = []
        if not is_instance_id(self.instance):
            problems.append(f'instance must be "i-" and 8 or 17 hexadecimal digits, got {quote(self.instance)}.')
        if not is_text(self.reason):
            problems.append("reason must say why the instance is exempt.")
        if parse_day(self.until) is None:
            problems.append(f"until must be a day such as 2027-01-31, got {quote(self.until)}.")
        if self.options:
            problems += [each.reason for each in violations(self.options)]
        if problems:
            raise ValueError("\n".join(f"Exemption of {self.instance}: {problem}" for problem in problems))

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
    """A sentence for each exemption that somebody has to look at."""

    expired: list[str]
    ending: list[str]
    """Those that end within 14 days."""
    unused: list[str]
    """Those whose instance the fleet does not select."""


def parse_day(value: object) -> date | None:
    """The day that is meant by a date, or by text as YAML and JSON have it, or None."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    found = _ISO_DAY.fullmatch(value) if isinstance(value, str) else None
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def judge_exemptions(exemptions: Iterable[Exemption], selected_ids: Collection[str], today: date) -> ExemptionReport:
    """Judge the exemptions of a fleet.

    An expired one is told as expired alone, whether its instance is selected or not. Raises ``ValueError`` if an
    instance has two.
    """
    report = ExemptionReport([], [], [])
    seen: set[str] = set()
    for each in exemptions:
        if each.instance in seen:
            raise ValueError(f"{each.instance} is exempted twice: keep one exemption.")
        seen.add(each.instance)
        what = f"the exemption of {each.instance} ({each.reason})"
        if each.last_day < today:
            report.expired.append(f"{what} ended on {each.last_day}: remove it, or give it a later date.")
            continue
        if each.last_day - today <= NOTICE:
            report.ending.append(f"{what} ends on {each.last_day}, {_in_days((each.last_day - today).days)}.")
        if each.instance not in selected_ids:
            report.unused.append(f"{what} has no effect: the fleet does not select the instance.")
    return report


def merge_options(stack: Options, fleet: Options, exemption: Exemption | None = None) -> dict[str, OptionValue]:
    """The options wanted of an instance: the stack's, over them the fleet's, over them the exemption's.

    Empty for an exemption without options, which leaves the instance as it is.
    """
    if exemption is not None and not exemption.options:
        return {}
    return {**stack, **fleet, **(exemption.options if exemption is not None else {})}


def _in_days(days: int) -> str:
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")
