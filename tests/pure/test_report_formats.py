"""Reports as CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from imds_components.report.formats import FORMATS, Format, Write, csv_, format_of, json_, writer
from imds_components.report.formats.csv_ import COLUMNS, harmless
from imds_components.report.posture import Instance, Record, as_json
from imds_components.report.tally import Tally
from imds_provider.errors import ImdsError
from tests.support.report_records import CONTEXT, DEFAULTS, EXEMPT, INSTANCE, RECORDS, SOURCE, instances
from tools.sandbox import ROOT


def written(write: Write, records: Iterable[Record]) -> str:
    tally, out = Tally(), io.StringIO()
    write(tally.watch(records), tally, out, CONTEXT)
    return out.getvalue()


def rows(records: Iterable[Record]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(csv_.write, records))))


def test_json_says_what_it_is_then_has_the_records_then_the_counts() -> None:
    found: dict[str, Any] = json.loads(written(json_.write, RECORDS))
    assert list(found) == ["schemaVersion", "title", "madeAt", "version", "records", "summary"]
    assert (found["schemaVersion"], found["title"], found["madeAt"]) == (1, "Posture", "2026-11-25T04:00:00Z")
    assert found["records"] == [json.loads(json.dumps(as_json(each))) for each in RECORDS]
    summary = found["summary"]
    assert (summary["instances"], summary["not-compliant"], summary["exempt"], summary["compliant"]) == (2, 1, 1, 0)
    assert summary["by"]["fleet"]["web"]["not-compliant"] == 1
    assert summary["byOption"] == {"httpTokens": {"wrong": 1}, "httpEndpoint": {"unknown": 1}}
    assert (summary["callingImdsv1"], summary["callsNotKnown"]) == (1, 1)
    assert (summary["groups"], summary["incompleteSources"]) == (1, 1)


def test_a_report_without_records_is_valid() -> None:
    assert json.loads(written(json_.write, ()))["records"] == []
    assert rows(()) == []


def test_csv_has_a_row_for_each_record_and_loses_nothing() -> None:
    instance, exempt, group, account, source = rows(RECORDS)
    assert (
        instance
        | {
            "record": "instance",
            "environment": "prod",
            "account": "123456789012",
            "instance": "i-0123456789abcdef0",
            "status": "not-compliant",
            "httpTokens": "optional",
            "httpPutResponseHopLimit": "2",
            "httpEndpoint": "unknown",
            "wanted": "httpTokens=required httpEndpoint=enabled",
            "wrong": "httpTokens=required",
            "unknown": "httpEndpoint",
            "imdsv1Calls": "1234",
            "imdsv1CallsLast": "2026-11-25T04:00:00Z",
            "unfinished": "EC2 did not answer",
        }
        == instance
    )
    assert (exempt["exemptReason"], exempt["exemptUntil"], exempt["pending"]) == ("old agent", "2027-01-31", "true")
    assert exempt["imdsv1Calls"] == "no data", "which is not zero"
    assert (group["record"], group["value"], group["wanted"]) == ("group", "unknown", "httpTokens=required")
    assert (account["record"], account["httpPutResponseHopLimit"], account["httpTokensEnforced"]) == (
        "account",
        "-1",
        "enabled",
    )
    assert (source["record"], source["result"], source["problem"]) == ("source", "failed", "the last update failed.")
    given = {value for each in RECORDS for value in _leaves(as_json(each))}
    shown = {value for row in rows(RECORDS) for value in row.values()}
    assert {each for each in given if not any(each in cell for cell in shown)} == set()


def _leaves(value: object) -> set[str]:
    """The strings in a record, but for those that other columns or the kind of the source stand for."""
    if isinstance(value, dict):
        return {leaf for each in value.values() for leaf in _leaves(each)}
    if isinstance(value, list):
        return {leaf for each in value for leaf in _leaves(each)}
    return {value} - {"stack"} if isinstance(value, str) else set()


def test_the_columns_of_csv_are_always_the_same() -> None:
    assert written(csv_.write, ()).splitlines() == [",".join(COLUMNS)]
    assert len({len(row) for row in csv.reader(io.StringIO(written(csv_.write, RECORDS)))}) == 1


@pytest.mark.parametrize(
    "tag",
    [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\uff1dcmd",
        "x;=cmd",
        "x,=cmd",
        "x\n=cmd",
        'x"\t@SUM(A1)',
    ],
)
def test_no_cell_is_a_formula(tag: str) -> None:
    (row,) = rows([Instance("prod", "", "", "i-0123456789abcdef0", "unknown", name=tag, fleet=tag)])
    shown = str(harmless(tag))
    assert row["name"] == row["fleet"] == shown
    assert shown.replace("'", "") == tag.replace("'", ""), "nothing is lost"
    for separator in ";,|\t\r\n":
        assert all(not part.startswith(tuple("=+-@\uff1d")) for part in shown.split(separator)), separator
    assert shown[0] not in "\t\r\n"


@pytest.mark.parametrize("plain", ["web-1", "a=b", "shop - web", "O'Brien", "", "1 + 1", "a@b.example"])
def test_a_cell_that_is_no_formula_is_left_alone(plain: str) -> None:
    assert harmless(plain) == plain
    assert harmless(-1) == -1


def test_line_breaks_and_quotes_in_a_tag_stay_in_their_cell() -> None:
    tag = 'first "line"\nsecond, line'
    (row,) = rows([Instance("prod", "", "", "i-0123456789abcdef0", "unknown", name=tag)])
    assert row["name"] == tag


def peak_of(number: int, name: Format) -> int:
    """The most memory that a report of so many instances holds at a time, in bytes."""
    tally = Tally()
    with Path("/dev/null").open("w", encoding="utf-8") as out:
        tracemalloc.start()
        try:
            writer(name)(tally.watch(instances(number)), tally, out, CONTEXT)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("name", ["csv", "json"])
def test_no_instance_is_held_once_it_is_written(name: Format) -> None:
    peak_of(10, name)
    few, many = peak_of(500, name), peak_of(5_000, name)
    assert many < 1.2 * few, (few, many)
    assert many < 500_000, "a fraction of what the instances would take"


def size_of(number: int, name: Format) -> int:
    """The most memory of a process that writes a report of so many instances, in the unit of its system.

    On Linux, `getrusage` counts that of this process too, which the new one was forked from.
    """
    program = f"""
