"""Put live records and those of stacks together: what is shown is live, what it belongs to is the stacks'. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from imds_provider.rules.observation import Observation
from imds_provider.rules.options import Options

from .posture import AccountRegion, Group, Instance, Record, Source, status_of

_Known = Instance | Group | AccountRegion
_Key = tuple[str, ...]


def join(live: Iterable[Record], stacks: Iterable[Record], *, wanted: Options, whole: bool) -> Iterator[Record]:
    """The live records, with environment, fleet, wanted options and exemption from the stacks where these know them.

    What only the stacks know of comes last, as they recorded it. It is left out as gone if its account and region were
    read live completely, and as a ``whole``: without filters or IDs. A group is if the live report looked at what is
    ``wanted`` of it. The records of stacks are held in memory, the live ones are not.
    """
    recorded: dict[_Key, _Known] = {}
    for record in stacks:
        if isinstance(record, Source):
            yield record
        else:
            recorded.setdefault(_key(record), record)
    seen: set[_Key] = set()
    read: set[tuple[str, str]] = set()
    for record in live:
        if isinstance(record, Source):
            if whole and record.is_complete:
                read.add((record.account, record.region))
            yield record
            continue
        key = next((each for each in (_key(record), _key_in_stack(record)) if each in recorded), None)
        if key is None:
            yield record
        else:
            seen.add(key)
            yield _joined(record, recorded[key])
    for key, record in recorded.items():
        looked_at = not isinstance(record, Group) or wanted.get(record.option) == record.wanted
        if key not in seen and not (looked_at and (record.account, record.region) in read):
            yield record


def _key(record: _Known) -> _Key:
    if isinstance(record, Instance):
        return ("instance", record.region, record.instance)
    if isinstance(record, Group):
        return ("group", record.account, record.region, record.group, record.option)
    return ("account", record.account, record.region)


def _key_in_stack(live: _Known) -> _Key:
    """The key in a stack that knows neither the region of an exempt instance, nor its own account."""
    return _key(replace(live, region="") if isinstance(live, Instance) else replace(live, account=""))


def _joined(live: _Known, recorded: _Known) -> _Known:
    if isinstance(live, Instance) and isinstance(recorded, Instance):
        return _instance(live, recorded)
    if isinstance(live, AccountRegion) and isinstance(recorded, AccountRegion):
        return replace(live, environment=recorded.environment, wanted=recorded.wanted, unfinished=recorded.unfinished)
    if isinstance(live, Group) and isinstance(recorded, Group):
        return replace(live, environment=recorded.environment, fleet=recorded.fleet)
    return live


def _instance(live: Instance, recorded: Instance) -> Instance:
    joined = replace(
        live,
        environment=recorded.environment,
        fleet=recorded.fleet,
        exempt=recorded.exempt,
        unfinished=recorded.unfinished,
        wanted=recorded.wanted or live.wanted,
    )
    if not (recorded.wanted or recorded.exempt):
        return joined
    state = "pending" if live.pending else "applied"
    seen = Observation(live.instance, live.instance_state, state, live.options)
    return replace(joined, status=status_of(seen, joined.wanted, joined.exempt))
