"""The fleets that every tool runs on, and the wanted options."""

from __future__ import annotations

from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.bound import REGION
from localcloud.ec2.instances import MetadataOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localcloud.ec2.instances import Seed

WANTED = MetadataOptions(HttpTokens="required", HttpPutResponseHopLimit=2)
"""IMDSv2, and a hop limit that works for containers."""
COMPLIANT_SHARE = 0.7
"""The part of a mixed fleet that complies from the start."""


class Fleet(NamedTuple):
    """Instances, with the name of the fleet in the table."""

    name: str
    instances: list[Seed]


class _Kind(NamedTuple):
    options: MetadataOptions
    state: str = "running"


_ALIKE = _Kind(MetadataOptions(HttpTokens="optional", HttpPutResponseHopLimit=2))

_COMPLIANT = (
    _Kind(WANTED),
    _Kind(MetadataOptions(**WANTED, InstanceMetadataTags="enabled", HttpProtocolIpv6="enabled")),
    _Kind(WANTED, "stopped"),
    _Kind(MetadataOptions(HttpTokens="required", HttpEndpoint="disabled")),
)
"""The last has EC2's default hop limit, which does not count and cannot be changed while the endpoint is disabled."""

_WRONG = (
    _Kind(MetadataOptions(HttpTokens="optional", HttpPutResponseHopLimit=1)),
    _Kind(MetadataOptions(HttpTokens="required", HttpPutResponseHopLimit=1)),
    _Kind(MetadataOptions(HttpTokens="optional", HttpPutResponseHopLimit=1), "stopped"),
    _Kind(MetadataOptions(HttpTokens="optional", HttpEndpoint="disabled")),
    _Kind(MetadataOptions(HttpTokens="optional", HttpPutResponseHopLimit=2, InstanceMetadataTags="enabled")),
)


def alike(size: int) -> Fleet:
    """Running instances that only lack IMDSv2, so that all three tools have the same work."""
    return Fleet(f"{size} alike", _seeds([_ALIKE] * size))


def mixed(size: int) -> Fleet:
    """Instances of every kind; 7 of 10 comply."""
    compliant = round(size * COMPLIANT_SHARE)
    kinds = [*islice(cycle(_COMPLIANT), compliant), *islice(cycle(_WRONG), size - compliant)]
    return Fleet(f"{size} mixed", _seeds(kinds))


def _seeds(kinds: Iterable[_Kind]) -> list[Seed]:
    return [
        {"id": f"i-{number:017x}", "region": REGION, "state": kind.state, "options": kind.options}
        for number, kind in enumerate(kinds)
    ]
