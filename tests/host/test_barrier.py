"""The barrier, through the real dynamic host: what it waits for, with how many calls, and its progress."""

from __future__ import annotations

import re
from typing import Any

import pytest

from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.host.instances import DESCRIBE, MODIFY, REGION, described, inputs, launch, new_id, target
from tests.support.dynamic_host import DynamicHost, OperationFailedError, ProviderClient, in_background, until


def handed_in(cloud: LocalCloud, options: ProviderClient, count: int, state: str = "running") -> dict[str, str]:
    """The targets of so many new instances whose change was made without waiting, by the ids of the instances."""
    ids = [launch(cloud, state=state) for _ in range(count)]
    made = [options.create(inputs(each, httpTokens="required", wait=False)).outputs for each in ids]
    cloud.reset()
    return {each["instanceId"]: each["target"] for each in made}


def waiting_for(targets: dict[str, str], **given: object) -> dict[str, Any]:
    return {"targets": targets, "region": REGION, "timeoutSeconds": 20, **given}


def test_all_are_waited_for_together_and_each_describe_has_only_pending_instances(
    cloud: LocalCloud, host: DynamicHost, options: ProviderClient, barrier: ProviderClient
) -> None:
    cloud.settings(pending=60)
    targets = handed_in(cloud, options, 5)
    early, late = list(targets)[:2], list(targets)[2:]
    with in_background(lambda: barrier.create(waiting_for(targets))) as waiting:
        until(lambda: cloud.calls(DESCRIBE) >= 2, "two describes")
        for each in early:
            cloud.change(each, {"metadata_state": "applied"})
        seen = cloud.calls(DESCRIBE)
        until(lambda: cloud.calls(DESCRIBE) >= seen + 2, "two more describes")
        assert not waiting.done()
        cloud.advance(60)
        created = waiting.result()
    describes = described(cloud)
    assert describes[:2] == [set(targets)] * 2
    assert describes[-1] == set(late)
    assert cloud.calls(MODIFY) == 0
    assert created.id == "applied"
    assert created.outputs == waiting_for(targets, appliedIds=sorted(targets), pendingStartIds=[])
    progress = host.engine.lines("INFO")
    assert len(progress) == len(describes)
    assert all(line.ephemeral for line in progress)
    assert re.fullmatch(r"0 of 5 applied, 5 pending, \d+ s", progress[0].message)
    assert re.fullmatch(r"5 of 5 applied, 0 pending, \d+ s", progress[-1].message)
    assert any(line.message.startswith("2 of 5 applied, 3 pending, ") for line in progress)


def test_stopped_instances_are_listed_separately_and_not_waited_for(
    cloud: LocalCloud, host: DynamicHost, options: ProviderClient, barrier: ProviderClient
) -> None:
    running, stopped = handed_in(cloud, options, 1), handed_in(cloud, options, 1, state="stopped")
    host.forget()
    outputs = barrier.create(waiting_for({**running, **stopped})).outputs
    assert (outputs["appliedIds"], outputs["pendingStartIds"]) == ([*running], [*stopped])
    assert cloud.calls(DESCRIBE) == 1
    [stopped_id] = stopped
    assert host.engine.messages("WARNING") == [
        f"stopped, so their metadata options apply when they start: {stopped_id}."
    ]


def test_an_update_describes_only_changed_targets(
    cloud: LocalCloud, options: ProviderClient, barrier: ProviderClient
) -> None:
    targets = handed_in(cloud, options, 3)
    recorded = barrier.create(waiting_for(targets)).outputs
    [changed, gone, _] = targets
    new = {name: line for name, line in targets.items() if name != gone}
    new[changed] = target(changed, "httpTokens=required", "another")
    cloud.reset()
    outputs = barrier.update("applied", recorded, waiting_for(new)).outputs
    assert described(cloud) == [{changed}]
    assert outputs == waiting_for(new, appliedIds=sorted(new), pendingStartIds=[])


