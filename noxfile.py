"""`make pythons` and `make lowest`: pytest on every supported Python, and with the oldest supported dependencies."""

from collections.abc import Collection
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2026"
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["quick"]

ROOT = Path(__file__).parent
# What an installation consists of. The other levels test the embedded EC2, or the engine, which SDKs come with.
INSTALLED = ("tests/pure", "tests/components", "tests/host")
THEIR_TOOLS = (
    "flask",
    "flask-cors",
    "hatchling",
    "hypothesis",
    "jsonschema",
    "markdown-it-py",
    "moto",
    "nox",
    "pytest",
    "pytest-xdist",
)


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.14"])
def quick(session: nox.Session) -> None:
    """Run pytest in an environment of the locked packages, on every Python that is on PATH."""
    _install_locked(session)
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the tests of what is installed with the lowest version that `pyproject.toml` allows of each dependency.

    The tools of these tests have their locked versions. What any of them needs in turn is left to pip, since most of it
    is locked for newer dependencies.
    """
    session.install(*lowest_versions(), *locked_versions(THEIR_TOOLS))
    _install_this(session)
    session.run("python", "-m", "pip", "check")
    session.run("python", "-m", "pytest", *session.posargs, *INSTALLED)


def lowest_versions() -> list[str]:
    """Each dependency of the package and its extras, pinned to its lower bound."""
    project = nox.project.load_toml(ROOT / "pyproject.toml")["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    requirements = [Requirement(each) for group in groups for each in group]
    return [
        f"{each.name}=={bound.version}" for each in requirements for bound in each.specifier if bound.operator == ">="
    ]


def locked_versions(names: Collection[str]) -> list[str]:
    """The lines of `requirements.txt` for these packages, without the hashes."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.rstrip(" \\") for line in lines if line.partition("==")[0] in names]


def _install_locked(session: nox.Session) -> None:
    session.install("--require-hashes", "--requirement", "requirements.txt")
    _install_this(session)


def _install_this(session: nox.Session) -> None:
    session.install("--no-deps", "--no-build-isolation", "--editable", ".")
