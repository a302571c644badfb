"""`python -m tests.contract`: write the fixture of the version in pyproject.toml, from this code."""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from tests.contract.release import FIXTURES, make


def main() -> int:
    this = version("pulumi-imds")
    with tempfile.TemporaryDirectory(prefix="pulumi-imds-contract-") as home:
        make(this, Path(home)).keep()
    print(FIXTURES / this)
    return 0


if __name__ == "__main__":
    sys.exit(main())
