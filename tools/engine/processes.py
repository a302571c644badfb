"""Run other programs with a time limit and leave none of them running."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from types import FrameType

_KEPT_LINES = 20
_KEPT_COLUMNS = 500
_TICK_SECONDS = 30.0


class SetUpError(Exception):
    """Setup failed. The message is for the person at the terminal: what happened, and what to do."""


def run(
    command: Sequence[str | Path],
    *,
    limit: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_tick: Callable[[float], None] | None = None,
) -> str:
    """Run `command` without input and return its stdout.

    It runs in a process group of its own. If this call is interrupted, the whole group is killed, so that the
    compilers that `go` starts do not outlive it.

    Args:
        command: program and arguments.
        limit: seconds after which it is killed.
        cwd: folder to run in; the current one if None.
        env: the whole environment; the current one if None.
        on_tick: called every 30 seconds with the seconds so far.

    Raises:
        SetUpError: it could not be started, failed or took too long. The message ends with its last lines of output.
    """
    started = monotonic()
    name = Path(command[0]).name
    with _start(command, cwd, env) as process, _killed_unless_done(process):
        try:
            stdout, stderr = _communicate(process, started, limit, on_tick)
        except subprocess.TimeoutExpired as error:
            raise SetUpError(f"{name} did not finish within {limit:g} seconds and was stopped") from error
    if process.returncode != 0:
        tail = "\n".join(f"  {line[:_KEPT_COLUMNS]}" for line in (stderr or stdout).strip().splitlines()[-_KEPT_LINES:])
        raise SetUpError(f"{name} failed with exit code {process.returncode}:\n{tail}")
    return stdout


def _start(command: Sequence[str | Path], cwd: Path | None, env: Mapping[str, str] | None) -> "subprocess.Popen[str]":
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            cwd=cwd,
            env=env,
            start_new_session=True,
        )
    except OSError as error:
        raise SetUpError(f"{command[0]} cannot be started: {error.strerror}") from error


def _communicate(
    process: "subprocess.Popen[str]", started: float, limit: float, on_tick: Callable[[float], None] | None
) -> tuple[str, str]:
    while True:
        try:
            return process.communicate(timeout=max(0.0, min(_TICK_SECONDS, started + limit - monotonic())))
        except subprocess.TimeoutExpired:
            spent = monotonic() - started
            if spent >= limit:
                raise
            if on_tick:
                on_tick(spent)


@contextlib.contextmanager
def _killed_unless_done(process: "subprocess.Popen[str]") -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def exit_on_signals() -> None:
    """Turn SIGTERM and SIGHUP into an ordinary exit, so that child processes and unfinished folders are cleaned up."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)


def _exit(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
