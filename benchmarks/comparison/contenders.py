"""The tools, each used as documented to require IMDSv2 and, if it supports that, set the hop limit."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from benchmarks.bound import REGION
from benchmarks.comparison import reported
from benchmarks.comparison.environments import python_with
from benchmarks.comparison.fleets import WANTED
from benchmarks.comparison.limited import Command, Ended
from benchmarks.runs import UP, Pulumi
from tools.engine.processes import run

_FIRST_START_SECONDS = 120.0


class Contender(Protocol):
    """A tool that changes the fleet of a region."""

    @property
    def name(self) -> str:
        """Name and version, as in the table."""

    @property
    def usage(self) -> str:
        """One phrase on how it is used here."""

    def install(self) -> None:
        """Install the tool and start it once, so that no measured start is its first.

        Raises:
            SetUpError: it cannot be installed.
        """

    def command(self, home: Path, url: str, ids: Sequence[str]) -> Command:
        """The measured command: one run in an empty folder, on the instances of the EC2 at `url`."""

    def reported(self, home: Path, ids: Sequence[str], ended: Ended) -> set[str]:
        """The instances for which the tool reported success."""


class ThisRepository:
    """One `InstanceMetadata` on all instances. The time includes preview, change, wait and state."""

    name = "pulumi-imds"
    usage = "`pulumi up --yes` on a program with one `InstanceMetadata`, into an empty stack"

    def install(self) -> None:
        """Do nothing: it is installed."""

    def command(self, home: Path, url: str, ids: Sequence[str]) -> Command:
        pulumi = Pulumi.prepared(home, url, ids, hop_limit=WANTED["HttpPutResponseHopLimit"])
        return Command(["pulumi", *UP], pulumi.folder, pulumi.environment)

    def reported(self, home: Path, ids: Sequence[str], ended: Ended) -> set[str]:  # noqa: ARG002  # the exit code is enough
        return reported.by_exit_code(ids, ended.exit_code)


class Metabadger:
    """`harden-metadata` on a region. It cannot set the hop limit."""

    _VERSION = "0.1.11"
    _REQUIREMENTS = (f"metabadger=={_VERSION}", "boto3==1.44.8", "botocore==1.44.8")
    name = f"metabadger {_VERSION}"
    usage = f"`metabadger harden-metadata --region {REGION}`, which changes all instances and cannot set the hop limit"

    def install(self) -> None:
        _start_once([*self._program(), "--version"])

    def command(self, home: Path, url: str, ids: Sequence[str]) -> Command:  # noqa: ARG002  # it changes all instances of a region
        arguments = [*self._program(), "harden-metadata", "--region", REGION]
        return Command(arguments, home, _environment(home, url))

    def reported(self, home: Path, ids: Sequence[str], ended: Ended) -> set[str]:  # noqa: ARG002  # the log is enough
        log = home / "metabadger.log"
        return reported.by_metabadger(log.read_text()) if log.exists() else set()

    def _program(self) -> list[str | Path]:
        return [python_with("metabadger", self._REQUIREMENTS), "-m", "metabadger.bin.cli"]


class Custodian:
    """Cloud Custodian's action `set-metadata-access`, with one policy per option.

    With both options in one policy, the action changes only instances that are wrong in both. A rejected hop limit ends
    its policy, so that policy skips instances with a disabled endpoint. Its requests leave out the tokens. The embedded
    EC2 keeps them in that case; EC2's reference is contradictory.
    """

    _VERSION = "0.9.53"
    _REQUIREMENTS = (f"c7n=={_VERSION}", "boto3==1.43.103", "botocore==1.43.127")
    name = f"Cloud Custodian {_VERSION}"
    usage = (
        "`custodian run` with two policies of `set-metadata-access`: `tokens: required` where they are optional, and "
        "`hop-limit: 2` where it differs and the endpoint is enabled"
    )
    policies = (
        {
            "name": "require-imdsv2",
            "resource": "ec2",
            "filters": [{"MetadataOptions.HttpTokens": "optional"}],
            "actions": [{"type": "set-metadata-access", "tokens": WANTED["HttpTokens"]}],
        },
        {
            "name": "hop-limit",
            "resource": "ec2",
            "filters": [
                {"MetadataOptions.HttpEndpoint": "enabled"},
                {
                    "type": "value",
                    "key": "MetadataOptions.HttpPutResponseHopLimit",
                    "op": "ne",
                    "value": WANTED["HttpPutResponseHopLimit"],
                },
            ],
            "actions": [{"type": "set-metadata-access", "hop-limit": WANTED["HttpPutResponseHopLimit"]}],
        },
    )

    def install(self) -> None:
        _start_once([*self._program(), "version"])

    def command(self, home: Path, url: str, ids: Sequence[str]) -> Command:  # noqa: ARG002  # its policies select
        (home / "policies.json").write_text(json.dumps({"policies": self.policies}))
        arguments = [*self._program(), "run", "--region", REGION, "--output-dir", "out", "policies.json"]
        return Command(arguments, home, _environment(home, url))

    def reported(self, home: Path, ids: Sequence[str], ended: Ended) -> set[str]:
        matched = {
            each.parent.name: [instance["InstanceId"] for instance in json.loads(each.read_text())]
            for each in (home / "out").glob("*/resources.json")
        }
        return reported.by_custodian(ids, ended.exit_code, ended.output, matched)

    def _program(self) -> list[str | Path]:
        return [python_with("custodian", self._REQUIREMENTS), "-m", "c7n.cli"]


CONTENDERS: Sequence[Contender] = (ThisRepository(), Metabadger(), Custodian())


def _start_once(arguments: Sequence[str | Path]) -> None:
    run(arguments, limit=_FIRST_START_SECONDS)


def _environment(home: Path, url: str) -> dict[str, str]:
    """Point botocore to the embedded EC2, without the user's AWS and Python variables."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))},
        "HOME": str(home),
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
