"""Ctrl-C during a wait for options that are never applied."""

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
from tests.kill.stack import FOREVER_SECONDS, PENDING_SECONDS, UP, KillableStack
from tests.support import processes
from tests.support.engine import find_engine

TIMEOUT_SECONDS = 4
ENDING_SECONDS = 10.0
"""How long Pulumi may take to exit once nothing is in flight, including 5 s that it gives the program."""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[KillableStack]:
    find_engine()
    with LocalCloud.start() as cloud:
        stack = KillableStack(tmp_path, cloud)
        stack.plan("create", timeout_seconds=TIMEOUT_SECONDS)
        cloud.settings(pending=FOREVER_SECONDS)
        yield stack


def up_until_it_waits(stack: KillableStack, process: subprocess.Popen[bytes]) -> list[processes.Process]:
    polls = CALLS["first-poll"].nth
    stack.until(lambda: len(stack.cloud.log("DescribeInstances")) >= polls, process, "the run never began to wait")
    return processes.family(process.pid)


def repaired(stack: KillableStack) -> None:
    stack.cloud.settings(pending=PENDING_SECONDS)
    stack.cloud.advance(FOREVER_SECONDS)
    repair(stack, after_death_of_engine=False)
    check(stack)


def test_one_ctrl_c_ends_the_run_within_the_timeout_of_the_resource(stack: KillableStack) -> None:
    with stack.pulumi.start(*UP) as process:
        family = up_until_it_waits(stack, process)
        interrupted = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        stack.pulumi.wait(process, TIMEOUT_SECONDS + ENDING_SECONDS)
        stack.until_ended(family)
        assert time.monotonic() - interrupted < TIMEOUT_SECONDS + ENDING_SECONDS
    assert f"within {TIMEOUT_SECONDS} s" in stack.pulumi.output(), "the wait itself has ended"
    assert process.returncode != 0
    repaired(stack)


def test_a_second_ctrl_c_ends_the_run_at_once_and_leaves_no_process(stack: KillableStack) -> None:
    stack.plan("create", timeout_seconds=600)
    with stack.pulumi.start(*UP) as process:
        family = up_until_it_waits(stack, process)
        os.killpg(process.pid, signal.SIGINT)
        stack.until(lambda: "press ^C again" in stack.pulumi.output(), process, "Pulumi did not react to the first one")
        os.killpg(process.pid, signal.SIGINT)
        stack.pulumi.wait(process, ENDING_SECONDS)
        stack.until_ended(family)
    assert process.returncode != 0
    repaired(stack)