def test_an_update_without_a_changed_target_sends_no_request(
    cloud: LocalCloud, options: ProviderClient, barrier: ProviderClient
) -> None:
    targets = handed_in(cloud, options, 2, state="stopped")
    recorded = barrier.create(waiting_for(targets)).outputs
    [kept, _] = targets
    cloud.reset()
    outputs = barrier.update("applied", recorded, waiting_for({kept: targets[kept]})).outputs
    assert cloud.log() == []
    assert (outputs["appliedIds"], outputs["pendingStartIds"]) == ([], [kept])


def test_a_stale_describe_of_old_values_is_not_taken_as_applied(cloud: LocalCloud, barrier: ProviderClient) -> None:
    web = launch(cloud)
    targets = {"web": target(web, "httpTokens=required", "first")}
    with in_background(lambda: barrier.create(waiting_for(targets))) as waiting:
        until(lambda: cloud.calls(DESCRIBE) >= 2, "two describes")
        assert not waiting.done()
        cloud.change(web, {"options": {"HttpTokens": "required"}})
        assert waiting.result().outputs["appliedIds"] == [web]


def test_failed_instances_are_listed_in_one_error_and_the_others_are_waited_for(
    cloud: LocalCloud, host: DynamicHost, barrier: ProviderClient
) -> None:
    fine, ended, stuck = launch(cloud, {"HttpTokens": "required"}), launch(cloud, state="terminated"), launch(cloud)
    targets = {name: target(name, "httpTokens=required", "first") for name in (fine, ended, stuck)}
    with pytest.raises(OperationFailedError) as caught:
        barrier.create(waiting_for(targets, timeoutSeconds=1))
    first, *rest = caught.value.sentence.splitlines()
    assert first == "metadata options not applied on 2 of 3 instances:"
    assert [line.split(" ")[2:5] for line in rest] == [[ended, "is", "terminated:"], [stuck, "did", "not"]]
    assert host.engine.messages("ERROR") == [caught.value.sentence]


def test_a_barrier_reports_one_failure_on_one_line(cloud: LocalCloud, barrier: ProviderClient) -> None:
    web = launch(cloud)
    with pytest.raises(OperationFailedError, match=rf"{web} did not reach httpTokens=required within 1 s; last seen: "):
        barrier.create(waiting_for({"web": target(web, "httpTokens=required", "first")}, timeoutSeconds=1))


def test_a_read_describes_only_stopped_instances_and_moves_those_that_have_started(
    cloud: LocalCloud, options: ProviderClient, barrier: ProviderClient
) -> None:
    running, stopped = handed_in(cloud, options, 1), handed_in(cloud, options, 2, state="stopped")
    recorded = barrier.create(waiting_for({**running, **stopped})).outputs
    started, waiting = stopped
    cloud.start_instance(started)
    cloud.reset()
    found = barrier.read("applied", recorded)
    assert described(cloud) == [{started, waiting}]
    assert found.id == "applied"
    assert found.outputs == {**recorded, "appliedIds": sorted([*running, started]), "pendingStartIds": [waiting]}


def test_a_read_and_a_delete_without_stopped_instances_send_no_request(
    cloud: LocalCloud, barrier: ProviderClient
) -> None:
    web = new_id()
    recorded = waiting_for({"web": target(web, "httpTokens=required", "a")}, appliedIds=[], pendingStartIds=[])
    assert barrier.read("applied", recorded).outputs == recorded
    barrier.delete("applied", recorded)
    # A barrier that has given up, in a test before, may have left a describe of its own instances in progress.
    calls = [each for each in cloud.log() if each["action"] != DESCRIBE or web in each["instance_ids"]]
    assert calls == []


def test_a_failed_describe_in_a_read_is_an_error(cloud: LocalCloud, barrier: ProviderClient) -> None:
    web = launch(cloud, state="stopped")
    cloud.set_faults(Fault("error", DESCRIBE, code="UnauthorizedOperation", times=None))
    recorded = waiting_for({"web": target(web, "httpTokens=required", "a")}, appliedIds=[], pendingStartIds=[web])
    with pytest.raises(OperationFailedError, match="lack the permission ec2:DescribeInstances"):
        barrier.read("applied", recorded)
