"""In which order a fleet is changed, and that a fleet that grows or shrinks is changed nowhere else."""

from __future__ import annotations

import re

from localcloud.client import LocalCloud
from localcloud.journal import LoggedCall
from tests.e2e.fleet import IN_ORDER, MODIFY, barriers, checks, fleet, fleet_rows, member, modifications
from tests.support.engine import Stack

SOAK_MINUTES = 0.03
FIRST, *_ = IN_ORDER
"""What comes to the fleet of the others becomes its first wave, and moves an instance over each boundary."""
OTHERS = IN_ORDER[1:]
ROLLOUT = {"waves": [1, 3, "100%"]}


def test_waves_go_one_after_the_other_each_watched_for_the_soak_and_then_nothing_is_left_to_do(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([member(each) for each in OTHERS])
    stack.configure(fleet(cloud, rollout={**ROLLOUT, "soakMinutes": SOAK_MINUTES}))
    up = stack.up()
    assert up.outputs["fleets"]["web"]["applied"] == len(OTHERS)
    for line in (r"2 of 2 applied, 0 pending, \d+ s", r"2 instances applied, watched for \d+ s more"):
        assert any(re.fullmatch(f"wave 2/3 of web: {line}", each) for each in up.progress), up.progress
    previous: LoggedCall | None = None
    looks = carried_out(cloud, "DescribeInstanceStatus")
    assert len(looks) == 2 * 3, "at the system and the instance, after each wave"
    for wave, checked in zip((OTHERS[:1], OTHERS[1:3], OTHERS[3:]), looks[::2], strict=True):
        changed = [call for call in carried_out(cloud, MODIFY) if set(call["instance_ids"]) <= set(wave)]
        assert {each for call in changed for each in call["instance_ids"]} == set(wave)
        if previous:
            assert min(call["number"] for call in changed) > previous["number"]
        last = max(call["time"] for call in changed)
        # When a change was made is recorded to the second.
        assert checked["time"] > last + SOAK_MINUTES * 60 - 1
        previous = checked

    cloud.reset()
    assert stack.up().steps == {}
    assert set(cloud.counts()) == {"DescribeInstances"}


def test_an_instance_that_comes_or_goes_moves_others_between_waves_and_nothing_runs_for_those(
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
    assert len(carried_out(cloud, "DescribeInstanceStatus")) == 2
    assert {each for call in cloud.log("GetMetricData") for each in call["instance_ids"]} == {FIRST}
    assert set(modifications(cloud)) == {FIRST}

    cloud.terminate(FIRST)
    shrinking = {"delete": fleet_rows(FIRST), "update": barriers(3)}
    assert stack.preview().steps == shrinking
    assert stack.up().steps == shrinking
    assert set(cloud.counts()) == {"DescribeInstances"}
    assert stack.up().steps == {}


def test_an_instance_is_waited_for_where_it_is_changed_and_not_where_it_was_or_comes_back_to(
    stack: Stack, cloud: LocalCloud
) -> None:
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
    assert stack.up().steps == {"update": fleet_rows(moving) | barriers(2) | checks(2)}
    modifications(cloud)

    stack.configure(fleet(cloud, **halves, exclude=[four]))
    assert stack.up().steps == {"create": fleet_rows(three), "update": barriers(2)}
    assert modifications(cloud) == {}


def carried_out(cloud: LocalCloud, action: str) -> list[LoggedCall]:
    """The calls that did not only ask whether they would be permitted."""
    return [call for call in cloud.log(action) if "DryRun" not in call["params"]]
