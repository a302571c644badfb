"""Runs that fail halfway, and the next run."""

from __future__ import annotations

from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.e2e.fleet import BARRIER, CACHE, FIVE, MODIFY, aws_config, instance, managing, modifications, row, rows
from tests.support.engine import Stack

FOUR = sorted(set(FIVE) - {"cache"})
ALONE = f"""
from imds_provider import InstanceMetadataOptions

InstanceMetadataOptions(
    "alone", instance_id="{CACHE}", http_tokens="required", on_destroy="restore", timeout_seconds=2
)
"""


def test_if_one_instance_of_five_fails_four_are_recorded_and_the_next_up_creates_only_the_rest(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([instance(each) for each in FIVE.values()])
    stack.configure(managing(cloud, FIVE, httpTokens="required"))
    cloud.set_faults(Fault("error", MODIFY, instance=CACHE, code="UnauthorizedOperation", times=None))

    up = stack.up(fails=True)
    assert up.failed == rows("cache")
    assert any(CACHE in each and f"permission ec2:{MODIFY}" in each for each in up.messages("error"))
    assert set(stack.resources()) == rows(*FOUR), "neither the one that failed nor the barrier"

    cloud.clear_faults()
    cloud.reset()
    up = stack.up()
    assert up.steps == {"create": {row("cache"), BARRIER}}
    assert set(modifications(cloud)) == {CACHE}
    assert set(up.outputs["appliedIds"]) == set(FIVE.values())


def test_an_instance_terminated_between_preview_and_up_fails_alone_and_can_be_removed(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([instance(each) for each in FIVE.values()])
    stack.configure(managing(cloud, FIVE, httpTokens="required"))
    stack.preview()
    cloud.terminate(CACHE)

    up = stack.up(fails=True)
    assert up.failed == rows("cache")
    assert any(each.startswith(f"{CACHE} is terminated") for each in up.messages("error"))
    assert set(stack.resources()) == rows(*FOUR)
    assert CACHE not in modifications(cloud)

    stack.configure(managing(cloud, {name: FIVE[name] for name in FOUR}, httpTokens="required"))
    assert stack.up().steps == {"create": {BARRIER}}
    assert modifications(cloud) == {}


def test_a_change_whose_wait_fails_is_recorded_and_completed_by_the_next_up(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(CACHE)])
    cloud.settings(pending=600)
    stack.configure(aws_config(cloud))
    stack.write_program(ALONE)

    up = stack.up(fails=True)
    sentence = f"{CACHE} did not reach httpTokens=required within 2 s; last seen: httpTokens=required "
    assert [each for each in up.messages("error") if sentence in each] != []
    recorded = stack.resources()["InstanceMetadataOptions alone"]["outputs"]
    assert (recorded["previous"], recorded["state"]) == ({"httpTokens": "optional"}, "pending")
    assert sentence in recorded["unfinished"]
    assert set(modifications(cloud)) == {CACHE}

    cloud.advance(600)
    cloud.settings(pending=0)
    up = stack.up()
    assert up.steps == {"update": {"InstanceMetadataOptions alone"}}
    assert modifications(cloud) == {}
    recorded = stack.resources()["InstanceMetadataOptions alone"]["outputs"]
    assert (recorded["previous"], recorded["state"]) == ({"httpTokens": "optional"}, "applied")
    assert "unfinished" not in recorded
    assert stack.up().steps == {}

    destroy = stack.destroy()
    assert modifications(cloud) == {}
    (warning,) = destroy.messages("warning")
    assert warning.startswith(f"{CACHE} keeps httpTokens=required instead of the previous httpTokens=optional: ")


def test_a_change_by_somebody_else_while_the_barrier_waits_is_reapplied(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(each) for each in FIVE.values()])
    cloud.settings(pending=3)
    stack.configure(managing(cloud, FIVE, httpTokens="required"))
    # The modifications are worked out from the first two describes at most.
    cloud.set_faults(Fault("change", "DescribeInstances", instance=CACHE, nth=3, options={"HttpTokens": "optional"}))

    up = stack.up()
    assert set(up.outputs["appliedIds"]) == set(FIVE.values())
    assert cloud.instance(CACHE)["options"]["HttpTokens"] == "required"
    assert len([call for call in cloud.log(MODIFY) if CACHE in call["instance_ids"]]) == 2
    assert stack.up().steps == {}
