"""A table of instances before and after a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from localcloud.ec2.instances import InstanceView

_COLUMNS = {
    "HttpTokens": "tokens",
    "HttpPutResponseHopLimit": "hop limit",
    "HttpEndpoint": "endpoint",
    "HttpProtocolIpv6": "ipv6",
    "InstanceMetadataTags": "tags",
}


def before_and_after(before: Mapping[str, InstanceView], after: Iterable[InstanceView]) -> str:
    """One line per instance: both values of an option that changed, and only the new values of a new instance."""
    rows = [["instance", "", *_COLUMNS.values(), "state"]]
    for view in after:
        earlier = before.get(view["id"])
        cells = [
            _cell(dict(earlier["options"]).get(name) if earlier else None, dict(view["options"]).get(name))
            for name in _COLUMNS
        ]
        state = view["metadata_state"] if view["state"] != "stopped" else "at next start"
        rows.append([view["tags"].get("Name", ""), view["id"], *cells, state])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _cell(before: object, after: object) -> str:
    return str(after) if before in (None, after) else f"{before} -> {after}"
