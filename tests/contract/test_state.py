"""A state that an earlier release wrote needs no change, and this version goes on from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from imds_provider.rules.resource_state import CHANGE, DAYS, FOUND, IF_GONE, UNHEALTHY
from localcloud.client import LocalCloud
from localcloud.settings import Settings
from tests.contract.release import HOP_LIMIT, IDS, NOWHERE, Release, config, releases
from tests.support.cli import CommandLine
from tests.support.engine import find_engine
from tests.support.state_file import checkpoint

MODIFY = "ModifyInstanceMetadataOptions"
OF_ONE_RUN = (CHANGE, DAYS, FOUND, IF_GONE, UNHEALTHY)
"""Inputs that the program gives again in each run, so that a refresh leaves them out."""


@dataclass(frozen=True)
class Opened:
    """The stack of a release, imported into this version."""

    release: Release
    pulumi: CommandLine
    cloud: LocalCloud

    def dynamic_resources(self) -> dict[str, Any]:
        resources = checkpoint(self.pulumi.backend, self.pulumi.stack).get("resources", ())
        return {each["urn"]: each for each in resources if each["type"].startswith("pulumi-python:dynamic")}


@pytest.fixture(params=releases())
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    find_engine()
    release = Release.load(request.param)
    with LocalCloud.in_process(Settings(pending=0.2), seed=release.instances) as cloud:
        pulumi = CommandLine(Path(shutil.copytree(release.program, tmp_path / "program")), tmp_path)
        pulumi.run("stack", "init", succeeds=True)
        pulumi.configure(config(cloud))
        for each in release.account_defaults():
            cloud.set_account_defaults(*each)
        state = tmp_path / "state.json"
        state.write_text(json.dumps(release.state).replace(NOWHERE, cloud.url))
        pulumi.run("stack", "import", "--file", str(state), succeeds=True)
        yield Opened(release, pulumi, cloud)


def test_the_state_of_a_release_needs_no_change_and_can_be_updated_and_destroyed(
    opened: Opened,
) -> None:
    pulumi, cloud = opened.pulumi, opened.cloud
    pulumi.run("preview", "--expect-no-changes", succeeds=True)
    assert MODIFY not in cloud.counts()

    pulumi.run("refresh", "--yes", "--skip-preview", "--expect-no-changes", succeeds=True)
    refreshed = opened.dynamic_resources()
    for resource in opened.release.resources():
        now = refreshed[resource["urn"]]
        for side in ("inputs", "outputs"):
            recorded = {name: value for name, value in resource[side].items() if name not in OF_ONE_RUN}
            assert recorded.items() <= now[side].items(), f"{side} of {resource['urn']}"

    pulumi.configure(config(cloud, hop_limit=HOP_LIMIT + 1))
    pulumi.run("up", "--yes", "--skip-preview", succeeds=True)
    assert {each["params"]["InstanceId"] for each in cloud.log(MODIFY)} == {
        IDS[each] for each in ("web", "api", "nightly")
    }
    assert cloud.instance(IDS["web"])["options"]["HttpPutResponseHopLimit"] == HOP_LIMIT + 1

    pulumi.run("destroy", "--yes", "--skip-preview", succeeds=True)
    assert opened.dynamic_resources() == {}
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
