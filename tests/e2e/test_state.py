"""What a state holds, and what a run needs."""

from __future__ import annotations

import base64
from pathlib import Path

from localcloud.client import LocalCloud
from tests.e2e.fleet import BARRIER, FIVE, WEB, instance, managing, row
from tests.support.engine import Stack

SECRET = "a-secret-key-that-nobody-may-see"


def test_a_state_holds_no_credential_and_refers_to_its_providers_by_name(stack: Stack, cloud: LocalCloud) -> None:
    two = {name: FIVE[name] for name in ("web", "api")}
    cloud.seed([instance(each) for each in two.values()])
    stack.configure(managing(cloud, two, httpTokens="required"))
    stack.configure_secret("aws:secretKey", SECRET)
    assert SECRET not in stack.up().text

    kept = [file.read_bytes() for file in stack.backend.rglob("*") if file.is_file()]
    assert any(WEB.encode() in content for content in kept)
    assert not any(SECRET.encode() in content for content in kept)

    resources = stack.exported_resources()
    for resource, module in ((row("web"), "instance_metadata_options"), (BARRIER, "metadata_options_applied")):
        pickled = base64.b64decode(resources[resource]["inputs"]["__provider"])
        assert f"imds_provider.{module}".encode() in pickled
        assert len(pickled) < 100, "a reference, not the code"
        assert SECRET not in str(resources[resource]), "nor where an export shows what is encrypted"


def test_a_stack_that_launches_nothing_does_not_start_the_plugin_of_pulumi_aws(
    stack: Stack, cloud: LocalCloud, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    (plugin,) = tmp_path.rglob("pulumi-resource-aws")
    plugin.write_text(f"#!/bin/sh\ntouch {started}\nexit 1\n")
    cloud.seed([instance(WEB)])
    stack.configure(managing(cloud, {"web": WEB}, httpTokens="required"))
    stack.search_for_plugins()

    assert stack.preview().steps == {"create": {row("web"), BARRIER}}
    assert stack.up().outputs["appliedIds"] == [WEB]
    assert not started.exists()
