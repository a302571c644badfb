"""How the last update of a stack ended."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from imds_components.report.last_update import judge_update
from imds_components.report.state import State
from tests.support.states import row, state

A = f"i-{'a' * 17}"
ENDED = datetime(2026, 11, 25, 4, 0, tzinfo=timezone.utc)


def entry(result: str = "succeeded", config: object = None) -> dict[str, Any]:
    return {"kind": "update", "result": result, "endTime": "2026-11-25T04:00:00.000Z", "config": config or {}}


def parsed(**given: Any) -> State:  # noqa: ANN401  JSON
    return State.parse(state(row(A), **given))


def test_an_update_that_succeeded_says_when() -> None:
    found = judge_update(parsed(), [entry()])
    assert (found.result, found.at, found.problem) == ("succeeded", ENDED, "")


def test_an_update_that_failed_says_that_something_is_missing() -> None:
    found = judge_update(parsed(), [entry("failed")])
    assert (found.result, found.at) == ("failed", ENDED)
    assert found.problem == "the last update failed, so what it did not get to is missing or out of date."


@pytest.mark.parametrize("history", [[], [entry()], [entry("failed")]])
def test_an_update_that_was_killed_shows_by_its_pending_operations(history: list[object]) -> None:
    found = judge_update(parsed(pending=[row(A)] * 5), history)
    assert found.result == "interrupted"
    assert f"creating web-{A}, creating web-{A}, creating web-{A} and 2 more not completed" in found.problem


def test_an_update_that_was_killed_between_operations_shows_by_a_state_that_is_newer() -> None:
    newer = parsed(at="2026-11-25T04:01:01.123456789Z")
    assert judge_update(newer, [entry()]).result == "interrupted"
    assert judge_update(parsed(at="2026-11-25T04:00:59Z"), [entry()]).result == "succeeded"


def test_an_update_in_progress_is_running() -> None:
    pending = parsed(pending=[row(A)])
    assert judge_update(pending, [entry()], in_progress=True).result == "running"
    assert judge_update(pending, [entry("in-progress")]).result == "running"


def test_a_stack_that_was_never_updated_says_so() -> None:
    empty = judge_update(State.parse({"deployment": {"manifest": {}}}), [])
    assert (empty.result, empty.at, empty.problem) == ("never", None, "it was never updated.")
    imported = judge_update(parsed(), [])
    assert imported.result == "never"
    assert "no update is recorded, though there are resources" in imported.problem


@pytest.mark.parametrize(
    ("config", "account"),
    [
        ({"aws:allowedAccountIds": {"value": '["123456789012"]', "objectValue": ["123456789012"]}}, "123456789012"),
        ({"aws:allowedAccountIds": {"value": '["123456789012"]'}}, "123456789012"),
        ({"aws:allowedAccountIds": {"objectValue": ["123456789012", "210987654321"]}}, ""),
        ({"aws:assumeRoles": {"objectValue": [{"roleArn": "arn:aws:iam::210987654321:role/a/b"}]}}, "210987654321"),
        ({"aws:assumeRoles": {"secret": True}}, ""),
        ({"aws:allowedAccountIds": {"value": "[broken"}}, ""),
        ({}, ""),
    ],
)
def test_the_account_and_region_are_those_of_its_configuration(config: dict[str, object], account: str) -> None:
    with_region = {**config, "aws:region": {"value": "eu-west-1", "secret": False}}
    found = judge_update(parsed(), [entry(config=json.loads(json.dumps(with_region)))])
    assert (found.account, found.region) == (account, "eu-west-1")
