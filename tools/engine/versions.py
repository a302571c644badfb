"""Versions of Pulumi and Go: reading them out of what the tools and go.mod say, and comparing them."""

import re
from typing import NamedTuple

_VERSION = re.compile(r"(?:^|\bgo|\bv|\s)(\d+)\.(\d+)(?:\.(\d+))?")


class Version(NamedTuple):
    """A version without its pre-release part: a pre-release of 3.216.0 has what 3.216.0 has."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


# The SDK's lower bound in pyproject.toml: an engine is never older than the oldest SDK that it is to serve.
OLDEST_ENGINE = Version(3, 216, 0)


def parse(text: str) -> Version | None:
    """The first version in `text`, which may look like `v3.259.0`, `3.216.0-alpha.1`, `go1.26` or `Go 1.26.8`."""
    found = _VERSION.search(text.strip())
    if found is None:
        return None
    major, minor, patch = found.groups()
    return Version(int(major), int(minor), int(patch or 0))


def is_usable_engine(version: Version) -> bool:
    """Whether the SDK works with this engine: at least `OLDEST_ENGINE`, and of the same major version."""
    return version.major == OLDEST_ENGINE.major and version >= OLDEST_ENGINE


def go_required_by(go_mod: str) -> Version:
    """The Go version that the `go` line of a go.mod asks for.

    Raises:
        ValueError: there is no such line.
    """
    line = re.search(r"^go\s+(\S+)", go_mod, re.MULTILINE)
    version = parse(line.group(1)) if line else None
    if version is None:
        raise ValueError("go.mod has no `go` line")
    return version


def version_required_by(go_mod: str, module: str) -> str:
    """The version of `module` as a go.mod requires it, with its leading `v`.

    Raises:
        ValueError: it is not required there.
    """
    line = re.search(rf"^(?:require)?\s+{re.escape(module)}\s+(v\S+)", go_mod, re.MULTILINE)
    if line is None:
        raise ValueError(f"go.mod does not require {module}")
    return line.group(1)
