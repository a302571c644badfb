"""What earlier releases wrote into the states of stacks, this version is content with, and can go on from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.client import LocalCloud
from localcloud.settings import Settings
from tests.contract.release import HOP_LIMIT, IDS, NOWHERE, Release, config, releases
from tests.support.cli import CommandLine
from tests.support.engine import find_engine

MODIFY = "ModifyInstanceMetadataOptions"


@dataclass(frozen=True)
class Opened:
    """A release's stack, opened with this version."""

    release: Release
    pulumi: CommandLine
    cloud: LocalCloud

    def dynamic_resources(self, folder: Path) -> dict[str, Any]:
        file = folder / "exported.json"
        self.pulumi.run("stack", "export", "--file", str(file), done=True)
        resources = json.loads(file.read_text())["deployment"].get("resources", ())
        return {each["urn"]: each for each in resources if each["type"].startswith("pulumi-python:dynamic")}


@pytest.fixture(params=releases())
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    find_engine()
    release = Release.load(request.param)
    with LocalCloud.in_process(Settings(pending=0.2), seed=release.instances) as cloud:
        pulumi = CommandLine(Path(shutil.copytree(release.program, tmp_path / "program")), tmp_path)
        pulumi.run("stack", "init", done=True)
        pulumi.configure(config(cloud))
        state = tmp_path / "state.json"
        state.write_text(json.dumps(release.state).replace(NOWHERE, cloud.url))
        pulumi.run("stack", "import", "--file", str(state), done=True)
        yield Opened(release, pulumi, cloud)


def test_nothing_is_to_be_done_about_the_state_and_a_change_and_a_destroy_go_on_from_it(
    opened: Opened, tmp_path: Path
) -> None:
    pulumi, cloud = opened.pulumi, opened.cloud
    pulumi.run("preview", "--expect-no-changes", done=True)
    assert MODIFY not in cloud.counts()

    pulumi.run("refresh", "--yes", "--skip-preview", "--expect-no-changes", done=True)
    refreshed = opened.dynamic_resources(tmp_path)
    for resource in opened.release.resources():
        now = refreshed[resource["urn"]]
        for side in ("inputs", "outputs"):
            assert resource[side].items() <= now[side].items(), f"{side} of {resource['urn']}"

    pulumi.configure(config(cloud, hop_limit=HOP_LIMIT + 1))
    pulumi.run("up", "--yes", "--skip-preview", done=True)
    assert {each["params"]["InstanceId"] for each in cloud.log(MODIFY)} == {
        IDS[each] for each in ("web", "api", "nightly")
    }
    assert cloud.instance(IDS["web"])["options"]["HttpPutResponseHopLimit"] == HOP_LIMIT + 1

    pulumi.run("destroy", "--yes", "--skip-preview", done=True)
    assert opened.dynamic_resources(tmp_path) == {}
    assert cloud.instance(IDS["web"])["options"]["HttpTokens"] == "required", "retained"
    alone, vault = cloud.instance(IDS["alone"])["options"], cloud.instance(IDS["vault"])["options"]
    assert (alone["HttpTokens"], alone["HttpPutResponseHopLimit"], alone["InstanceMetadataTags"]) == (
        "required",
        64,
        "disabled",
    ), "restored, but for the tokens, since no release before 0.3.0 has recorded a reason to loosen them"
    assert (vault["HttpTokens"], vault["HttpEndpoint"], vault["InstanceMetadataTags"]) == (
        "required",
        "disabled",
        "enabled",
    ), "nothing that is not managed, and nothing that loosens"
