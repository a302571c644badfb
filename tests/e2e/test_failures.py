"""What a run leaves behind that fails in the middle."""

from __future__ import annotations

from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.e2e.fleet import BARRIER, CACHE, FIVE, MODIFY, instance, managing, modifications, row, rows
from tests.support.engine import Stack

FOUR = sorted(set(FIVE) - {"cache"})


def test_one_instance_of_five_that_fails_leaves_four_recorded_and_the_next_up_makes_only_the_rest(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([instance(each) for each in FIVE.values()])
    stack.configure(managing(cloud, FIVE, httpTokens="required"))
    cloud.set_faults(Fault("error", MODIFY, instance=CACHE, code="UnauthorizedOperation", times=None))

    up = stack.up(fails=True)
    assert up.failed == rows("cache")
    assert any(CACHE in each and f"permission ec2:{MODIFY}" in each for each in up.said("error"))
    assert set(stack.resources()) == rows(*FOUR), "neither the one that failed nor the barrier"

    cloud.clear_faults()
    cloud.reset()
    up = stack.up()
    assert up.steps == {"create": {row("cache"), BARRIER}}
    assert set(modifications(cloud)) == {CACHE}
    assert set(up.outputs["appliedIds"]) == set(FIVE.values())


def test_an_instance_terminated_between_preview_and_up_fails_alone_and_can_be_taken_out(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([instance(each) for each in FIVE.values()])
    stack.configure(managing(cloud, FIVE, httpTokens="required"))
    stack.preview()
    cloud.terminate(CACHE)

    up = stack.up(fails=True)
    assert up.failed == rows("cache")
    assert any(each.startswith(f"{CACHE} is terminated") for each in up.said("error"))
    assert set(stack.resources()) == rows(*FOUR)
    assert CACHE not in modifications(cloud)

    stack.configure(managing(cloud, {name: FIVE[name] for name in FOUR}, httpTokens="required"))
    assert stack.up().steps == {"create": {BARRIER}}
    assert modifications(cloud) == {}
