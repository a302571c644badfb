"""Virtual environments of their own for other people's tools, made once in the user's cache."""

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

_MAKING_SECONDS = 300.0
_INSTALLING_SECONDS = 1800.0


def python_with(name: str, requirements: Sequence[str]) -> Path:
    """The Python of an environment in which the requirements are installed.

    Args:
        name: what the environment is called in the cache and in messages.
        requirements: as pip takes them, with their versions: another list is another environment.

    Raises:
        SetUpError: it cannot be made.
    """
    key = hashlib.sha256("\n".join([platform.python_version(), *requirements]).encode()).hexdigest()[:16]
    root = cache_root(os.environ, Path.home()).with_name("benchmark")
    folder = root / f"{name}-{key}"
    python, complete = folder / "bin" / "python", folder / ".complete"
    with locked(root / ".lock", lambda: _say("waiting for another benchmark to end its set-up ...")):
        if not complete.exists():
            _say(f"installing {name} into an environment of its own, once ...")
            run([sys.executable, "-m", "venv", "--clear", folder], limit=_MAKING_SECONDS)
            run(
                [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
                limit=_INSTALLING_SECONDS,
                env={**os.environ, "PIP_USER": "0"},
            )
            complete.touch()
    return python


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
