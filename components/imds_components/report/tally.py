"""Counts over the records of a report, kept while they stream past. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .posture import AccountRegion, Group, Instance, Record, Source, Status

Dimension = Literal["environment", "account", "region", "fleet"]
DIMENSIONS: tuple[Dimension, ...] = ("environment", "account", "region", "fleet")


@dataclass
class Share:
    """Instances by status."""

    by_status: Counter[Status] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    @property
    def right(self) -> int:
        """The compliant instances."""
        return self.by_status["compliant"]


@dataclass
class Tally:
    """What a report says in numbers, with the few records that are worth listing by themselves.

    Holds sources, groups, account regions, and the counts of instances, but no instances.
    """

    overall: Share = field(default_factory=Share)
    by: Mapping[Dimension, defaultdict[str, Share]] = field(
        default_factory=lambda: {each: defaultdict(Share) for each in DIMENSIONS}
    )
    by_option: defaultdict[str, Counter[Literal["right", "wrong", "unknown"]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    calling: int = 0
    """Instances that have called IMDSv1."""
    calls_not_known: int = 0
    """Instances of which CloudWatch has no data."""
    sources: list[Source] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    accounts: list[AccountRegion] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Count one record."""
        if isinstance(record, Instance):
            self._add_instance(record)
        elif isinstance(record, Source):
            self.sources.append(record)
        elif isinstance(record, Group):
            self.groups.append(record)
        else:
            self.accounts.append(record)

    def watch(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records, each counted as it goes past."""
        for record in records:
            self.add(record)
            yield record

    def _add_instance(self, record: Instance) -> None:
        self.overall.by_status[record.status] += 1
        for dimension in DIMENSIONS:
            self.by[dimension][getattr(record, dimension)].by_status[record.status] += 1
        wrong, not_known = record.wrong, record.not_known
        for option in record.wanted:
            state: Literal["right", "wrong", "unknown"] = (
                "wrong" if option in wrong else "unknown" if option in not_known else "right"
            )
            self.by_option[option][state] += 1
        if record.calls is not None:
            self.calling += bool(record.calls.usage and record.calls.usage.count)
            self.calls_not_known += record.calls.usage is None
