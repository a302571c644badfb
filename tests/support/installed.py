"""A Python environment like a user's: a wheel of this project and what that needs, and nothing of this repository."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

EXTRAS = {"aws", "report"}


def install_into_new_environment(wheel: Path, folder: Path) -> Path:
    """Make a virtual environment in `folder`, install the wheel with its extras, and return the site-packages.

    What the wheel needs is linked from the environment of the tests, so it takes seconds and no network. pip checks
    that it is what the wheel requires. Packages that only this project's tests need are not there.
    """
    venv.create(folder, symlinks=True, with_pip=False)
    bases = {"base": str(folder), "platbase": str(folder)}
    for scheme in ("purelib", "platlib"):
        ours, new = Path(sysconfig.get_path(scheme)), Path(sysconfig.get_path(scheme, vars=bases))
        for name in {part for each in _needed() for part in _installed_as(each)}:
            if (ours / name).exists() and not (new / name).exists():
                (new / name).symlink_to(ours / name)
    requirement = f"pulumi-imds[{','.join(sorted(EXTRAS))}] @ {wheel.as_uri()}"
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-index", requirement],
        check=True,
        env=environment,
    )
    return Path(sysconfig.get_path("purelib", vars=bases))


def _needed() -> set[str]:
    """The distributions that this project needs, directly or not, and pip, which every user's environment has."""
    found = {"pip"}
    pending = list(_requirements("pulumi-imds", EXTRAS))
    while pending:
        each = pending.pop()
        if each.name not in found or each.extras:
            found.add(each.name)
            pending += _requirements(each.name, each.extras)
    return found


def _requirements(name: str, extras: set[str]) -> Iterator[Requirement]:
    for each in map(Requirement, distribution(name).requires or ()):
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield each


def _installed_as(name: str) -> set[str]:
    """The names in site-packages that a distribution consists of."""
    return {file.parts[0] for file in distribution(name).files or ()} - {"..", "__pycache__"}
