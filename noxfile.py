"""`make pythons`, or `nox -- ARGUMENTS`: pytest on every supported Python that is on PATH."""

import nox

nox.needs_version = ">=2026"
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.14"])
def quick(session: nox.Session) -> None:
    """Run pytest in an environment of the locked packages."""
    session.install("--require-hashes", "--requirement", "requirements.txt")
    session.install("--no-deps", "--no-build-isolation", "--editable", ".")
    session.run("python", "-m", "pytest", *session.posargs)
