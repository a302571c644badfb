"""A per-user cache of folders. A folder is filled under a temporary name and renamed once it is complete."""

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
    """The folder of all engines, in the user's cache folder. A relative `XDG_CACHE_HOME` is ignored, as XDG asks."""
    named = Path(environment.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else home / ".cache") / "pulumi-imds" / "engine"


@contextlib.contextmanager
def locked(file: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold an exclusive lock on `file`. The kernel releases it however this process ends.

    Args:
        file: created if missing, and never removed.
        on_wait: called once if another process holds the lock.

    Raises:
        SetUpError: the folder is not writable.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = file.open("w")
    except OSError as error:
        raise SetUpError(
            f"{file.parent} is not writable ({error.strerror}). Set XDG_CACHE_HOME to a folder that is."
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
    """A new folder in `parent`, removed on exit unless it has been renamed."""
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=parent))
    try:
        yield folder
    finally:
        remove(folder)


def remove_unfinished(parent: Path) -> None:
    """Remove the unfinished folders of killed runs. Call it with the lock held, so that none is in use."""
    for folder in parent.glob(f"{_UNFINISHED}*"):
        remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder, if it exists, with its write-protected contents: Go's module cache is write-protected."""
    if not folder.exists():
        return
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o700)
    shutil.rmtree(folder)
