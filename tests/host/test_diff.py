"""Diff, through the real dynamic host: what counts as a change, without a request to AWS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.host.instances import ACCOUNT, REGION, inputs, target
from tests.support.dynamic_host import UNKNOWN, ProviderClient

WEB = "i-0123456789abcdef0"
DB = "i-0123456789abcdef1"
WANTED = {"httpTokens": "required", "httpPutResponseHopLimit": 2}
RECORDED = {
    **inputs(WEB, **WANTED),
    "httpEndpoint": "enabled",
    "httpProtocolIpv6": "disabled",
    "instanceMetadataTags": "disabled",
    "state": "applied",
    "ownerId": ACCOUNT,
    "previous": {"httpTokens": "optional", "httpPutResponseHopLimit": 1},
    "target": target(WEB, "httpTokens=required httpPutResponseHopLimit=2", "first"),
}
WITHOUT_TOKENS = {name: value for name, value in inputs(WEB, **WANTED).items() if name != "httpTokens"}
REPLACED_BY_ID: tuple[bool, list[str]] = (True, ["instanceId"])
CHANGED: tuple[bool, list[str]] = (True, [])
SAME: tuple[bool, list[str]] = (False, [])


@pytest.mark.parametrize(
    ("olds", "news", "expected"),
    [
        pytest.param({}, {}, SAME, id="nothing"),
        pytest.param({}, {"httpPutResponseHopLimit": 3}, CHANGED, id="another value"),
        pytest.param({}, {"httpEndpoint": "disabled"}, CHANGED, id="another option"),
        pytest.param({}, {"httpEndpoint": "enabled"}, CHANGED, id="an option newly set to what it is"),
        pytest.param({}, WITHOUT_TOKENS, CHANGED, id="an option no longer set"),
        pytest.param({"httpTokens": "optional"}, {}, CHANGED, id="drift of a managed option"),
        pytest.param({"instanceMetadataTags": "enabled"}, {}, SAME, id="drift of what is not managed"),
        pytest.param({}, {"onDestroy": "restore"}, CHANGED, id="what happens at destroy"),
        pytest.param({}, {"wait": False, "timeoutSeconds": 60}, SAME, id="how to wait"),
        pytest.param({"state": "pending"}, {}, SAME, id="what EC2 says of the state"),
        pytest.param({}, {"instanceId": DB}, REPLACED_BY_ID, id="another instance"),
        pytest.param({}, {"region": "us-east-1"}, (True, ["region"]), id="another region"),
        pytest.param({}, {"instanceId": UNKNOWN}, REPLACED_BY_ID, id="an instance not known yet"),
        pytest.param({}, {"httpTokens": UNKNOWN}, CHANGED, id="an option not known yet"),
        pytest.param({"httpEndpoint": "disabled", "httpPutResponseHopLimit": 1}, {}, SAME, id="cannot apply: no drift"),
    ],
)
def test_what_counts_as_a_change(
    olds: dict[str, Any], news: dict[str, Any], expected: tuple[bool, list[str]], preview: ProviderClient
) -> None:
    wanted = news if news is WITHOUT_TOKENS else {**inputs(WEB, **WANTED), **news}
    assert preview.diff(WEB, {**RECORDED, **olds}, wanted) == expected


ONE = target(WEB, "httpTokens=required", "first")
TWO = target(DB, "httpTokens=required", "first")
BARRIER = {"targets": {"web": ONE, "db": TWO}, "region": REGION, "timeoutSeconds": 20}


@pytest.mark.parametrize(
    ("news", "changed"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"timeoutSeconds": 60}, False, id="how long to wait"),
        pytest.param({"targets": {"db": TWO, "web": ONE}}, False, id="another order"),
        pytest.param({"targets": {"web": ONE}}, True, id="one less"),
        pytest.param({"targets": {"web": f"{ONE}s", "db": TWO}}, True, id="another change"),
        pytest.param({"targets": {"web": UNKNOWN, "db": TWO}}, True, id="one not known yet"),
        pytest.param({"targets": UNKNOWN}, True, id="none known yet"),
        pytest.param({"region": "us-east-1"}, True, id="another region"),
    ],
)
def test_what_counts_as_a_change_of_the_barrier(
    news: dict[str, Any],
    changed: bool,  # noqa: FBT001  a column of the table
    preview_barrier: ProviderClient,
) -> None:
    recorded = {**BARRIER, "appliedIds": [WEB, DB], "pendingStartIds": []}
    assert preview_barrier.diff("applied", recorded, {**BARRIER, **news}) == (changed, [])
