"""A virtual environment for each of the other tools, created once in the user's cache."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.engine.cache import cache_root, locked
from tools.engine.processes import run

if TYPE_CHECKING:
    from collections.abc import Sequence

_CREATION_SECONDS = 300.0
_INSTALLATION_SECONDS = 1800.0


def python_with(name: str, requirements: Sequence[str]) -> Path:
    """Create an environment with the requirements, unless it exists, and return its Python.

    Args:
        name: of the environment, in the cache and in messages.
        requirements: pip requirements with versions. A different list gets a different environment.

    Raises:
        SetUpError: it cannot be created.
    """
    key = hashlib.sha256("\n".join([platform.python_version(), *requirements]).encode()).hexdigest()[:16]
    root = cache_root(os.environ, Path.home()).with_name("benchmark")
    folder = root / f"{name}-{key}"
    python, complete = folder / "bin" / "python", folder / ".complete"
    with locked(root / ".lock", lambda: _log("waiting for another benchmark to finish its setup ...")):
        if not complete.exists():
            _log(f"installing {name} into its own environment, once ...")
            run([sys.executable, "-m", "venv", "--clear", folder], limit=_CREATION_SECONDS)
            run(
                [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
                limit=_INSTALLATION_SECONDS,
                env={**os.environ, "PIP_USER": "0"},
            )
            complete.touch()
    return python


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
