"""Where a report goes: a file that is complete or not there, or standard output; and progress on a terminal."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

_CLEAR = "\r\x1b[K"


@contextmanager
def opened(output: Path | None) -> Iterator[TextIO]:
    """A file that takes the place of ``output`` once all is written; without one, standard output.

    Text that no encoding has, such as half a character in a tag, is written with backslashes.

    Raises:
        OSError: it cannot be written.
    """
    if output is None:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
        yield sys.stdout
        sys.stdout.flush()
        return
    if output.exists() and not output.is_file():  # /dev/stdout and the like take no other's place
        with output.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
        return
    target = output.resolve()
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
        Path(name).chmod(target.stat().st_mode & 0o777 if target.exists() else _default_mode())
        Path(name).replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _default_mode() -> int:
    """The mode of a new file of this user's."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


class ProgressLine:
    """One line on a terminal that is written over. Elsewhere, as in a log of CI, only the lines that stay."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._clear = _CLEAR if out.isatty() else ""

    def show(self, line: str) -> None:
        """Show the line in place of the one before."""
        if self._clear:
            self._write(line)

    def keep(self, line: str) -> None:
        """Leave a line above the one that is written over."""
        self._write(f"{line}\n")

    def clear(self) -> None:
        """Leave nothing behind."""
        self._write("")

    def _write(self, text: str) -> None:
        self._out.write(f"{self._clear}{text}")
        self._out.flush()
