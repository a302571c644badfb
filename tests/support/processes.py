"""The processes of this machine: who descends from whom, and who is left."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process that has not ended, by its id."""

    pid: int
    parent: int
    command: str


def table() -> dict[int, Process]:
    """Every process that has not ended, by its id."""
    found = _from_proc() if (_PROC / "self" / "stat").exists() else _from_ps()
    return {each.pid: each for each in found}


def family(pid: int) -> list[Process]:
    """The process and all that descend from it."""
    everyone = table()
    found = [everyone[pid]] if pid in everyone else []
    for member in found:
        found += [each for each in everyone.values() if each.parent == member.pid]
    return found


def left(processes: Iterable[Process]) -> list[Process]:
    """Those of the processes that have not ended, whoever their parent is by now."""
    everyone: Mapping[int, Process] = table()
    return [each for each in processes if each.pid in everyone and everyone[each.pid].command == each.command]


def kill(processes: Iterable[Process]) -> None:
    """Kill them, those aside that have ended by themselves."""
    for each in processes:
        with suppress(ProcessLookupError):
            os.kill(each.pid, signal.SIGKILL)


def _from_proc() -> Iterator[Process]:
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # Behind the name in parentheses: the state, the parent.
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (folder / "cmdline").read_text(errors="replace").replace("\0", " ").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        if state != "Z":
            yield Process(int(folder.name), int(parent), command)


def _from_ps() -> Iterator[Process]:
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat=,args="],  # noqa: S607  wherever the system has it
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    for line in listing.stdout.splitlines():
        pid, parent, state, *command = line.split(maxsplit=3)
        if not state.startswith("Z"):
            yield Process(int(pid), int(parent), " ".join(command))
