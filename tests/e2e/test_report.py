"""`imds-report` on a stack of the real engine, and on live instances together with a stack's state."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from imds_components.report.__main__ import main
from imds_components.report.pulumi_cli import pulumi_in
from localcloud.client import ACCOUNT, LocalCloud
from tests.e2e.fleet import IN_ORDER, REGION, fleet, instance, member
from tests.support.engine import Stack
from tests.support.states import barrier, row, state, target
from tests.support.states import fleet as fleet_component

PLAIN, EXEMPT, STOPPED, DRIFTED = ALL = IN_ORDER[:4]
SEEN, LEFT, GONE, OTHER = IN_ORDER[4:8]


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


@pytest.fixture
def environment(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """What leads boto3 to the embedded EC2."""
    keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    for name, value in {"AWS_ENDPOINT_URL": cloud.url, **keys, **files}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def exported(tmp_path: Path) -> str:
    """The state of a stack that manages three instances, one of which is exempt."""
    web = fleet_component(exempt=[{"instance": LEFT, "reason": "old agent", "until": "2027-01-31"}])
    recorded = [row(each, parent=web["urn"]) for each in (SEEN, LEFT, GONE)]
    file = tmp_path / "state.json"
    file.write_text(json.dumps(state(web, *recorded, barrier([target(each) for each in (SEEN, LEFT, GONE)]))))
    return str(file)


def reported_live(capsys: pytest.CaptureFixture[str], *given: str) -> dict[str, tuple[str, str]]:
    """The environment and status of each instance in a report."""
    assert main([*given, "--format", "json", "--no-calls"]) == 0
    records: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["records"]
    return {each["instance"]: (each["environment"], each["status"]) for each in records if "instance" in each}


@pytest.mark.usefixtures("environment")
def test_what_is_shown_is_live_and_the_stack_says_what_it_belongs_to(
    cloud: LocalCloud, exported: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.seed([{"id": each, "region": REGION, "tags": {"Team": "web"}} for each in (SEEN, LEFT)])
    cloud.seed([{"id": OTHER, "region": REGION, "options": {"HttpTokens": "required"}}])
    live = ("--live", "--region", REGION)
    assert reported_live(capsys, exported, *live) == {
        SEEN: ("prod", "not-compliant"),
        LEFT: ("prod", "exempt"),
        OTHER: ("default", "compliant"),
    }, "what is recorded of an instance that no longer exists is left out"
    assert reported_live(capsys, exported, *live, "--filter", "tag:Team=web") == {
        SEEN: ("prod", "not-compliant"),
        LEFT: ("prod", "exempt"),
        GONE: ("prod", "compliant"),
    }, "with a filter, nobody knows whether it exists"
    assert {call["account"] for call in cloud.log()} == {ACCOUNT}
