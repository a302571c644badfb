"""A report as one JSON document, with a record on each line. Streamed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TextIO

from imds_provider.rules.target import render_time

from ..posture import STATUSES, Record, as_json
from ..tally import DIMENSIONS, Share, Tally
from . import Context

SCHEMA_VERSION = 1
"""Goes up when a key changes its meaning or is dropped, and not when one is added."""


def write(records: Iterable[Record], tally: Tally, out: TextIO, context: Context) -> None:
    """Write what the report says of itself, then ``records``, then ``summary``, which is known only after them."""
    head = {
        "schemaVersion": SCHEMA_VERSION,
        "title": context.title,
        "madeAt": render_time(context.made_at),
        "version": context.version,
    }
    out.write(f'{json.dumps(head)[:-1]}, "records": [')
    separator = "\n"
    for record in records:
        out.write(f"{separator}{json.dumps(as_json(record))}")
        separator = ",\n"
    out.write(f'\n], "summary": {json.dumps(summary(tally))}}}\n')


def summary(tally: Tally) -> Mapping[str, object]:
    """The counts of a report."""
    return {
        **_share(tally.overall),
        "by": {name: {value: _share(share) for value, share in tally.by[name].items()} for name in DIMENSIONS},
        "byOption": tally.by_option,
        "callingImdsv1": tally.calling,
        "callsNotKnown": tally.calls_not_known,
        "groups": len(tally.groups),
        "incompleteSources": sum(not each.is_complete for each in tally.sources),
    }


def _share(share: Share) -> Mapping[str, object]:
    return {"instances": share.total, **{status: share.by_status[status] for status in STATUSES}}
