"""Which Pythons there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

MINORS = range(10, 30)
"""Of Python 3, those that this project runs on."""
_STARTING_SECONDS = 60.0


def interpreters(environment: Mapping[str, str], home: Path) -> dict[str, Path]:
    """One Python of each minor version from 3.10 on, by that version: the first on PATH, else pyenv's or uv's newest.

    Args:
        environment: names PATH, and PYENV_ROOT and UV_PYTHON_INSTALL_DIR where they are not the usual folders.
        home: the user's home folder.
    """
    found: dict[str, Path] = {}
    for minor in MINORS:
        version = f"3.{minor}"
        usable = (each for each in _candidates(version, environment, home) if _is(version, each))
        if first := next(usable, None):
            found[version] = first
    return found


def _candidates(version: str, environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    name = f"python{version}"
    if on_path := shutil.which(name, path=environment.get("PATH", "")):
        yield Path(on_path)
    pyenv = Path(environment.get("PYENV_ROOT", home / ".pyenv")) / "versions"
    uv = Path(environment.get("UV_PYTHON_INSTALL_DIR", home / ".local" / "share" / "uv" / "python"))
    for kept in (pyenv, uv):
        yield from sorted(kept.glob(f"*/bin/{name}"), key=_patch, reverse=True)


def _patch(python: Path) -> list[int]:
    """The numbers in the name of the folder that a Python is kept in, as in ``3.12.10``."""
    return [int(each) for each in re.findall(r"\d+", python.parent.parent.name)]


def _is(version: str, python: Path) -> bool:
    """Whether it runs: a shim of pyenv is on PATH also for versions that are not to be used here."""
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [python, "-c", script], capture_output=True, text=True, check=False, timeout=_STARTING_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version
