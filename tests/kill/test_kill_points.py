"""A few of the boundaries; `python -m tests.kill` goes through every one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from localcloud.client import LocalCloud
from tests.kill.__main__ import run
from tests.kill.kill_points import CALLS, CALLS_OF, MODIFY, OPERATIONS, Boundary, chains
from tests.kill.repairs import check
from tests.kill.stack import Scene
from tests.support.engine import find_engine

SOME = [
    "host/create/modify-a/unanswered",
    "host/update/first-poll/answered",
    "engine/create/modify-b/unsent",
    "engine/update/modify-a/unanswered",
]


@pytest.fixture(autouse=True)
def _engine() -> None:
    find_engine()


def test_what_is_killed_at_a_call_is_repaired_by_one_up(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [Boundary.parse(each) for each in SOME]
    repaired, violated = run(chains(chosen), workers=2)
    assert not violated, capsys.readouterr().out
    assert {each.boundary for each in repaired} == set(chosen)


def test_every_call_of_an_operation_has_its_boundaries(tmp_path: Path) -> None:
    with LocalCloud.start() as cloud:
        scene = Scene(tmp_path, cloud)
        for operation in OPERATIONS:
            scene.want(operation)
            cloud.reset()
            assert scene.up().code == 0
            made = Counter((each["action"], each["params"].get("InstanceId")) for each in cloud.log())
            expected = Counter((CALLS[name].action, CALLS[name].instance) for name in CALLS_OF[operation])
            assert made.keys() == expected.keys()
            assert {call: count for call, count in made.items() if call[0] == MODIFY} == {
                call: count for call, count in expected.items() if call[0] == MODIFY
            }, "describes may be repeated, modifications never"


def test_an_engine_killed_while_ec2_never_answers_takes_the_host_along_and_leaves_what_pulumi_has_commands_for(
    tmp_path: Path,
) -> None:
    with LocalCloud.start() as cloud:
        scene = Scene(tmp_path, cloud)
        scene.want("create")
        cut = scene.cut(Boundary.parse("engine/create/modify-a/unanswered"), hold_seconds=40, end_seconds=15)
        assert cut.seconds_until_all_had_ended < 15, "what has been sent cannot be taken back, but is not sent again"
        refused = scene.up()
        assert refused.code != 0
        assert "pulumi cancel" in refused.text

        scene.pulumi.run("cancel", "--yes", done=True)
        pending = scene.pending_operations()
        assert pending > 0
        assert f"{pending} pending operations" in scene.up().text
        check(scene)
        scene.pulumi.run("refresh", "--clear-pending-creates", "--yes", "--skip-preview", done=True)
        assert "pending operations" not in scene.up().text
