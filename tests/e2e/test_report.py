"""`imds-report` on a stack of the real engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imds_components.report.__main__ import main
from imds_components.report.pulumi_cli import pulumi_in
from localcloud.client import LocalCloud
from tests.e2e.fleet import IN_ORDER, REGION, fleet, instance, member
from tests.support.engine import Stack

PLAIN, EXEMPT, STOPPED, DRIFTED = ALL = IN_ORDER[:4]
ACCOUNT = "123456789012"


def reported(stack: Stack, capsys: pytest.CaptureFixture[str], *arguments: str, says: str = "") -> list[dict[str, Any]]:
    """The records of a report, and what its command says beside it."""
    assert main([*arguments, "--cwd", str(stack.project), "--format", "json"]) == 0
    shown = capsys.readouterr()
    assert shown.err == says
    records: list[dict[str, Any]] = json.loads(shown.out)["records"]
    return records


def statuses(records: list[dict[str, Any]]) -> dict[str, str]:
    return {each["instance"]: each["status"] for each in records if each["record"] == "instance"}


def test_a_stack_is_reported_as_its_last_update_or_refresh_left_it(
    stack: Stack,
    cloud: LocalCloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in stack.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE")
    cloud.seed([*(member(each) for each in (PLAIN, EXEMPT, DRIFTED))])
    cloud.seed([{**instance(STOPPED, state="stopped"), "tags": {"Team": "web"}}])
    exemption = {"instance": EXEMPT, "reason": "an old agent", "until": "9999-12-31"}
    stack.configure({**fleet(cloud, exemptions=[exemption]), "imds:accountDefaults": {"httpTokens": "required"}})
    (never,) = reported(stack, capsys, "--all-stacks", says="test: it was never updated.\n")
    assert never["result"] == "never"

    stack.up()
    cloud.reset()
    records = reported(stack, capsys, "--stack", "test")
    assert statuses(records) == {
        PLAIN: "compliant",
        DRIFTED: "compliant",
        EXEMPT: "exempt",
        STOPPED: "pending-start",
    }
    by_id = {each.get("instance"): each for each in records}
    assert {tuple(by_id[each][name] for name in ("environment", "fleet", "region", "account")) for each in ALL} == {
        ("test", "web", REGION, ACCOUNT)
    }
    assert by_id[EXEMPT]["exempt"] == {"reason": "an old agent", "until": "9999-12-31"}
    (source,) = (each for each in records if each["record"] == "source")
    assert (source["result"], source["account"], source["region"]) == ("succeeded", ACCOUNT, REGION)
    (account,) = (each for each in records if each["record"] == "account")
    assert (account["defaults"]["httpTokens"], account["enforced"]) == ("required", False)

    cloud.change(DRIFTED, {"options": {"HttpTokens": "optional"}})
    stack.refresh()
    cloud.reset()
    drifted = reported(stack, capsys, "--all-stacks")
    assert statuses(drifted)[DRIFTED] == "not-compliant"
    assert next(each for each in drifted if each.get("instance") == DRIFTED)["wrong"] == ["httpTokens"]

    exported = tmp_path / "exported.json"
    exported.write_text(pulumi_in(stack.project)("stack", "export", "--stack", "test"))
    assert statuses(reported(stack, capsys, str(exported))) == statuses(drifted)
    assert cloud.log() == [], "no call to AWS"
