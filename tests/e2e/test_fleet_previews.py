"""What a preview reports about a fleet, and the requests that it makes."""

from __future__ import annotations

import re
from collections import Counter

from localcloud.client import LocalCloud
from localcloud.ec2.instances import Seed
from tests.e2e.fleet import IN_ORDER, MODIFY, REGION, errors, fleet, instance, member, modifications
from tests.support.engine import Stack

RIGHT, HOPS, TOKENS, STOPPED, EXEMPT, CALLING = IN_ORDER[:6]
DENIED = ["ec2:ModifyInstanceMetadataOptions", "ec2:DescribeInstanceStatus", "cloudwatch:GetMetricData"]
OFF = {"legacyCalls": "off"}
MANY = 1000


def test_a_preview_summarizes_the_fleet(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(RIGHT, {"HttpTokens": "required", "HttpPutResponseHopLimit": 2})])
    cloud.seed([member(HOPS, {"HttpTokens": "required"}), member(TOKENS, {"HttpPutResponseHopLimit": 2})])
    cloud.seed([{**instance(STOPPED, state="stopped"), "tags": {"Team": "web"}}, member(EXEMPT), member(CALLING)])
    cloud.change(CALLING, {"workload": {"legacy_calls_per_minute": 1}})
    wanted = {"httpTokens": "required", "httpPutResponseHopLimit": 2}
    exemption = {"instance": EXEMPT, "reason": "being replaced", "until": "2999-12-31"}
    stack.configure(fleet(cloud, wanted=wanted, exemptions=[exemption]))
    preview = stack.preview(fails=True)
    (reported,) = (each for each in preview.messages("info") if each.startswith("fleet web"))
    assert re.sub(" +", " ", reported).splitlines() == [
        "fleet web: 6 selected",
        " already right 1",
        " to change 4 httpTokens: optional -> required 3, httpPutResponseHopLimit: 1 -> 2 3",
        f" stopped 1 apply at the next start: {STOPPED}",
        f" exempt 1 {EXEMPT}",
        f" blocked 1 {CALLING}",
        " waves 2 1 + 3",
    ]


def test_a_preview_names_each_missing_permission_unless_preflight_is_off(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(TOKENS)])
    cloud.settings(denied=DENIED)
    stack.configure(fleet(cloud, readiness=OFF))
    reported = errors(stack.preview(fails=True))
    for action in DENIED:
        assert f"The credentials in use lack the permission {action}; grant it and run again." in reported
    assert modifications(cloud) == {}

    stack.configure(fleet(cloud, readiness=OFF, preflight="off"))
    stack.preview()
    assert set(cloud.counts()) == {"DescribeInstances"}


def test_without_permission_to_read_metrics_the_error_says_that_imdsv1_usage_is_unknown(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([member(TOKENS)])
    cloud.settings(denied=DENIED[2:])
    stack.configure(fleet(cloud, preflight="off"))
    reported = errors(stack.preview(fails=True))
    assert "IMDSv1 usage is not known: " in reported
    assert DENIED[2] in reported
    assert modifications(cloud) == {}


def test_a_fleet_is_changed_in_two_regions_side_by_side(stack: Stack, cloud: LocalCloud) -> None:
    there: Seed = {**member(HOPS), "region": "us-east-1"}
    cloud.seed([member(TOKENS), there])
    stack.configure(fleet(cloud, regions=[REGION, "us-east-1"]))
    reported = "\n".join(stack.preview().messages("info"))
    assert f"fleet web in {REGION}: 1 selected" in reported
    assert "fleet web in us-east-1: 1 selected" in reported
    up = stack.up()
    modified = {(call["region"], *call["instance_ids"]) for call in cloud.log(MODIFY) if "DryRun" not in call["params"]}
    assert modified == {(REGION, TOKENS), ("us-east-1", HOPS)}
    assert up.outputs["fleets"]["web"] == {
        "selected": 2,
        "applied": 2,
        "pendingStart": [],
        "unknown": [],
        "exempt": [],
        "notCompliant": [],
        "launchSources": [],
        "serviceManaged": [],
    }
    regions = Counter(each["outputs"]["region"] for each in stack.resources().values())
    assert regions == {REGION: 7, "us-east-1": 7}, "in each a row, and three waves with a barrier and a check"
    assert stack.up().steps == {}


def test_a_preview_of_a_thousand_instances_makes_a_handful_of_requests(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(f"i-{number:017x}") for number in range(MANY)])
    stack.configure(fleet(cloud))
    assert len(stack.preview().steps["create"]) == MANY + 6
    assert cloud.calls("DescribeInstances") <= 3
    metrics = Counter(len(call["instance_ids"]) for call in cloud.log("GetMetricData"))
    assert metrics == {500: 2, 1: 1}, "and one more to see if it will be permitted"
