"""A fleet of the stack's configuration, from its first preview on."""

from __future__ import annotations

from localcloud.client import LocalCloud
from localcloud.shapes import Seed
from tests.e2e.fleet import REGION, aws_config, modifications
from tests.support.engine import Stack

TEN: list[Seed] = [
    {"id": f"i-{number:017x}", "region": REGION, "tags": {"Team": "web"}, "options": {}} for number in range(1, 11)
]
IDS = {seed["id"] for seed in TEN}


def fleet(cloud: LocalCloud, **given: object) -> dict[str, object]:
    return {
        **aws_config(cloud),
        "imds:options": {"httpTokens": "required"},
        "imds:fleets": {"web": {"select": {"tag:Team": ["web"]}, **given}},
    }


def test_a_fleet_is_brought_over_in_waves_and_then_left_alone(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed(TEN)
    stack.configure(fleet(cloud, rollout={"waves": [1, "50%", "100%"]}))
    stack.up()
    assert set(modifications(cloud)) == IDS
    assert stack.up().steps == {}
