"""Versions of Pulumi and Go: the supported and the tested ones, and how to read them from tool output and go.mod."""

import re
from typing import NamedTuple

_VERSION = re.compile(r"(?:^|\bgo|\bv|\s)(\d+)\.(\d+)(?:\.(\d+))?")
_REQUIREMENT = re.compile(r"^(?:require)?[ \t]+(\w\S*)[ \t]+(v\d\S*)", re.MULTILINE)


class Version(NamedTuple):
    """A version without its pre-release part: 3.216.0-alpha.1 counts as 3.216.0."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


class Tested(NamedTuple):
    """An engine and an SDK, and the tests that passed with the two together."""

    engine: Version
    sdk: Version
    tests: str


# The SDK's lower bound in pyproject.toml: an engine is never older than the oldest SDK it has to serve.
OLDEST_ENGINE = Version(3, 216, 0)

TESTED = (
    Tested(Version(3, 274, 1), Version(3, 272, 0), "all"),
    Tested(
        Version(3, 274, 1), Version(3, 216, 0), "make lowest, tests/e2e/test_{attach_example,changes,own_project}.py"
    ),
    Tested(Version(3, 259, 0), Version(3, 272, 0), "all"),
)


def parse(text: str) -> Version | None:
    """The first version in `text`: `v3.259.0`, `3.216.0-alpha.1`, `go1.26` and `Go 1.26.8` are all understood."""
    found = _VERSION.search(text.strip())
    if found is None:
        return None
    major, minor, patch = found.groups()
    return Version(int(major), int(minor), int(patch or 0))


def is_usable_engine(version: Version) -> bool:
    """Whether the SDK works with this engine: the same major version, and not older than `OLDEST_ENGINE`."""
    return version.major == OLDEST_ENGINE.major and version >= OLDEST_ENGINE


def go_required_by(go_mod: str) -> Version:
    """The Go version on the `go` line of a go.mod.

    Raises:
        ValueError: there is no such line.
    """
    line = re.search(r"^go\s+(\S+)", go_mod, re.MULTILINE)
    version = parse(line.group(1)) if line else None
    if version is None:
        raise ValueError("go.mod has no `go` line")
    return version


def requirements(go_mod: str) -> dict[str, str]:
    """The modules that a go.mod requires, direct and indirect, each with its version (`v1.2.3`)."""
    return dict(_REQUIREMENT.findall(go_mod))
