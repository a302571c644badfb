"""Run a tool with a time limit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Command:
    """A program with its arguments, its folder, and its whole environment."""

    arguments: Sequence[str | Path]
    folder: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Ended:
    """How a command ended. The exit code is None if it was killed at the time limit; the output has both streams."""

    seconds: float
    exit_code: int | None
    output: str


def run_within(command: Command, seconds: float) -> Ended:
    """Run the command without input, and kill its process group after `seconds`."""
    written = command.folder / "output.txt"
    # A file, since a child process that outlives the command would keep a pipe open.
    with written.open("wb") as output:
        started = time.monotonic()
        with subprocess.Popen(
            list(command.arguments),
            cwd=command.folder,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            exit_code = _wait(process, seconds)
        spent = time.monotonic() - started
    return Ended(spent, exit_code, written.read_text(errors="replace"))


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
