"""The live source of a report: what AWS shows now, with nothing deployed. No Pulumi program runs.

Accounts and regions are read side by side. A region of an account is read once, however many profiles and roles reach
it, over one connection whose rate limiter keeps all lookups within EC2's quotas.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial

from imds_provider.aws.fleet_lookups import Filters
from imds_provider.rules.options import Options
from imds_provider.rules.wording import shorten

from .live_accounts import Access, Account, Clock, Connect, connections, reach
from .live_region import Audit, Place, read_region
from .posture import Instance, Record, Source
from .progress import Progress
from .side_by_side import Job, side_by_side

__all__ = ["Access", "Progress", "live_records"]


PATIENCE_SECONDS = 600.0
"""How long nothing may come from any region. Each call has a deadline; what provides the credentials may have none."""


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
    patience: float = PATIENCE_SECONDS,
) -> Iterator[Record]:
    """The records of every account that the accesses reach, in these regions, as soon as they are there.

    Without regions, that is the default one of each access; ``all`` stands for those that an account has enabled. The
    records of a region are in order: instances as EC2 lists them, the account's defaults, groups, and its
    :class:`Source` last; those of other regions come in between. ``filters``, ``instance_ids`` and ``days`` are those
    of :class:`Audit`. ``progress`` is called in the thread of the consumer. What cannot be read is a source that is
    ``unreadable``, never an error; so is what still runs when nothing has come for ``patience`` seconds.
    """
    stop = threading.Event()
    try:
        audit = Audit(wanted, filters, frozenset(instance_ids), days)
        yield from _Report(audit, progress, stop, patience).records(
            list(dict.fromkeys(accesses)), regions, connect(Clock(stop))
        )
    finally:
        stop.set()


class _Report:
    def __init__(
        self, audit: Audit, progress: Callable[[Progress], object], stop: threading.Event, patience: float
    ) -> None:
        self._audit, self._tell, self._stop, self._patience = audit, progress, stop, patience
        self._progress = Progress()
        self._missing = set(audit.instance_ids)

    def records(self, accesses: Sequence[Access], regions: Sequence[str], connect: Connect) -> Iterator[Record]:
        self._tell(self._progress)
        looking = [partial(reach, each, regions, connect) for each in accesses]
        found = dict(side_by_side(looking, self._stop, patience=self._patience))
        in_order = [found.get(each) or self._given_up(each.name) for each in accesses]
        unreadable = [each for each in in_order if isinstance(each, Source)]
        places = self._places([each for each in in_order if isinstance(each, Account)])
        self._progress = Progress(total=len(unreadable) + len(places))
        for each in unreadable:
            yield from self._passing([each])
        reading: list[Job[list[Record]]] = [
            partial(read_region, place, account.aws, self._audit) for place, account in places.items()
        ]
        for page in side_by_side(reading, self._stop, patience=self._patience):
            yield from self._passing(page)
            places = {place: by for place, by in places.items() if not _ends(place, page)}
        for place in places:
            yield from self._passing([self._given_up(place.environment, place.account, place.region)])
        if self._missing:
            yield from self._passing([_not_found(sorted(self._missing))])

    def _places(self, accounts: Sequence[Account]) -> dict[Place, Account]:
        """The regions of each account, without those that an earlier access reaches too: instances count once."""
        first: dict[tuple[str, str], Place] = {}
        places: dict[Place, Account] = {}
        for each in accounts:
            for region in each.regions:
                place = Place(each.access.name, each.account, region)
                by = first.setdefault((each.account, region), place)
                if by is place:
                    places[place] = each
                else:
                    read = f"account {each.account} in {region}, which is read with {by.environment}"
                    self._tell(replace(self._progress, note=f"{place.environment} reaches {read}."))
        return places

    def _given_up(self, environment: str, account: str = "", region: str = "") -> Source:
        problem = f"no answer came for {self._patience:g} s; check the network and the credentials, and run again."
        return Source("live", environment, "unreadable", account, region, problem=problem)

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


def _ends(place: Place, page: Sequence[Record]) -> bool:
    """Whether the page is the last one of the region."""
    return any(
        isinstance(each, Source) and (each.account, each.region) == (place.account, place.region) for each in page
    )


def _not_found(instance_ids: Sequence[str]) -> Source:
    """What becomes of IDs that belong to no instance: they must not pass for compliant ones."""
    return Source(
        "live",
        "instances given by ID",
        "unreadable",
        problem=f"not found in any account and region that was read, or terminated: {shorten(instance_ids)}. "
        "Check the IDs, the regions and the accounts.",
    )
