from __future__ import annotations

import os
import select
import sys
from pathlib import Path

import pytest

from benchmarks.comparison.limited import Command, run_within

STARTS_ANOTHER = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""


def python(code: str, folder: Path) -> Command:
    return Command([sys.executable, "-c", code], folder, dict(os.environ))


def ends(process: int) -> bool:
    """A killed process is gone a moment after the call that killed it."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)


def test_a_command_that_ends_in_time_has_its_own_exit_code_and_both_streams(tmp_path: Path) -> None:
    ended = run_within(python("import sys; print('done', flush=True); sys.exit('but badly')", tmp_path), 60)
    assert (ended.exit_code, ended.output) == (1, "done\nbut badly\n")


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux has handles on processes")
def test_a_command_that_takes_too_long_is_killed_with_what_it_started(tmp_path: Path) -> None:
    ended = run_within(python(STARTS_ANOTHER, tmp_path), 2)
    assert ended.exit_code is None
    assert 2 <= ended.seconds < 60
    assert ends(int(ended.output))
