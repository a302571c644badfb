"""Run the `pulumi` command that reads stacks, and find their files.

Nothing is decrypted, so no passphrase or key is needed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml

from imds_provider.errors import ImdsError

COMMAND_SECONDS = 120
"""How long one command may take."""

Run = Callable[..., str]
"""Runs `pulumi` with these arguments and returns its output. Raises :class:`PulumiError`."""


class PulumiError(ImdsError):
    """A command of `pulumi` failed, or could not be run."""


def pulumi_in(folder: Path, *, seconds: float = COMMAND_SECONDS) -> Run:
    """Runs the `pulumi` on PATH in a folder."""
    return partial(_run, folder, seconds)


def stack_files(folder: Path) -> list[str]:
    """The names of the stacks that have a file in the project of a folder, as far as they can be found."""
    for parent in (folder.resolve(), *folder.resolve().parents):
        project = parent / "Pulumi.yaml"
        try:
            settings = yaml.safe_load(project.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, yaml.YAMLError):
            return []
        place = settings.get("stackConfigDir") if isinstance(settings, dict) else None
        files = sorted((parent / place if isinstance(place, str) else parent).glob("Pulumi.*.yaml"))
        return [each.name.removeprefix("Pulumi.").removesuffix(".yaml") for each in files]
    return []


def _run(folder: Path, seconds: float, *arguments: str) -> str:
    command = f"`pulumi {' '.join(arguments)}`"
    try:
        ended = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],  # noqa: S607  the one on PATH
            cwd=folder,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise PulumiError(f"{command} had not ended after {seconds:g} s.") from None
    except FileNotFoundError:
        missing = "there is no `pulumi` on PATH" if folder.is_dir() else f"there is no folder {folder}"
        raise PulumiError(f"{missing}, so no stack can be read.") from None
    except OSError as error:
        raise PulumiError(f"{command} could not be run: {error.strerror}.") from None
    if ended.returncode:
        raise PulumiError(f"{command} failed: {_reason(ended.stderr.decode(errors='replace'))}")
    return ended.stdout.decode(errors="replace")


def _reason(output: str) -> str:
    """The error in the output of a command, on one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    at = next((number for number, line in enumerate(lines) if line.startswith("error:")), 0)
    return " ".join(lines[at:]).removeprefix("error:").strip() or "it gave no reason."
