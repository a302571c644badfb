"""The committed stack `local`, with twelve instances and one that it launches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from localcloud.client import LocalCloud
from tests.e2e.fleet import BARRIER, modifications, planned_changes, rows
from tests.support.engine import Stack
from tools.demo.fleet import FLEET
from tools.sandbox import ROOT

IDS = {seed["name"]: seed["id"] for seed in FLEET}
RIGHT = {"api-1", "api-2", "archive"}
COMMITTED = "http://127.0.0.1:5599"


@pytest.fixture
def local(cloud: LocalCloud, stack_of: Callable[[Path, str], Stack]) -> Stack:
    cloud.seed([{**seed, "pending": None} for seed in FLEET])
    stack = stack_of(ROOT, "local")
    stack.search_for_plugins()
    text = stack.config_file.read_text()
    assert COMMITTED in text
    stack.config_file.write_text(text.replace(COMMITTED, cloud.url))
    return stack


def test_the_stack_local_is_previewed_applied_and_then_unchanged(local: Stack, cloud: LocalCloud) -> None:
    preview = local.preview()
    both = "httpTokens: optional -> required, httpPutResponseHopLimit: 1 -> 2"
    assert planned_changes(preview) == {
        IDS["web-1"]: both,
        IDS["web-2"]: both,
        IDS["worker-1"]: "httpPutResponseHopLimit: 1 -> 2",
        IDS["worker-2"]: "httpTokens: optional -> required",
        IDS["database"]: both,
        IDS["cache"]: both,
        IDS["gateway"]: "httpTokens: optional -> required, httpPutResponseHopLimit: 64 -> 2",
        IDS["nightly"]: f"{both} (stopped: applies at the next start)",
        IDS["vault"]: "httpTokens: optional -> required",
    }
    assert preview.steps == {"create": {*rows(*IDS, "bastion"), BARRIER, "Instance bastion"}}
    assert modifications(cloud) == {}

    up = local.up()
    assert up.steps == preview.steps
    sent = modifications(cloud)
    (bastion,) = (view for view in cloud.instances() if view["tags"].get("Name") == "bastion")
    assert set(sent) == {IDS[name] for name in set(IDS) - RIGHT}, "the one that it launches starts with the options"
    assert sent[IDS["worker-1"]] == {
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": "2",
        "HttpEndpoint": "enabled",
    }
    assert sent[IDS["vault"]] == {"HttpTokens": "required", "HttpEndpoint": "disabled"}
    for view in cloud.instances():
        assert view["options"]["HttpTokens"] == "required", view
        endpoint_off = view["id"] in (IDS["vault"], IDS["archive"])
        assert view["options"]["HttpPutResponseHopLimit"] == (1 if endpoint_off else 2), view
    assert cloud.instance(IDS["cache"])["options"]["InstanceMetadataTags"] == "enabled", "not managed"
    assert cloud.instance(IDS["vault"])["options"]["HttpEndpoint"] == "disabled", "never switched on"
    assert up.outputs["pendingStartIds"] == [IDS["nightly"]]
    assert set(up.outputs["appliedIds"]) == {*IDS.values(), bastion["id"]} - {IDS["nightly"]}

    again = local.up()
    assert again.steps == {}
    assert set(cloud.counts()) == {"DescribeInstances"}
