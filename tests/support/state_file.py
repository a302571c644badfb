"""The state of a stack as Pulumi's file backend keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def state_file(backend: Path, stack: str) -> Path:
    """The file of the stack, which the backend keeps below the name of its project."""
    (file,) = backend.glob(f".pulumi/stacks/*/{stack}.json")
    return file


def checkpoint(backend: Path, stack: str) -> Mapping[str, Any]:
    """The latest checkpoint: ``resources``, and ``pending_operations`` of a run that was killed."""
    latest: Mapping[str, Any] | None = json.loads(state_file(backend, stack).read_text())["checkpoint"]["latest"]
    return latest or {}
