"""The fleets that every tool is given, and what is wanted of them. Pure."""

from __future__ import annotations

from itertools import cycle, islice
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.bound import REGION
from localcloud.ec2.instances import MetadataOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localcloud.ec2.instances import Seed

WANTED = MetadataOptions(HttpTokens="required", HttpPutResponseHopLimit=2)
"""What each tool is asked for: IMDSv2, and a hop limit that containers can live with."""
COMPLIANT_SHARE = 0.7
"""How much of a mixed fleet is right from the start."""


class Fleet(NamedTuple):
    """Instances under the name that the table has for them."""

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
"""The last has EC2's default hop limit, which neither counts nor can be changed while the endpoint is disabled."""

_WRONG = (
    _Kind(MetadataOptions(HttpTokens="optional", HttpPutResponseHopLimit=1)),
    _Kind(MetadataOptions(HttpTokens="required", HttpPutResponseHopLimit=1)),
    _Kind(MetadataOptions(HttpTokens="optional", HttpPutResponseHopLimit=1), "stopped"),
    _Kind(MetadataOptions(HttpTokens="optional", HttpEndpoint="disabled")),
    _Kind(MetadataOptions(HttpTokens="optional", HttpPutResponseHopLimit=2, InstanceMetadataTags="enabled")),
)


def alike(size: int) -> Fleet:
    """So many running instances that lack IMDSv2 and nothing else, so that all three tools have the same work."""
    return Fleet(f"{size} alike", _seeds([_ALIKE] * size))


def mixed(size: int) -> Fleet:
    """So many instances of every kind; 7 of 10 comply."""
    compliant = round(size * COMPLIANT_SHARE)
    kinds = [*islice(cycle(_COMPLIANT), compliant), *islice(cycle(_WRONG), size - compliant)]
    return Fleet(f"{size} mixed", _seeds(kinds))


def _seeds(kinds: Iterable[_Kind]) -> list[Seed]:
    return [
        {"id": f"i-{number:017x}", "region": REGION, "state": kind.state, "options": kind.options}
        for number, kind in enumerate(kinds)
    ]
