"""DescribeInstanceStatus, denied actions, and a thousand instances."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from localcloud.client import LocalCloud
from localcloud.faults import Fault

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

WEB, API = "i-0123456789abcdef0", "i-0123456789abcdef1"


def statuses(ec2: EC2Client) -> dict[str, tuple[str, str]]:
    """System and instance status by instance ID."""
    answer = ec2.describe_instance_status()["InstanceStatuses"]
    return {each["InstanceId"]: (each["SystemStatus"]["Status"], each["InstanceStatus"]["Status"]) for each in answer}


def error_of(call: Callable[[], object]) -> tuple[str, str]:
    """Code and message of the error that the call raises."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_instances_can_be_set_to_impaired_and_back(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed([{"id": WEB, "status": "impaired"}, {"id": API}])
    assert statuses(ec2) == {WEB: ("impaired", "impaired"), API: ("ok", "ok")}
    [impaired] = ec2.describe_instance_status(InstanceIds=[WEB])["InstanceStatuses"]
    [detail] = impaired["InstanceStatus"]["Details"]
    assert (detail["Name"], detail["Status"]) == ("reachability", "failed")
    assert abs(detail["ImpairedSince"].timestamp() - time.time()) < 60
    cloud.change(WEB, {"status": "ok"})
    cloud.change(API, {"status": "impaired"})
    assert statuses(ec2) == {WEB: ("ok", "ok"), API: ("impaired", "impaired")}


def test_a_stopped_instance_is_listed_only_on_request_and_has_no_status(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed([{"id": WEB, "state": "stopped", "status": "impaired"}, {"id": API}])
    assert set(statuses(ec2)) == {API}
    [stopped, _] = ec2.describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"]
    assert stopped["InstanceId"] == WEB
    assert (stopped["SystemStatus"]["Status"], stopped["InstanceStatus"]["Status"]) == (("not-applicable",) * 2)


def test_status_calls_meet_faults_throttling_and_counts(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed([{"id": WEB}])
    cloud.settings(throttle={"DescribeInstanceStatus": [2, 0]})
    cloud.set_faults(Fault("error", action="DescribeInstanceStatus", code="InternalError"))
    assert error_of(ec2.describe_instance_status)[0] == "InternalError"
    ec2.describe_instance_status()
    assert error_of(ec2.describe_instance_status)[0] == "RequestLimitExceeded"
    assert cloud.counts() == {"DescribeInstanceStatus": {"calls": 3, "throttled": 1, "errors": 1}}


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_denied_action_is_unauthorized_also_in_a_dry_run(
    dry_run: bool,  # noqa: FBT001
    cloud: LocalCloud,
    ec2: EC2Client,
) -> None:
    cloud.seed([{"id": WEB}])
    assert cloud.settings(denied=["ec2:ModifyInstanceMetadataOptions", "cloudwatch:GetMetricData"])["denied"] == [
        "ec2:ModifyInstanceMetadataOptions",
        "cloudwatch:GetMetricData",
    ]
    modify = partial(ec2.modify_instance_metadata_options, InstanceId=WEB, HttpTokens="required", DryRun=dry_run)
    code, message = error_of(modify)
    assert code == "UnauthorizedOperation"
    assert "is not authorized to perform: ec2:ModifyInstanceMetadataOptions" in message
    assert cloud.instance(WEB)["options"].get("HttpTokens") == "optional"
    assert statuses(ec2) == {WEB: ("ok", "ok")}, "other actions are allowed"
    cloud.settings(denied=[])
    if dry_run:
        assert error_of(modify)[0] == "DryRunOperation"
    else:
        modify()
        assert cloud.instance(WEB)["options"].get("HttpTokens") == "required"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("RequestLimitExceeded", "Request limit exceeded."),
        ("Throttling", "Rate exceeded"),
        ("UnauthorizedOperation", "is not authorized to perform: ec2:DescribeInstanceStatus because"),
        ("AccessDenied", "is not authorized to perform: ec2:DescribeInstanceStatus because"),
    ],
)
def test_describing_statuses_can_be_refused_with_awss_wording(
    code: str, message: str, cloud: LocalCloud, ec2: EC2Client
) -> None:
    cloud.set_faults(Fault("error", "DescribeInstanceStatus", code=code))
    with pytest.raises(ClientError) as caught:
        ec2.describe_instance_status()
    assert caught.value.response["Error"]["Code"] == code
    assert message in caught.value.response["Error"]["Message"]


def test_1005_instances_are_seeded_and_described_in_pages_within_seconds(cloud: LocalCloud, ec2: EC2Client) -> None:
    ids = [f"i-{number:017x}" for number in range(1005)]
    # CPU time of this process, which the cloud runs in: independent of what else the machine does.
    started = time.process_time()
    cloud.seed([{"id": each, "tags": {"Team": "web"}} for each in ids])
    assert time.process_time() - started < 10
    started = time.process_time()
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[{"Name": "tag:Team", "Values": ["web"]}], PaginationConfig={"PageSize": 1000}
    )
    listed = [
        [instance["InstanceId"] for reservation in page["Reservations"] for instance in reservation["Instances"]]
        for page in pages
    ]
    assert time.process_time() - started < 5
    assert listed == [ids[:1000], ids[1000:]]
    assert len(statuses(ec2)) == 1000
