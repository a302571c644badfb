"""The alarms of a wave's check and of a barrier, through the real dynamic host."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.host.instances import REGION, inputs, launch, new_id
from tests.support.dynamic_host import DynamicHost, OperationFailedError, ProviderClient

ALARM, COMPOSITE, OTHER = "checkout-5xx", "checkout", "latency"
DESCRIBE_ALARMS = "DescribeAlarms"


def check(*alarms: str, **given: object) -> dict[str, Any]:
    """The inputs of a check before a first wave: nothing was changed before."""
    title = "before wave 1/2 of web"
    return {"targets": {}, "region": REGION, "before": [new_id()], "alarms": [*alarms], "title": title, **given}


def test_before_the_first_wave_all_alarms_are_looked_at_by_one_call(
    cloud: LocalCloud, wave_check: ProviderClient
) -> None:
    cloud.set_alarm(ALARM, "OK", region=REGION)
    cloud.set_alarm(COMPOSITE, "OK", region=REGION, composite=True)
    cloud.reset()
    outputs = wave_check.create(check(ALARM, COMPOSITE)).outputs
    assert {"alarms", "insufficientData"}.isdisjoint(outputs)
    # The first connection to a service asks whose credentials these are.
    assert [each["action"] for each in cloud.log() if each["service"] != "sts"] == [DESCRIBE_ALARMS]


def test_a_hundred_names_are_looked_at_by_one_call(cloud: LocalCloud, wave_check: ProviderClient) -> None:
    names = [f"alarm-{number}" for number in range(101)]
    for each in names:
        cloud.set_alarm(each, "OK", region=REGION)
    cloud.reset()
    wave_check.create(check(*names[:100]))
    assert cloud.calls(DESCRIBE_ALARMS) == 1
    wave_check.create(check(*names))
    assert cloud.calls(DESCRIBE_ALARMS) == 1 + 2


@pytest.mark.parametrize("composite", [False, True])
def test_an_alarm_fails_the_check_with_its_reason(
    cloud: LocalCloud, host: DynamicHost, wave_check: ProviderClient, *, composite: bool
) -> None:
    cloud.set_alarm(ALARM, "ALARM", reason="Threshold Crossed: 12 > 10.", region=REGION, composite=composite)
    cloud.set_alarm(OTHER, "OK", region=REGION)
    with pytest.raises(OperationFailedError) as caught:
        wave_check.create(check(ALARM, OTHER))
    first, line, *advice = caught.value.sentence.splitlines()
    assert first == "before wave 1/2 of web: rollout stopped: these alarms are not OK:"
    assert line.startswith(f"  alarm {ALARM} in {REGION} is in ALARM (since 20")
    assert line.endswith(" UTC): Threshold Crossed: 12 > 10.")
    assert len(advice) == 2
    assert host.engine.messages("ERROR") == [caught.value.sentence]


def test_an_alarm_of_another_region_does_not_exist(cloud: LocalCloud, wave_check: ProviderClient) -> None:
    cloud.set_alarm(ALARM, "OK", region="us-east-1")
    with pytest.raises(OperationFailedError, match=f"alarm {ALARM} does not exist in {REGION}: "):
        wave_check.create(check(ALARM))


@pytest.mark.parametrize(("setting", "fails", "warns"), [("warn", False, 1), ("ignore", False, 0), ("block", True, 0)])
def test_what_missing_data_does_is_a_setting(
    cloud: LocalCloud, host: DynamicHost, wave_check: ProviderClient, setting: str, *, fails: bool, warns: int
) -> None:
    cloud.set_alarm(ALARM, "INSUFFICIENT_DATA", region=REGION)
    if fails:
        with pytest.raises(OperationFailedError, match="is in INSUFFICIENT_DATA"):
            wave_check.create(check(ALARM, insufficientData=setting))
    else:
        wave_check.create(check(ALARM, insufficientData=setting))
    assert len(host.engine.messages("WARNING")) == warns


def test_without_permission_the_check_fails_and_names_it(cloud: LocalCloud, wave_check: ProviderClient) -> None:
    cloud.set_faults(Fault("error", DESCRIBE_ALARMS, code="AccessDenied", times=None))
    with pytest.raises(OperationFailedError, match="lack the permission cloudwatch:DescribeAlarms"):
        wave_check.create(check(ALARM))


def barrier_inputs(target: str, **given: object) -> dict[str, Any]:
    rule = {"soakMinutes": 0, "days": 14, "alarms": [ALARM]}
    return {"targets": {"web": target}, "region": REGION, "timeoutSeconds": 20, **rule, **given}


def test_the_last_barrier_looks_at_alarms_after_a_change_and_not_after_it_is_recorded(
    cloud: LocalCloud, options: ProviderClient, barrier: ProviderClient
) -> None:
    web = launch(cloud)
    target = options.create(inputs(web, httpTokens="required", wait=False)).outputs["target"]
    cloud.set_alarm(ALARM, "ALARM", region=REGION)
    with pytest.raises(OperationFailedError, match=f"alarm {ALARM} in {REGION} is in ALARM"):
        barrier.create(barrier_inputs(target))
    cloud.set_alarm(ALARM, "OK", region=REGION)
    cloud.reset()
    recorded = barrier.create(barrier_inputs(target)).outputs
    assert cloud.calls(DESCRIBE_ALARMS) == 1

    cloud.set_alarm(ALARM, "ALARM", region=REGION)
    right = launch(cloud, {"HttpTokens": "required"})
    joined = options.create(inputs(right, httpTokens="required", wait=False)).outputs["target"]
    cloud.reset()
    wanted = barrier_inputs(target)
    wanted["targets"]["api"] = joined
    barrier.update("applied", recorded, wanted)
    assert cloud.calls(DESCRIBE_ALARMS) == 0