import pathlib, re, resource
from imds_components.report.formats import writer
from imds_components.report.tally import Tally
from tests.support.report_records import CONTEXT, instances
tally = Tally()
with open("/dev/null", "w") as out:
    writer("{name}")(tally.watch(instances({number})), tally, out, CONTEXT)
assert tally.overall.total == {number}
status = pathlib.Path("/proc/self/status")
peak = re.search(r"VmHWM:\\s+(\\d+)", status.read_text()) if status.exists() else None
print(peak[1] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(ran.stdout)


@pytest.mark.parametrize("name", ["csv", "json"])
def test_a_report_of_100_000_instances_needs_no_more_memory_than_one_of_10_000(name: Format) -> None:
    # Measured from outside: tracing each allocation takes three times as long.
    few, many = size_of(10_000, name), size_of(100_000, name)
    assert many < 1.1 * few, (few, many)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("report.html", "html"),
        ("a.b/REPORT.JSON", "json"),
        ("report.sarif", "sarif"),
        ("report.sarif.json", "sarif"),
        ("report.csv", "csv"),
        ("summary.md", "markdown"),
    ],
)
def test_the_format_of_a_file_is_that_of_its_ending(file: str, name: Format) -> None:
    assert format_of(Path(file)) == name
    assert name in FORMATS


def test_a_terminal_gets_markdown() -> None:
    assert format_of(None) == "markdown"


def test_a_file_with_another_ending_needs_a_format() -> None:
    with pytest.raises(ValueError, match=r"--format is missing: report\.txt ends with none of \.html"):
        format_of(Path("report.txt"))


def test_a_format_whose_library_is_missing_says_what_to_install() -> None:
    def missing(_: str) -> Write:
        raise ModuleNotFoundError("No module named 'jinja2.ext'", name="jinja2.ext")

    with pytest.raises(ImdsError) as raised:
        writer("html", load=missing)
    assert str(raised.value) == (
        "--format html needs jinja2, which is not installed: run `pip install 'pulumi-imds[report]'`."
    )


def test_every_record_is_counted_once() -> None:
    tally = Tally()
    assert list(tally.watch(RECORDS)) == list(RECORDS)
    assert tally.overall.total == len([INSTANCE, EXEMPT])
    assert (tally.sources, tally.accounts) == ([SOURCE], [DEFAULTS])
