"""`.venv`: made once, brought up to date when what is locked changes, and left alone otherwise.

Runs with the Python that the virtual environment is to have, and needs its standard library alone.
"""

import hashlib
import os
import platform
import sys
from pathlib import Path

from tools.engine.cache import locked
from tools.engine.processes import SetUpError, end_cleanly_when_told_to, run

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
_PYTHON = VENV / "bin" / "python"
_COMPLETE = VENV / ".complete"  # what the Makefile waits for
_LOCKED = "requirements.txt"
_MAKING_SECONDS = 300.0
_INSTALLING_SECONDS = 3600.0


def main() -> int:
    """Set `.venv` up; the exit code says whether it is complete."""
    end_cleanly_when_told_to()
    try:
        with locked(ROOT / ".setup.lock", lambda: _say("waiting for another set-up to end ...")):
            _set_up()
    except SetUpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _set_up() -> None:
    wanted = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in (_LOCKED, "pyproject.toml"))).hexdigest()
    runs = _runs()
    if runs and _COMPLETE.exists() and _COMPLETE.read_text() == wanted:
        _COMPLETE.touch()
        return
    if not runs:
        _say(f"making .venv with Python {platform.python_version()} ...")
        run([sys.executable, "-m", "venv", "--clear", VENV], limit=_MAKING_SECONDS)
    _say("installing the locked packages into .venv, once, about a minute ...")
    _COMPLETE.unlink(missing_ok=True)
    _pip("--require-hashes", "--requirement", _LOCKED)
    _pip("--no-deps", "--no-build-isolation", "--editable", ".")
    _COMPLETE.write_text(wanted)


def _runs() -> bool:
    try:
        run([_PYTHON, "-m", "pip", "--version"], limit=_MAKING_SECONDS)
    except SetUpError:
        return False
    return True


def _pip(*arguments: str) -> None:
    run(
        [_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments],
        limit=_INSTALLING_SECONDS,
        cwd=ROOT,
        env={**os.environ, "PIP_USER": "0"},
        on_tick=lambda seconds: _say(f"  still installing, {seconds:.0f} s"),
    )


def _say(line: str) -> None:
    print(f"setup: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
