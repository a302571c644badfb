"""docs/report.md against the code that it describes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from datetime import datetime, timezone
from pathlib import Path

import pytest
import yaml

from imds_components.report.arguments import parse
from imds_components.report.controls import KINDS
from imds_components.report.failing import FAIL_ON
from imds_components.report.formats import FORMATS
from imds_components.report.posture import STATUSES, Record, as_json
from tests.faults.test_live_report import PERMISSIONS
from tests.support.posture import CALLS, EXEMPT, WANTED, account, group, instance, live

PAGE = (Path(__file__).parents[2] / "docs" / "report.md").read_text("utf-8")
FULL: dict[str, Record] = {
    "source": live(
        account="111111111111", region="eu-west-1", at=datetime(2026, 11, 20, tzinfo=timezone.utc), problem="refused"
    ),
    "instance": instance(
        fleet="shop",
        name="web-1",
        instance_state="running",
        wanted={**WANTED, "httpEndpoint": "enabled"},
        pending=True,
        exempt=EXEMPT,
        calls=CALLS,
        autoscaling_group="web",
        operator="eks.amazonaws.com",
        unfinished="throttled",
    ),
    "group": group(fleet="shop"),
    "account": account(unfinished="throttled"),
}


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> Iterator[list[str]]:
    """The cells of the tables in a section, without their heads."""
    for table in re.findall(r"(?:^\|.*\n?)+", section(title), re.MULTILINE):
        for line in table.splitlines()[2:]:
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("kind", FULL)
def test_the_page_has_the_keys_of_each_record_and_no_others(kind: str) -> None:
    record = FULL[kind]
    empty = [each.name for each in fields(record) if each.default is not MISSING and not getattr(record, each.name)]
    assert set(empty) <= {"enforced"}, "the record does not show every key"
    keys = [key for row in rows("Keys of the JSON format") if row[0] in ("all", f"`{kind}`") for key in named(row[1])]
    assert sorted(keys) == sorted(as_json(record))


def test_the_page_has_the_rules_with_their_levels_and_controls() -> None:
    documented = [(*named(rule), level, named(controls)) for rule, level, controls in rows("Alerts in code scanning")]
    assert documented == [(kind.id, kind.level, [each.tag for each in kind.controls]) for kind in KINDS]


def test_the_page_has_every_status_format_and_reason_to_fail() -> None:
    assert {named(row[0])[0] for row in rows("What does each status mean?")} == set(STATUSES)
    assert {named(row[0])[0] for row in rows("Formats")} == set(FORMATS)
    assert {each for row in rows("Fail a job") for each in named(row[0])} - {"--fail-on"} == set(FAIL_ON)


def test_every_command_of_the_page_is_accepted() -> None:
    commands = re.findall(r"^(?:\$ |\s+)?imds-report (.*)$|`imds-report ([^`]+)`", PAGE, re.MULTILINE)
    assert len(commands) > 5
    for command in commands:
        parse("".join(command).replace("'", "").split())


def test_the_page_has_the_permissions_that_a_live_report_is_tested_with_and_those_of_an_upload() -> None:
    (policy,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (statement,) = json.loads(policy)["Statement"]
    assert {*statement["Action"], "sts:AssumeRole"} == {*PERMISSIONS, "ssm:GetParameters"}
    (steps,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert yaml.safe_load(steps)["permissions"]["security-events"] == "write"
