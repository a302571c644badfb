"""A report as one table of comma-separated values, with a row for each record. Streamed.

Spreadsheets take a cell that begins with ``=`` for a formula, whatever file it came from, and tags are written by
whoever launches an instance. Such a cell gets a ``'`` in front, which spreadsheets show as text.

Sources: OWASP, "CSV Injection"; RFC 4180, which ends a line by CR and LF.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from typing import TextIO

from imds_provider.rules.account_defaults import DEFAULT_NAMES, HTTP_TOKENS_ENFORCED
from imds_provider.rules.options import OPTION_NAMES
from imds_provider.rules.target import render_time

from ..posture import AccountRegion, Group, Imdsv1Calls, Instance, Record, Source
from ..tally import Tally
from . import Context

NO_DATA = "no data"
"""In place of a number of IMDSv1 calls where CloudWatch has none, which does not mean zero."""
UNKNOWN = "unknown"

_OPTIONS = (*OPTION_NAMES, HTTP_TOKENS_ENFORCED)
COLUMNS = (
    "record",
    "environment",
    "account",
    "region",
    "fleet",
    "instance",
    "name",
    "status",
    "instanceState",
    *_OPTIONS,
    "wanted",
    "wrong",
    "unknown",
    "pending",
    "exemptReason",
    "exemptUntil",
    "imdsv1Calls",
    "imdsv1CallsDays",
    "imdsv1CallsFirst",
    "imdsv1CallsLast",
    "autoscalingGroup",
    "operator",
    "unfinished",
    "option",
    "value",
    "launchedBy",
    "decidedBy",
    "managedBy",
    "result",
    "at",
    "problem",
)
"""The columns, whose order is a contract; new ones come last. ``record`` is the kind of a row, as in JSON."""

# A spreadsheet may split at another separator than a comma, so what follows one is a cell as well.
_FORMULA = re.compile(r"(?:^(?=[\t\r\n])|(?:^|(?<=[;,|\t\r\n]))(?=[=+\-@\uff1d\uff0b\uff0d\uff20]))")

_Cell = str | int | float | None
_Cells = Mapping[str, _Cell]


def write(records: Iterable[Record], tally: Tally, out: TextIO, context: Context) -> None:  # noqa: ARG001  of all formats
    """Write a line of column names, then one for each record."""
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    for record in records:
        writer.writerow({name: harmless(cell) for name, cell in _cells(record).items() if cell != ""})


def harmless(cell: _Cell) -> _Cell:
    """The cell as no spreadsheet takes it for a formula. Numbers are left alone."""
    return _FORMULA.sub("'", cell) if isinstance(cell, str) else cell


def _cells(record: Record) -> _Cells:
    place = {"environment": record.environment, "account": record.account, "region": record.region}
    if isinstance(record, Instance):
        return {**place, **_instance(record)}
    if isinstance(record, Group):
        return {**place, **_group(record)}
    return {**place, **(_source(record) if isinstance(record, Source) else _account(record))}


def _instance(record: Instance) -> _Cells:
    return {
        "record": "instance",
        "fleet": record.fleet,
        "instance": record.instance,
        "name": record.name,
        "status": record.status,
        "instanceState": record.instance_state,
        **{name: record.options.get(name, UNKNOWN) for name in OPTION_NAMES},
        "wanted": _assignments(record.wanted),
        "wrong": _assignments(record.wrong),
        "unknown": " ".join(record.not_known),
        "pending": "true" if record.pending else "",
        "exemptReason": record.exempt.reason if record.exempt else "",
        "exemptUntil": record.exempt.until.isoformat() if record.exempt else "",
        **(_calls(record.calls) if record.calls else {}),
        "autoscalingGroup": record.autoscaling_group,
        "operator": record.operator,
        "unfinished": record.unfinished,
    }


def _calls(calls: Imdsv1Calls) -> _Cells:
    usage = calls.usage
    return {
        "imdsv1Calls": round(usage.count) if usage else NO_DATA,
        "imdsv1CallsDays": calls.days,
        "imdsv1CallsFirst": render_time(usage.first_seen) if usage and usage.first_seen else "",
        "imdsv1CallsLast": render_time(usage.last_seen) if usage and usage.last_seen else "",
    }


def _group(record: Group) -> _Cells:
    return {
        "record": "group",
        "fleet": record.fleet,
        "autoscalingGroup": record.group,
        "option": record.option,
        "value": UNKNOWN if record.value is None else record.value,
        "wanted": f"{record.option}={record.wanted}",
        "launchedBy": record.launched_by,
        "decidedBy": record.decided_by,
    }


def _account(record: AccountRegion) -> _Cells:
    return {
        "record": "account",
        **{name: record.defaults.get(name, UNKNOWN) for name in DEFAULT_NAMES},
        "wanted": _assignments(record.wanted),
        "managedBy": record.managed_by,
        "unfinished": record.unfinished,
    }


def _source(record: Source) -> _Cells:
    return {
        "record": "source",
        "result": record.result,
        "at": render_time(record.at) if record.at else "",
        "problem": record.problem,
    }


def _assignments(values: Mapping[str, str | int]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())
