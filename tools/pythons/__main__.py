"""`python -m tools.pythons ARGUMENTS`: pytest with these arguments on every Python from 3.10 on that the machine has.

Each has a virtual environment with the locked packages: the Python that runs this its own, the others one in
`.pythons/`, which is kept. Prints one line for each, then everything that pytest wrote where it failed. The exit code
says whether all passed.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from tools.engine.processes import SetUpError, end_cleanly_when_told_to
from tools.pythons.interpreters import interpreters
from tools.setup_environment import ROOT, set_up

_KEPT = ROOT / ".pythons"
_THIS = ".".join(platform.python_version_tuple()[:2])


@dataclass(frozen=True)
class Result:
    """How the tests ended on one Python, in one line, and all that was written where they failed."""

    passed: bool
    line: str
    details: str = ""


def main(arguments: Sequence[str]) -> int:
    """Run them; the exit code is 0 if they pass on every Python."""
    end_cleanly_when_told_to()
    failed = []
    try:
        for version, python in _pythons().items():
            result = _test(version, python, arguments)
            print(f"Python {version}: {result.line}", flush=True)
            if not result.passed:
                failed.append((version, result))
    except KeyboardInterrupt:
        return 130
    for version, result in failed:
        print(f"\nPython {version}:\n{result.details}", file=sys.stderr)
    return 1 if failed else 0


def _pythons() -> dict[str, Path]:
    # The one that runs this need not be on PATH, and its environment is complete.
    found = {**interpreters(os.environ, Path.home()), _THIS: Path(sys.executable)}
    return dict(sorted(found.items(), key=lambda each: int(each[0].partition(".")[2])))


def _test(version: str, python: Path, arguments: Sequence[str]) -> Result:
    folder = Path(sys.prefix) if version == _THIS else _KEPT / version
    if version != _THIS:
        try:
            set_up(folder, python)
        except SetUpError as error:
            return Result(passed=False, line=f"no environment could be made with {python}", details=str(error))
    started = monotonic()
    ended = subprocess.run(
        [folder / "bin" / "python", "-m", "pytest", *arguments],
        cwd=ROOT,
        # The engine runs the first python3 on PATH.
        env={**os.environ, "PATH": os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    lines = ended.stdout.strip().splitlines()
    counts = lines[-1].strip("= ") if lines else f"pytest wrote nothing in {monotonic() - started:.0f} s"
    word = "passed" if ended.returncode == 0 else f"FAILED with exit code {ended.returncode}"
    return Result(passed=ended.returncode == 0, line=f"{word} ({counts})", details=ended.stdout)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
