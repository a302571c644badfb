"""Read and write the stack files of a project."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from imds_provider.errors import InvalidInputError

from . import yaml_text
from .changes import Change

_FOR_ALL_TO_READ = 0o644


def config_folder(project: Path) -> Path:
    """Return the folder of the project's stack files: ``stackConfigDir`` of its Pulumi.yaml, or its own.

    Raises :class:`InvalidInputError` if there is no project.
    """
    file = project / "Pulumi.yaml"
    if not file.is_file():
        raise InvalidInputError(f"{file} does not exist: run imds-stacks in the folder of the project, or give --to.")
    configured = yaml_text.load(str(file), file.read_text("utf-8")).get("stackConfigDir")
    return project / configured if isinstance(configured, str) else project


def stack_files(folder: Path) -> dict[str, str]:
    """Return the texts of the stack files by file name; none if the folder does not exist yet."""
    return {
        file.name: file.read_text("utf-8")
        for file in sorted(folder.glob("Pulumi.*.yaml"))
        if not file.name.endswith(".deploy.yaml")  # settings of Pulumi Deployments
    }


def write(folder: Path, change: Change) -> None:
    """Write a file completely or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{change.file}.", dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(change.after)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(_FOR_ALL_TO_READ)
        Path(temporary).replace(folder / change.file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
