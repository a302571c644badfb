"""Running other programs to an end: bounded in time, and never left behind."""

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
    """A set-up that cannot go on. Its message is for the person at the terminal: what happened, and what to do."""


def run(
    command: Sequence[str | Path],
    *,
    limit: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    on_tick: Callable[[float], None] | None = None,
) -> str:
    """Run `command` without input and return what it wrote to stdout.

    It gets a process group of its own, which is killed whenever this call does not end well: a compiler started by
    `go` started by us must not outlive us.

    Args:
        command: program and arguments.
        limit: seconds after which it is killed.
        cwd: folder to run in; ours if None.
        env: its environment; ours if None.
        on_tick: called every half minute with the seconds so far.

    Raises:
        SetUpError: it is not there, failed or took too long; with the last lines that it wrote.
    """
    started = monotonic()
    name = Path(command[0]).name
    with _start(command, cwd, env) as process, _killed_unless_done(process):
        try:
            stdout, stderr = _communicate(process, started, limit, on_tick)
        except subprocess.TimeoutExpired as error:
            raise SetUpError(f"{name} did not finish within {limit:g} seconds and was stopped") from error
    if process.returncode != 0:
        said = "\n".join(f"  {line[:_KEPT_COLUMNS]}" for line in (stderr or stdout).strip().splitlines()[-_KEPT_LINES:])
        raise SetUpError(f"{name} failed with exit code {process.returncode}:\n{said}")
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


def end_cleanly_when_told_to() -> None:
    """Turn SIGTERM and SIGHUP into an ordinary exit, which ends what was started and removes what was half-built."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)


def _exit(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
