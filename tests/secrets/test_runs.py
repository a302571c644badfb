"""Runs of the engine with credentials as encrypted configuration, which are neither shown nor kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from localcloud.client import LocalCloud
from localcloud.faults import Fault
from localcloud.settings import Settings
from tests.secrets.canaries import CREDENTIALS, IN_CONFIG, MASK, MESSAGE, found_in
from tests.support.cli import CommandLine, Ended, aws_config
from tests.support.engine import find_engine

PROGRAM = Path(__file__).parent / "program"
REGION = "eu-west-1"
IDS = [f"i-{digit * 17}" for digit in "abc"]
DESCRIBE, MODIFY = "DescribeInstances", "ModifyInstanceMetadataOptions"
GET_DEFAULTS, MODIFY_DEFAULTS = "GetInstanceMetadataDefaults", "ModifyInstanceMetadataDefaults"
UP = ("up", "--yes", "--skip-preview")


@dataclass(frozen=True)
class Stack:
    pulumi: CommandLine
    cloud: LocalCloud
    home: Path

    def want(self, hop_limit: int) -> None:
        plain = {name: value for name, value in aws_config(self.cloud, REGION).items() if name not in CREDENTIALS}
        self.pulumi.configure({**plain, "secrets:ids": json.dumps(IDS), "secrets:hopLimit": hop_limit})
        for name, value in {**CREDENTIALS, "secrets:note": IN_CONFIG}.items():
            self.pulumi.run("config", "set", "--secret", name, value, succeeds=True)

    def run(self, *arguments: str, fails: bool = False) -> Ended:
        """Run Pulumi and search its output and every file that it leaves for canaries."""
        ended = self.pulumi.run(*arguments)
        assert bool(ended.code) == fails, ended.text
        assert found_in(ended.text) == []
        assert MASK not in ended.text, "Pulumi had to mask a secret that it should never have been given"
        for file in filter(Path.is_file, self.home.rglob("*")):
            assert found_in(file.read_text(errors="replace")) == [], file
        return ended


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    find_engine()
    seed = [{"id": each, "region": REGION} for each in IDS]
    with LocalCloud.in_process(Settings(pending=0.2)) as cloud:
        cloud.seed(seed)  # type: ignore[arg-type]  # two of the keys of Seed
        pulumi = CommandLine(Path(shutil.copytree(PROGRAM, tmp_path / "program")), tmp_path)
        pulumi.run("stack", "init", succeeds=True)
        yield Stack(pulumi, cloud, tmp_path)


def test_runs_that_succeed_or_fail_show_and_keep_no_credential(stack: Stack) -> None:
    stack.want(2)
    stack.cloud.set_faults(
        Fault("error", DESCRIBE, times=None, code="InvalidParameterValue", message=MESSAGE),
        Fault("error", GET_DEFAULTS, times=None, code="InvalidParameterValue", message=MESSAGE),
    )
    unseen = stack.run("preview")
    assert "the instances could not be described" in unseen.text, "the survey has shown EC2's message"
    assert "the defaults could not be read" in unseen.text, "and so has the account's"
    refused = stack.run(*UP, fails=True)
    assert "InvalidParameterValue" in refused.text

    stack.cloud.clear_faults()
    stack.cloud.set_faults(
        Fault("error", MODIFY, IDS[0], times=None, code="InvalidParameterValue", message=MESSAGE),
        Fault("error", MODIFY, IDS[1], times=None, code="UnauthorizedOperation", encoded=True),
        Fault("truncate", MODIFY, IDS[2]),
        Fault("error", MODIFY_DEFAULTS, times=None, code="UnauthorizedOperation", encoded=True),
    )
    stack.run(*UP, fails=True)

    stack.cloud.clear_faults()
    stack.run(*UP)
    stack.cloud.set_faults(Fault("error", DESCRIBE, times=None, code="AuthFailure", message=MESSAGE))
    stack.run("refresh", "--yes", "--skip-preview", fails=True)
    stack.cloud.clear_faults()

    exported = stack.run("stack", "export")
    assert IDS[0] in exported.text
    stack.run("stack", "output", "--json")
    stack.run("destroy", "--yes", "--skip-preview")
    assert {each["options"]["HttpTokens"] for each in stack.cloud.instances()} == {"optional"}, (
        "the credentials were used"
    )
