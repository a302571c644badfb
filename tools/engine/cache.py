"""A per-user cache of finished folders: made elsewhere, then renamed, under a lock."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tools.engine.processes import SetUpError

_UNFINISHED = ".unfinished-"


def cache_root(environment: Mapping[str, str], home: Path) -> Path:
    """Where engines are kept: in the user's cache folder, which `XDG_CACHE_HOME` names if it is an absolute path."""
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else home / ".cache") / "pulumi-imds" / "engine"


@contextlib.contextmanager
def locked(file: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold `file` against every other process; the system frees it however the holder ends.

    Args:
        file: made if need be, and left.
        on_wait: called once if another process has it.

    Raises:
        SetUpError: the folder cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = file.open("w")
    except OSError as error:
        raise SetUpError(
            f"{file.parent} cannot be written ({error.strerror}). Set XDG_CACHE_HOME to a folder that can."
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def unfinished_folder(parent: Path) -> Iterator[Path]:
    """A new folder beside the finished ones, removed at the end unless it has been renamed."""
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=parent))
    try:
        yield folder
    finally:
        remove(folder)


def remove_unfinished(parent: Path) -> None:
    """Remove what set-ups that were killed have left. With the lock held, nobody else is at work on it."""
    for folder in parent.glob(f"{_UNFINISHED}*"):
        remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder if it is there, with what is write-protected in it, as Go's module cache is."""
    if not folder.exists():
        return
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o700)
    shutil.rmtree(folder)
