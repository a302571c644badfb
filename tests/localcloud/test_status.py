"""Statuses that are set, actions that are denied, and a thousand instances."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from localcloud.client import LocalCloud, LocalCloudError
from localcloud.faults import Fault
from localcloud.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

WEB, API = "i-0123456789abcdef0", "i-0123456789abcdef1"


def statuses(ec2: EC2Client) -> dict[str, tuple[str, str]]:
    """Of system and instance, by instance id."""
    answer = ec2.describe_instance_status()["InstanceStatuses"]
    return {each["InstanceId"]: (each["SystemStatus"]["Status"], each["InstanceStatus"]["Status"]) for each in answer}


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_instance_is_impaired_when_it_is_said_to_be(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed([{"id": WEB, "status": "impaired"}, {"id": API}])
    assert statuses(ec2) == {WEB: ("impaired", "impaired"), API: ("ok", "ok")}
    [impaired] = ec2.describe_instance_status(InstanceIds=[WEB])["InstanceStatuses"]
    [detail] = impaired["InstanceStatus"]["Details"]
    assert (detail["Name"], detail["Status"]) == ("reachability", "failed")
    assert abs(detail["ImpairedSince"].timestamp() - time.time()) < 60
    cloud.change(WEB, {"status": "ok"})
    cloud.change(API, {"status": "impaired"})
    assert statuses(ec2) == {WEB: ("ok", "ok"), API: ("impaired", "impaired")}
    with pytest.raises(LocalCloudError, match=f"{WEB}: status must be ok or impaired"):
        cloud.change(WEB, {"status": "ill"})


def test_an_instance_that_does_not_run_has_no_status_and_is_told_of_only_when_asked_for(
    cloud: LocalCloud, ec2: EC2Client
) -> None:
    cloud.seed([{"id": WEB, "state": "stopped", "status": "impaired"}, {"id": API}])
    assert set(statuses(ec2)) == {API}
    [stopped, _] = ec2.describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"]
    assert stopped["InstanceId"] == WEB
    assert (stopped["SystemStatus"]["Status"], stopped["InstanceStatus"]["Status"]) == (("not-applicable",) * 2)


def test_statuses_are_counted_fail_and_are_throttled_like_every_action(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed([{"id": WEB}])
    cloud.settings(throttle={"DescribeInstanceStatus": [2, 0]})
    cloud.set_faults(Fault("error", action="DescribeInstanceStatus", code="InternalError"))
    assert refusal(ec2.describe_instance_status)[0] == "InternalError"
    ec2.describe_instance_status()
    assert refusal(ec2.describe_instance_status)[0] == "RequestLimitExceeded"
    assert cloud.counts() == {"DescribeInstanceStatus": {"calls": 3, "throttled": 1, "errors": 1}}


@pytest.mark.parametrize("dry", [False, True])
def test_a_denied_action_is_unauthorized_in_earnest_and_in_a_dry_run(
    dry: bool,  # noqa: FBT001  # each in turn
    cloud: LocalCloud,
    ec2: EC2Client,
) -> None:
    cloud.seed([{"id": WEB}])
    cloud.settings(denied=["ec2:ModifyInstanceMetadataOptions"])
    modify = partial(ec2.modify_instance_metadata_options, InstanceId=WEB, HttpTokens="required", DryRun=dry)
    code, message = refusal(modify)
    assert code == "UnauthorizedOperation"
    assert "is not authorized to perform: ec2:ModifyInstanceMetadataOptions" in message
    assert cloud.instance(WEB)["options"].get("HttpTokens") == "optional"
    assert statuses(ec2) == {WEB: ("ok", "ok")}, "what is not denied is allowed"
    cloud.settings(denied=[])
    if dry:
        assert refusal(modify)[0] == "DryRunOperation"
    else:
        modify()


def test_a_denial_names_the_service_and_the_action(cloud: LocalCloud) -> None:
    assert Settings().changed({"denied": ["cloudwatch:GetMetricData"]}).denied == ("cloudwatch:GetMetricData",)
    with pytest.raises(LocalCloudError, match="denied: expected a list of IAM actions such as ec2:DescribeInstances"):
        cloud.settings(denied=["DescribeInstances"])


def test_more_than_a_thousand_instances_are_seeded_and_described_in_pages_within_seconds(
    cloud: LocalCloud, ec2: EC2Client
) -> None:
    ids = [f"i-{number:017x}" for number in range(1005)]
    # The cloud is in this process, and what else the machine does is not its time.
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
