"""Ctrl-C while instances are waited for that never get their options applied."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.client import LocalCloud
from tests.kill.kill_points import CALLS
from tests.kill.repairs import check, repair
from tests.kill.stack import FOREVER_SECONDS, PENDING_SECONDS, UP, Scene
from tests.support import processes
from tests.support.engine import find_engine

TIMEOUT_SECONDS = 4
ENDING_SECONDS = 10.0
"""What Pulumi takes to end once nothing is under way any more; its own grace for a program is 5 s."""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    find_engine()
    with LocalCloud.start() as cloud:
        scene = Scene(tmp_path, cloud)
        scene.want("create", timeout_seconds=TIMEOUT_SECONDS)
        cloud.settings(pending=FOREVER_SECONDS)
        yield scene


def up_until_it_waits(scene: Scene, process: subprocess.Popen[bytes]) -> list[processes.Process]:
    polls = CALLS["first-poll"].nth
    scene.until(lambda: len(scene.cloud.log("DescribeInstances")) >= polls, process, "it never came to wait")
    return processes.family(process.pid)


def repaired(scene: Scene) -> None:
    scene.cloud.settings(pending=PENDING_SECONDS)
    scene.cloud.advance(FOREVER_SECONDS)
    repair(scene, after_death_of_engine=False)
    check(scene)


def test_once_ends_the_run_within_the_timeout_of_the_resource(scene: Scene) -> None:
    with scene.pulumi.start(*UP) as process:
        family = up_until_it_waits(scene, process)
        interrupted = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        scene.pulumi.wait(process, TIMEOUT_SECONDS + ENDING_SECONDS)
        scene.until_ended(family)
        assert time.monotonic() - interrupted < TIMEOUT_SECONDS + ENDING_SECONDS
    assert f"within {TIMEOUT_SECONDS} s" in scene.pulumi.said(), "the wait itself has come to its end"
    assert process.returncode != 0
    repaired(scene)


def test_twice_ends_the_run_at_once_and_leaves_no_process(scene: Scene) -> None:
    scene.want("create", timeout_seconds=600)
    with scene.pulumi.start(*UP) as process:
        family = up_until_it_waits(scene, process)
        os.killpg(process.pid, signal.SIGINT)
        scene.until(lambda: "press ^C again" in scene.pulumi.said(), process, "Pulumi did not hear the first one")
        os.killpg(process.pid, signal.SIGINT)
        scene.pulumi.wait(process, ENDING_SECONDS)
        scene.until_ended(family)
    assert process.returncode != 0
    repaired(scene)
