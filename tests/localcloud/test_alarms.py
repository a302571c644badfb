"""CloudWatch's alarms: set, changing over time and by faults, described by name, type and state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from localcloud.client import LocalCloud, LocalCloudError
from localcloud.faults import Fault

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client

WEB = "i-0123456789abcdef0"
MODIFY = "ModifyInstanceMetadataOptions"
BOTH: Any = ["MetricAlarm", "CompositeAlarm"]


def states(cloudwatch: CloudWatchClient, **arguments: Any) -> dict[str, str]:  # noqa: ANN401  # as boto3's
    """State by name of metric and composite alarms, from all pages."""
    pages = cloudwatch.get_paginator("describe_alarms").paginate(**arguments)
    return {
        each["AlarmName"]: each["StateValue"]
        for page in pages
        for kind in ("MetricAlarms", "CompositeAlarms")
        for each in page[kind]
    }


def test_an_alarm_shows_its_state_reason_and_time(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    cloud.set_alarm("checkout-5xx", "OK")
    cloud.advance(100_000)
    cloud.set_alarm("checkout-5xx", "ALARM", reason="Threshold Crossed: 9 > 5.")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["checkout-5xx", "none"])["MetricAlarms"]
    assert (alarm["AlarmName"], alarm["StateValue"]) == ("checkout-5xx", "ALARM")
    assert alarm["StateReason"] == "Threshold Crossed: 9 > 5."
    assert abs((cloud.time() - alarm["StateUpdatedTimestamp"]).total_seconds()) < 60
    assert alarm["AlarmArn"].endswith(":alarm:checkout-5xx")


def test_composite_alarms_are_described_only_when_asked_for(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    cloud.set_alarm("metric", "OK")
    cloud.set_alarm("composite", "ALARM", composite=True)
    names: Any = {"AlarmNames": ["metric", "composite"]}
    assert states(cloudwatch, **names) == {"metric": "OK"}
    assert states(cloudwatch, AlarmTypes=["CompositeAlarm"], **names) == {"composite": "ALARM"}
    answer = cloudwatch.describe_alarms(AlarmTypes=BOTH)
    assert [each["AlarmName"] for each in answer["CompositeAlarms"]] == ["composite"]
    assert [each["AlarmName"] for each in answer["MetricAlarms"]] == ["metric"]


def test_alarms_are_described_in_pages_by_prefix_and_by_state(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    for number in range(120):
        cloud.set_alarm(f"web-{number:03}", "ALARM" if number == 70 else "OK", composite=number % 2 == 0)
    assert len(states(cloudwatch, AlarmTypes=BOTH)) == 120
    assert cloud.calls("DescribeAlarms") == 3
    assert len(states(cloudwatch, AlarmTypes=BOTH, PaginationConfig={"PageSize": 100})) == 120
    assert cloud.calls("DescribeAlarms") == 5
    assert states(cloudwatch, AlarmTypes=BOTH, StateValue="ALARM") == {"web-070": "ALARM"}
    assert len(states(cloudwatch, AlarmTypes=BOTH, AlarmNamePrefix="web-01")) == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"AlarmNames": [f"web-{number}" for number in range(101)]}, "length less than or equal to 100"),
        ({"AlarmTypes": ["Metric"]}, "Value 'Metric' at 'alarmTypes'"),
        ({"MaxRecords": 101}, "Value '101' at 'maxRecords'"),
        ({"AlarmNames": ["web"], "AlarmNamePrefix": "web"}, "cannot be used together"),
    ],
)
def test_bad_requests_are_refused(arguments: dict[str, Any], message: str, cloudwatch: CloudWatchClient) -> None:
    with pytest.raises(ClientError, match=rf"\(ValidationError\).*{message}"):
        cloudwatch.describe_alarms(**arguments)


def test_100_names_are_described_in_one_call(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    names = [f"web-{number}" for number in range(100)]
    for each in names:
        cloud.set_alarm(each, "OK")
    answer = cloudwatch.describe_alarms(AlarmNames=names, MaxRecords=100)
    assert (len(answer["MetricAlarms"]), "NextToken" in answer) == (100, False)


def test_alarms_belong_to_a_region_and_are_wiped(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    cloud.set_alarm("web", "OK", region="eu-west-1")
    assert states(cloudwatch) == {}
    cloud.set_alarm("web", "OK", after=5)
    cloud.wipe()
    cloud.advance(5)
    assert states(cloudwatch) == {}


def test_an_alarm_can_change_after_a_time_of_the_servers_clock(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    cloud.set_alarm("web", "OK")
    cloud.set_alarm("web", "INSUFFICIENT_DATA", after=2_000)
    cloud.set_alarm("web", "ALARM", after=1_000)
    seen = []
    for _ in range(3):
        seen.append(states(cloudwatch)["web"])
        cloud.advance(1_000)
    assert seen == ["OK", "ALARM", "INSUFFICIENT_DATA"]
    [alarm] = cloudwatch.describe_alarms()["MetricAlarms"]
    assert 900 < (cloud.time() - alarm["StateUpdatedTimestamp"]).total_seconds() < 1_100


def test_an_alarm_can_go_off_when_a_number_of_instances_has_been_modified(
    cloud: LocalCloud, ec2: EC2Client, cloudwatch: CloudWatchClient
) -> None:
    cloud.seed([{"id": WEB}])
    cloud.set_alarm("web", "OK")
    cloud.set_faults(Fault("alarm", MODIFY, nth=2, after=True, target="web", message="too many errors"))
    for expected in ("OK", "ALARM"):
        ec2.modify_instance_metadata_options(InstanceId=WEB, HttpTokens="required")
        assert states(cloudwatch) == {"web": expected}
    assert cloudwatch.describe_alarms()["MetricAlarms"][0]["StateReason"] == "too many errors"


def test_alarms_made_with_boto3_are_described_too(cloudwatch: CloudWatchClient) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName="web",
        Namespace="AWS/ApplicationELB",
        MetricName="HTTPCode_Target_5XX_Count",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName="web", StateValue="ALARM", StateReason="by hand")
    [alarm] = cloudwatch.describe_alarms()["MetricAlarms"]
    assert (alarm["StateValue"], alarm["StateReason"], alarm["Threshold"]) == ("ALARM", "by hand", 5)


def test_descriptions_of_alarms_can_be_denied_and_fail(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    cloud.settings(denied=["cloudwatch:DescribeAlarms"])
    with pytest.raises(ClientError, match=r"\(AccessDenied\).*allows the cloudwatch:DescribeAlarms action"):
        cloudwatch.describe_alarms()
    cloud.settings(denied=[], throttle={"DescribeAlarms": [1, 0]})
    cloud.set_faults(Fault("error", "DescribeAlarms", code="InternalFailure"))
    with pytest.raises(ClientError, match="InternalFailure"):
        cloudwatch.describe_alarms()
    with pytest.raises(ClientError, match="Throttling"):
        cloudwatch.describe_alarms()
    assert cloud.counts()["DescribeAlarms"] == {"calls": 3, "throttled": 1, "errors": 2}


def test_bad_states_of_alarms_are_rejected(cloud: LocalCloud, cloudwatch: CloudWatchClient) -> None:
    with pytest.raises(LocalCloudError, match="web: state must be one of OK, ALARM, INSUFFICIENT_DATA, not 'RED'"):
        cloud.set_alarm("web", "RED")
    with pytest.raises(LocalCloudError, match="after must be a number of 0 or more"):
        cloud.set_alarm("web", "OK", after=-1)
    with pytest.raises(LocalCloudError, match="alarm needs the name of an alarm as target"):
        cloud.send("POST", "faults", [{"effect": "alarm"}])
    assert states(cloudwatch) == {}
