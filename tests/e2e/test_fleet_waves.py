"""The order in which a fleet is changed, and that nothing else changes when it grows or shrinks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from imds_provider.rules.target import Target
from localcloud.client import LocalCloud
from tests.e2e.fleet import IN_ORDER, barriers, checks, fleet, fleet_rows, member, modifications
from tests.support.engine import Stack

FIRST, *_ = IN_ORDER
"""Joins the fleet of the others as its first wave, which moves an instance from each wave to the next."""
OTHERS = IN_ORDER[1:]
ROLLOUT = {"waves": [1, 3, "100%"]}


def test_a_wave_begins_once_cloudwatch_covers_the_change_of_the_previous_one(stack: Stack, cloud: LocalCloud) -> None:
    cloud.settings(publish="as-aws", metrics_delay=60)
    cloud.seed([member(each) for each in OTHERS])
    stack.configure(fleet(cloud, rollout={**ROLLOUT, "soakMinutes": None}))
    with cloud.hurrying(times=120):
        up = stack.up()
    assert up.outputs["fleets"]["web"]["applied"] == len(OTHERS)
    assert any("waiting for CloudWatch to cover the change of 1 instance" in each for each in up.progress), up.progress
    waves = [changed_at(stack, wave) for wave in (OTHERS[:1], OTHERS[1:3], OTHERS[3:])]
    for earlier, later in pairwise(waves):
        # A period of CloudWatch, and its delay of one minute.
        assert min(later) >= max(earlier) + timedelta(minutes=5 + 1)

    cloud.reset()
    assert stack.up().steps == {}
    assert set(cloud.counts()) == {"DescribeInstances"}


def test_a_soak_is_shown_and_waited_for_before_the_next_wave(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(each) for each in OTHERS[:2]])
    stack.configure(fleet(cloud, rollout={"waves": [1, "100%"], "soakMinutes": 1}))
    with cloud.hurrying(times=12):
        up = stack.up()
    assert any(re.fullmatch(r"before wave 2/2 of web: soaking 1 instance, \d+ s left", each) for each in up.progress)
    first, second = (changed_at(stack, [each]) for each in OTHERS[:2])
    assert min(second) >= max(first) + timedelta(minutes=1)


def test_an_instance_that_joins_or_leaves_moves_others_between_waves_without_changing_them(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([member(each) for each in OTHERS])
    stack.configure(fleet(cloud, rollout=ROLLOUT))
    stack.up()
    modifications(cloud)

    cloud.seed([member(FIRST)])
    growing = {"create": fleet_rows(FIRST), "update": barriers(1, 3) | checks(1)}
    assert stack.preview().steps == growing
    assert stack.up().steps == growing
    assert set(modifications(cloud)) == {FIRST}

    cloud.terminate(FIRST)
    shrinking = {"delete": fleet_rows(FIRST), "update": barriers(3)}
    assert stack.preview().steps == shrinking
    assert stack.up().steps == shrinking
    assert set(cloud.counts()) == {"DescribeInstances"}
    assert stack.up().steps == {}


def test_an_instance_is_waited_for_in_the_wave_in_which_it_is_changed(stack: Stack, cloud: LocalCloud) -> None:
    one, moving, three, four = IN_ORDER[:4]
    cloud.seed([member(each) for each in (one, moving, three, four)])
    halves = {"rollout": {"waves": ["50%", "100%"]}}
    stack.configure(fleet(cloud, **halves))
    stack.up()
    modifications(cloud)

    stack.configure(fleet(cloud, **halves, exclude=[three, four]))
    assert stack.up().steps == {"delete": fleet_rows(three, four), "update": barriers(2)}
    cloud.change(moving, {"options": {"HttpTokens": "optional"}})
    stack.refresh()
    assert stack.up().steps == {"update": fleet_rows(moving) | barriers(1, 2) | checks(1)}
    modifications(cloud)

    stack.configure(fleet(cloud, **halves, exclude=[four]))
    assert stack.up().steps == {"create": fleet_rows(three), "update": barriers(2)}
    assert modifications(cloud) == {}


def changed_at(stack: Stack, instance_ids: Sequence[str]) -> list[datetime]:
    """The recorded times at which the instances were changed, by AWS's clock."""
    recorded = stack.resources()
    targets = [Target.parse(recorded[row]["outputs"]["target"]) for row in sorted(fleet_rows(*instance_ids))]
    return [each.change.at for each in targets if each and each.change and each.change.at]
