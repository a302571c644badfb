"""What the engine is built from, and the key of the cache that follows from it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.engine.versions import version_required_by

HERE = Path(__file__).resolve().parent
SDK = "github.com/pulumi/pulumi/sdk/v3"
_CLI = "github.com/pulumi/pulumi/pkg/v3"


@dataclass(frozen=True)
class Binary:
    """One program to build: in which of our Go modules (a folder), and from which package."""

    name: str
    module: Path
    package: str
    link_flags: str


@dataclass(frozen=True)
class Script:
    """One program that the SDK's Go module carries as a ready file: its path in the module."""

    name: str
    path: str


def binaries() -> tuple[Binary, ...]:
    """The engine, which must be told its version, and the Python language host."""
    version = version_required_by((HERE / "go.mod").read_text(), _CLI)
    return (
        Binary("pulumi", HERE, f"{_CLI}/cmd/pulumi", f"-s -w -X {SDK}/go/common/version.Version={version}"),
        Binary("pulumi-language-python", HERE / "language_host", f"{SDK}/python/cmd/pulumi-language-python", "-s -w"),
    )


SCRIPTS = (
    Script("pulumi-resource-pulumi-python", "python/dist/pulumi-resource-pulumi-python"),
    Script("pulumi-language-python-exec", "python/cmd/pulumi-language-python-exec"),
)


def build_arguments(binary: Binary, target: Path) -> tuple[str, ...]:
    """The arguments of `go` that build `binary` into `target`; go.mod and go.sum are never changed by it."""
    return (
        "build",
        "-mod=readonly",
        "-buildvcs=false",
        "-trimpath",
        "-ldflags",
        binary.link_flags,
        "-o",
        str(target),
        binary.package,
    )


def cache_key(sources: Mapping[str, bytes], recipe: Sequence[str], machine: str) -> str:
    """A short name for the one result of these sources, built by this recipe, for this machine.

    Args:
        sources: content of the files that pin what is built, by name.
        recipe: how it is built, in words that change when the result would.
        machine: operating system and processor; a home folder may be shared between several.
    """
    made_from = repr((machine, list(recipe), sorted(sources.items())))
    return hashlib.sha256(made_from.encode()).hexdigest()[:16]


def current_key(machine: str) -> str:
    """The cache key of what this checkout builds on `machine`."""
    sources = {
        str(path.relative_to(HERE)): path.read_bytes()
        for module in (HERE, HERE / "language_host")
        for path in (module / "go.mod", module / "go.sum")
    }
    recipe = [" ".join(build_arguments(binary, Path(binary.name))) for binary in binaries()]
    return cache_key(sources, [*recipe, *(script.path for script in SCRIPTS)], machine)
