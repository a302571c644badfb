"""Read one region of one account for a report: instances, IMDSv1 calls, the account's defaults, launching groups."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from imds_provider.aws.fleet_lookups import Filters, FleetLookups
from imds_provider.aws.launch_lookups import LaunchLookups
from imds_provider.errors import AwsError, ImdsError
from imds_provider.rules.account_defaults import AccountDefaults
from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from imds_provider.rules.launch_sources import LooserLaunch, looser_launches, unread_line
from imds_provider.rules.loosening import can_be_loosened
from imds_provider.rules.observation import Observation
from imds_provider.rules.options import HTTP_ENDPOINT, HTTP_TOKENS, Options
from imds_provider.rules.readiness import Readiness

from .posture import AccountRegion, Group, Imdsv1Calls, Instance, Record, Source, status_of

_MINUTE = timedelta(minutes=1)
_NOT_ENABLED_CODES = frozenset({"AuthFailure", "InvalidClientTokenId", "OptInRequired", "UnrecognizedClientException"})
"""What AWS answers in a region that the account has not enabled, to credentials that are right elsewhere."""


class Lookups(Protocol):
    """The lookups of one account, by region, as :class:`imds_provider.aws.Aws` makes them."""

    def fleet(self, region: str) -> FleetLookups: ...

    def launch_lookups(self, region: str) -> LaunchLookups: ...


@dataclass(frozen=True)
class Audit:
    """What a live report is about.

    ``filters`` are those of DescribeInstances; without them and ``instance_ids``, it is every instance that is not
    terminated. IMDSv1 calls of the last ``days``, 1 to 455, are counted; None counts none.
    """

    wanted: Options
    filters: Filters | None = None
    instance_ids: Collection[str] = ()
    days: int | None = None

    @property
    def selects(self) -> bool:
        """Whether it is about some instances only."""
        return self.filters is not None or bool(self.instance_ids)


@dataclass(frozen=True)
class Place:
    """An account's region, and the profile or role with which it is read."""

    environment: str
    account: str
    region: str


def read_region(place: Place, aws: Lookups, audit: Audit) -> Iterator[list[Record]]:
    """The records of a region, page by page; the last is its :class:`Source`.

    Nothing that AWS refuses is fatal: without its instances, the region is ``unreadable``; a lookup of anything else
    that is not answered is in the source's ``problem``.
    """
    reading = _Reading(place, aws, audit)
    try:
        yield from reading.instances()
    except ImdsError as error:
        yield [reading.source("unreadable", _reason(error, after=reading.described))]
        return
    yield reading.account_and_groups()
    yield [reading.source("read", " ".join(reading.problems))]


@dataclass
class _Reading:
    place: Place
    aws: Lookups
    audit: Audit
    described: int = 0
    problems: list[str] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    """Those that the selected instances belong to."""
    now: datetime | None = None
    asks_calls: bool = True

    def instances(self) -> Iterator[list[Record]]:
        audit = self.audit
        lookups = self.aws.fleet(self.place.region)
        filters = audit.filters if audit.selects else {}
        for page in lookups.pages(filters, audit.instance_ids):
            # AWS's first answer sets its clock, by which CloudWatch stamps its data.
            self.now = self.now or lookups.now()
            calls = self._calls(lookups, page, self.now)
            self.described += len(page)
            if audit.selects:
                self.groups |= {each.autoscaling_group for each in page} - {""}
            yield [self._instance(each, calls.get(each.instance_id)) for each in page]
        self.now = self.now or lookups.now()

    def account_and_groups(self) -> list[Record]:
        place = self.place
        try:
            lookups = self.aws.launch_lookups(place.region)
            defaults = lookups.account_defaults()
        except ImdsError as error:
            self.problems.append(f"The account's defaults, and what launches instances, are not known: {error}")
            return [AccountRegion(place.environment, place.account, place.region)]
        account = AccountRegion(
            place.environment,
            place.account,
            place.region,
            defaults.values,
            enforced=defaults.is_enforced,
            managed_by=defaults.managed_by,
        )
        return [account, *self._looser_groups(lookups, defaults)]

    def source(self, result: Literal["read", "unreadable"], problem: str) -> Source:
        place, at = self.place, self.now and self.now.replace(microsecond=0)
        return Source("live", place.environment, result, place.account, place.region, at, problem)

    def _calls(self, lookups: FleetLookups, page: Sequence[Observation], now: datetime) -> dict[str, Imdsv1Calls]:
        """The IMDSv1 calls of the instances that answer any."""
        days, ids = self.audit.days, [each.instance_id for each in page if _answers_imdsv1(each)]
        if days is None or not ids or not self.asks_calls:
            return {}
        end = now.replace(second=0, microsecond=0) + _MINUTE
        start, period = end - timedelta(days=days), Readiness(days=days).period_seconds
        try:
            found: dict[str, Imdsv1Usage | None] = lookups.imdsv1_usage("MetadataNoToken", ids, start, end, period)
        except AwsError as error:
            # The next page would be refused as well.
            self.asks_calls = False
            self.problems.append(f"IMDSv1 usage is not known: {error}")
            return {}
        return {each: Imdsv1Calls(days, usage) for each, usage in found.items()}

    def _instance(self, seen: Observation, calls: Imdsv1Calls | None) -> Instance:
        place = self.place
        status = status_of(seen, self.audit.wanted)
        if seen.operator and status != "compliant":
            # The service alone can change it: it is shown, but nothing is wanted of it.
            status = "exempt"
        return Instance(
            place.environment,
            seen.owner_id or place.account,
            place.region,
            seen.instance_id,
            status,
            name=seen.name,
            instance_state=seen.instance_state,
            options=seen.options,
            wanted={} if status == "exempt" else self.audit.wanted,
            pending=seen.is_pending,
            calls=calls,
            autoscaling_group=seen.autoscaling_group,
            operator=seen.operator,
        )

    def _looser_groups(self, lookups: LaunchLookups, defaults: AccountDefaults) -> list[Group]:
        audit = self.audit
        if not can_be_loosened(audit.wanted) or (audit.selects and not self.groups):
            return []
        try:
            sources = lookups.groups(defaults, self.groups if audit.selects else None)
            return [self._group(each) for each in looser_launches(sources, defaults, audit.wanted)]
        except ImdsError as error:
            line = unread_line(error)
            self.problems.append(line[:1].upper() + line[1:])
            return []

    def _group(self, looser: LooserLaunch) -> Group:
        place, shown = self.place, looser.as_output()
        return Group(
            place.environment,
            place.account,
            place.region,
            looser.source.group,
            looser.candidate.launcher,
            looser.option,
            looser.decided.value,
            looser.wanted,
            str(shown["decidedBy"]),
        )


def _answers_imdsv1(seen: Observation) -> bool:
    return seen.options.get(HTTP_TOKENS) != "required" and seen.options.get(HTTP_ENDPOINT) != "disabled"


def _reason(error: ImdsError, after: int) -> str:
    """Why a region was not read, or not to its end."""
    reason = str(error)
    if isinstance(error, AwsError) and error.code in _NOT_ENABLED_CODES:
        reason += " These credentials were accepted elsewhere, so the account may not have enabled this region."
    return f"Read to the first {after:,} instances only: {reason}" if after else reason
