"""CloudWatch alarms stop a rollout, in the preview and between waves, until they are OK."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import (
    IN_ORDER,
    MODIFY,
    REGION,
    barriers,
    checks,
    errors,
    fleet,
    fleet_rows,
    member,
    modifications,
    tokens,
)
from tests.support.dynamic_host import in_background, until
from tests.support.engine import Stack

FIRST, *REST = IN_ORDER[:4]
ALARM = "checkout-5xx"
REASON = "Threshold Crossed: 1 datapoint [12.0] was greater than the threshold (10.0)."
DESCRIBE_ALARMS = "DescribeAlarms"


def test_an_alarm_stops_the_preview_then_the_waves_and_once_it_is_ok_the_rollout_resumes(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([member(each) for each in (FIRST, *REST)])
    rollout = {"waves": [1, "100%"], "soakMinutes": 1, "alarms": [ALARM]}
    stack.configure(fleet(cloud, rollout=rollout))
    assert f"alarm {ALARM} does not exist in {REGION}" in errors(stack.preview(fails=True))

    cloud.set_alarm(ALARM, "ALARM", reason=REASON, region=REGION)
    reported = errors(stack.preview(fails=True))
    assert f"alarm {ALARM} in {REGION} is in ALARM (since " in reported
    assert f"): {REASON}\n" in reported
    assert "remove it from imds:fleets.web.rollout.alarms." in reported

    cloud.set_alarm(ALARM, "OK", region=REGION)
    modifications(cloud)
    with cloud.hurrying(times=6), in_background(lambda: stack.up(fails=True)) as running:
        until(lambda: bool(sent(cloud)), "the first wave is changed", seconds=60)
        cloud.set_alarm(ALARM, "ALARM", reason=REASON, region=REGION)
        up = running.result()
    assert up.failed == checks(2), "in the soak after the first wave"
    (reported,) = (each for each in up.messages("error") if each.startswith("before wave 2/2 of web: rollout stopped"))
    assert f"alarm {ALARM} in {REGION} is in ALARM (since " in reported
    assert f"): {REASON}\n" in reported
    assert "rerun `pulumi up`: it resumes here once the alarms are OK." in reported
    assert set(modifications(cloud)) == {FIRST}

    assert f"): {REASON}\n" in errors(stack.up(fails=True))
    assert modifications(cloud) == {}
    assert tokens(cloud, REST) == {"optional"}

    cloud.set_alarm(ALARM, "OK", region=REGION)
    cloud.advance(60)
    with cloud.hurrying(times=12):
        up = stack.up()
    assert up.steps["create"] == fleet_rows(*REST) | barriers(2) | checks(2)
    assert set(modifications(cloud)) == set(REST)

    cloud.set_alarm(ALARM, "ALARM", region=REGION)
    assert stack.up().steps == {}
    assert cloud.calls(DESCRIBE_ALARMS) == 0


def test_a_fleet_that_begins_to_watch_alarms_shows_no_difference(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(each) for each in (FIRST, *REST)])
    stack.configure(fleet(cloud))
    stack.up()
    cloud.reset()
    stack.configure(fleet(cloud, rollout={"alarms": [ALARM], "insufficientData": "block"}))
    assert stack.preview().steps == {}
    assert stack.up().steps == {}
    assert cloud.calls(DESCRIBE_ALARMS) == 0


def sent(cloud: LocalCloud) -> list[str]:
    """The instances that were modified, other than by dry runs."""
    return [call["params"]["InstanceId"] for call in cloud.log(MODIFY) if "DryRun" not in call["params"]]
