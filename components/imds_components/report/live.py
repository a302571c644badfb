"""The live source of a report: what AWS shows now, with nothing deployed. No Pulumi program runs.

Accounts and regions are read side by side. Each account is read once, over one connection whose rate limiter keeps all
lookups within EC2's quotas, however many profiles and roles reach it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from imds_provider.aws.fleet_lookups import Filters
from imds_provider.rules.options import Options
from imds_provider.rules.wording import shorten

from .live_accounts import Access, Account, Clock, Connect, connections, reach
from .live_region import Audit, Place, read_region
from .posture import Instance, Record, Source
from .side_by_side import Job, side_by_side

__all__ = ["Access", "Progress", "live_records"]


@dataclass(frozen=True)
class Progress:
    """How far a report is: sources that are done, of those that are known, and instances so far.

    ``total`` is 0 until the accounts and their regions are known. ``ended`` is the source that was done just now, if
    one was. ``note`` is a line for the reader, if there is one.
    """

    done: int = 0
    total: int = 0
    instances: int = 0
    ended: Source | None = None
    note: str = ""


def live_records(
    accesses: Sequence[Access],
    regions: Sequence[str] = (),
    *,
    wanted: Options,
    filters: Filters | None = None,
    instance_ids: Collection[str] = (),
    days: int | None = None,
    progress: Callable[[Progress], object] = lambda _: None,
    connect: Callable[[Clock], Connect] = connections,
) -> Iterator[Record]:
    """The records of every account that the accesses reach, in these regions, as soon as they are there.

    Without regions, that is the default one of each access; ``all`` stands for those that an account has enabled. The
    records of a region are in order: instances as EC2 lists them, the account's defaults, groups, and its
    :class:`Source` last; those of other regions come in between. ``filters``, ``instance_ids`` and ``days`` are those
    of :class:`Audit`. ``progress`` is called in the thread of the consumer. What cannot be read is a source that is
    ``unreadable``, never an error.
    """
    stop = threading.Event()
    try:
        yield from _Report(Audit(wanted, filters, frozenset(instance_ids), days), progress, stop).records(
            list(dict.fromkeys(accesses)), regions, connect(Clock(stop))
        )
    finally:
        stop.set()


class _Report:
    def __init__(self, audit: Audit, progress: Callable[[Progress], object], stop: threading.Event) -> None:
        self._audit, self._tell, self._stop = audit, progress, stop
        self._progress = Progress()
        self._missing = set(audit.instance_ids)

    def records(self, accesses: Sequence[Access], regions: Sequence[str], connect: Connect) -> Iterator[Record]:
        self._tell(self._progress)
        found = dict(side_by_side([partial(reach, each, regions, connect) for each in accesses], self._stop))
        in_order = [found[access] for access in accesses]
        unreadable = [each for each in in_order if isinstance(each, Source)]
        jobs = list(self._jobs([each for each in in_order if isinstance(each, Account)]))
        self._progress = Progress(total=len(unreadable) + len(jobs))
        for each in unreadable:
            yield from self._passing([each])
        for page in side_by_side(jobs, self._stop):
            yield from self._passing(page)
        if self._missing:
            yield from self._passing([_not_found(sorted(self._missing))])

    def _jobs(self, accounts: Sequence[Account]) -> Iterator[Job[list[Record]]]:
        """A job for each region of each account, which an earlier access may reach too: instances count once."""
        first: dict[tuple[str, str], Account] = {}
        for each in accounts:
            name = each.access.name
            for region in each.regions:
                by = first.setdefault((each.account, region), each)
                if by is each:
                    yield partial(read_region, Place(name, each.account, region), each.aws, self._audit)
                else:
                    note = f"{name} reaches account {each.account} in {region}, which is read with {by.access.name}."
                    self._tell(replace(self._progress, note=note))

    def _passing(self, page: Sequence[Record]) -> Sequence[Record]:
        """Report progress, and note which of the given instances were found."""
        ids = [each.instance for each in page if isinstance(each, Instance)]
        ended = next((each for each in page if isinstance(each, Source)), None)
        self._missing.difference_update(ids)
        before = self._progress
        done = min(before.total, before.done + (ended is not None))
        self._progress = replace(before, done=done, instances=before.instances + len(ids), ended=ended)
        self._tell(self._progress)
        return page


def _not_found(instance_ids: Sequence[str]) -> Source:
    """What becomes of IDs that belong to no instance: they must not pass for compliant ones."""
    return Source(
        "live",
        "instances given by ID",
        "unreadable",
        problem=f"not found in any account and region that was read, or terminated: {shorten(instance_ids)}. "
        "Check the IDs, the regions and the accounts.",
    )
