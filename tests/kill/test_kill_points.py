"""A few of the kill points; `python -m tests.kill` runs all of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from localcloud.client import LocalCloud
from tests.kill.__main__ import run
from tests.kill.kill_points import CALLS, CALLS_OF, MODIFY, MODIFY_DEFAULTS, OPERATIONS, KillPoint, chains
from tests.kill.repairs import check
from tests.kill.stack import FOREVER_SECONDS, KillableStack
from tests.support.engine import find_engine

SOME = [
    "host/create/modify-a/unanswered",
    "host/update/first-poll/answered",
    "engine/create/modify-account/unanswered",
    "engine/create/modify-b/unsent",
    "engine/update/modify-a/unanswered",
    "engine/delete/poll-account/unanswered",
]


@pytest.fixture(autouse=True)
def _engine() -> None:
    find_engine()


def test_a_run_that_is_killed_is_repaired_by_one_up(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [KillPoint.parse(each) for each in SOME]
    repaired, violated = run(chains(chosen), workers=2)
    assert not violated, capsys.readouterr().out
    assert {each.kill_point for each in repaired} == set(chosen)


def test_every_call_of_an_operation_has_kill_points(tmp_path: Path) -> None:
    with LocalCloud.start() as cloud:
        stack = KillableStack(tmp_path, cloud)
        for operation in OPERATIONS:
            stack.plan(operation)
            cloud.reset()
            assert stack.up().code == 0
            made = Counter((each["action"], each["params"].get("InstanceId")) for each in cloud.log())
            expected = Counter((CALLS[name].action, CALLS[name].instance) for name in CALLS_OF[operation])
            assert made.keys() == expected.keys()
            assert modifications(made) == modifications(expected), "reads may be repeated, modifications never"
            cloud.advance(FOREVER_SECONDS)  # a component does not wait for a restore
            check(stack)


def modifications(calls: Counter[tuple[str, str | None]]) -> dict[tuple[str, str | None], int]:
    return {call: count for call, count in calls.items() if call[0] in (MODIFY, MODIFY_DEFAULTS)}


def test_the_host_exits_with_its_engine_while_ec2_never_answers_and_pulumi_has_commands_for_what_is_left(
    tmp_path: Path,
) -> None:
    with LocalCloud.start() as cloud:
        stack = KillableStack(tmp_path, cloud)
        stack.plan("create")
        killed = stack.kill(KillPoint.parse("engine/create/modify-a/unanswered"), hold_seconds=40, end_seconds=15)
        assert killed.seconds_until_all_had_ended < 15, "what has been sent cannot be taken back, but is not sent again"
        refused = stack.up()
        assert refused.code != 0
        assert "pulumi cancel" in refused.text

        stack.pulumi.run("cancel", "--yes", succeeds=True)
        pending = stack.pending_operations()
        assert pending > 0
        assert f"{pending} pending operations" in stack.up().text
        check(stack)
        stack.pulumi.run("refresh", "--clear-pending-creates", "--yes", "--skip-preview", succeeds=True)
        assert "pending operations" not in stack.up().text
