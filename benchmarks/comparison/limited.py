"""Running a tool for a limited time, whatever it does."""

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
    """A program with its arguments, the folder that it runs in, and its whole environment."""

    arguments: Sequence[str | Path]
    folder: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Ended:
    """How a command ended. The exit code is None if it took too long and was killed; the output is of both streams."""

    seconds: float
    exit_code: int | None
    output: str


def run_within(command: Command, seconds: float) -> Ended:
    """Run the command without input, and kill its process group after so many seconds."""
    written = command.folder / "output.txt"
    # A file, since what outlives the command would keep a pipe open.
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
