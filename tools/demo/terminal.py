"""The demo's terminal: commands with their output, and checks of what they did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from localcloud.client import LocalCloud
from tools.sandbox import ROOT, environment

MODIFY = "ModifyInstanceMetadataOptions"


class DemoError(Exception):
    """A command or a check of the demo failed."""


class Terminal:
    """Runs Pulumi commands and shows each, with a state that is removed afterwards."""

    def __init__(self, home: Path) -> None:
        self._environment = environment(home)

    def run(self, command: str, *, fails: bool = False) -> None:
        """Run a command and show its output.

        Raises:
            DemoError: its exit code is not the expected one.
        """
        print(f"\n\033[1m$ {command}\033[0m" if sys.stdout.isatty() else f"\n$ {command}", flush=True)
        ended = subprocess.run(command.split(), cwd=ROOT, env=self._environment, check=False)
        if bool(ended.returncode) != fails:
            raise DemoError(f"`{command}` {'should have failed' if fails else 'failed'}")


def announce(text: str) -> None:
    """Print what comes next."""
    print(f"\n{text}", flush=True)


def expect(description: str, *, found: object, wanted: object) -> None:
    """Print a value that was checked.

    Raises:
        DemoError: it is not the wanted one.
    """
    if found != wanted:
        raise DemoError(f"{description}: expected {wanted}, found {found}")
    print(f"\n  {description}: {found}", flush=True)


def modifies(cloud: LocalCloud) -> int:
    """The number of modifications that EC2 has received since the last call, without dry runs."""
    calls = [call for call in cloud.log(MODIFY) if "DryRun" not in call["params"]]
    cloud.reset()
    return len(calls)
