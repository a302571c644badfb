"""Virtual environments: made once, brought up to date when what is locked changes, and left alone otherwise.

`python -m tools.setup_environment` makes `.venv` with the Python that runs it, and needs its standard library alone;
`python -m tools.setup_environment policy` makes that of the policy pack.
"""

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.engine.cache import locked
from tools.engine.processes import SetUpError, exit_on_signals, run

ROOT = Path(__file__).resolve().parent.parent
_COMPLETE = ".complete"  # what the Makefile waits for
_MAKING_SECONDS = 300.0
_INSTALLING_SECONDS = 3600.0


@dataclass(frozen=True)
class Environment:
    """A virtual environment of this repository: its folder, and the file of the packages that are locked for it."""

    venv: Path
    requirements: str

    @property
    def wanted(self) -> str:
        """What it is made from, in short."""
        sources = (ROOT / each for each in (self.requirements, "pyproject.toml"))
        return hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()


ENVIRONMENTS = {
    "project": Environment(ROOT / ".venv", "requirements.txt"),
    # Apart, since pulumi-policy needs an older protobuf than the project's linters and tests.
    "policy": Environment(ROOT / "policy" / ".venv", "policy/requirements.txt"),
}


def main(name: str = "project") -> int:
    """Set an environment up; the exit code says whether it is complete."""
    exit_on_signals()
    try:
        set_up(ENVIRONMENTS[name], Path(sys.executable))
    except SetUpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def set_up(environment: Environment, python: Path) -> None:
    """Bring an environment to the locked packages. If need be it is made, with `python`.

    Raises:
        SetUpError: it cannot be made, or the packages cannot be installed.
    """
    with locked(ROOT / ".setup.lock", lambda: _say("waiting for another set-up to end ...")):
        _set_up(environment, python)


def _set_up(environment: Environment, python: Path) -> None:
    venv, wanted = environment.venv, environment.wanted
    name = os.path.relpath(venv, ROOT)
    complete = venv / _COMPLETE
    runs = _runs(venv)
    if runs and complete.exists() and complete.read_text() == wanted:
        complete.touch()
        return
    if not runs:
        _say(f"making {name} with {python} ...")
        run([python, "-m", "venv", "--clear", venv], limit=_MAKING_SECONDS)
    _say(f"installing the locked packages into {name}, once, about a minute ...")
    complete.unlink(missing_ok=True)
    _pip(venv, "--require-hashes", "--requirement", environment.requirements)
    _pip(venv, "--no-deps", "--no-build-isolation", "--editable", ".")
    complete.write_text(wanted)


def _runs(venv: Path) -> bool:
    try:
        run([_python(venv), "-m", "pip", "--version"], limit=_MAKING_SECONDS)
    except SetUpError:
        return False
    return True


def _pip(venv: Path, *arguments: str) -> None:
    run(
        [_python(venv), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments],
        limit=_INSTALLING_SECONDS,
        cwd=ROOT,
        env={**os.environ, "PIP_USER": "0"},
        on_tick=lambda seconds: _say(f"  still installing, {seconds:.0f} s"),
    )


def _python(venv: Path) -> Path:
    return venv / "bin" / "python"


def _say(line: str) -> None:
    print(f"setup: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
