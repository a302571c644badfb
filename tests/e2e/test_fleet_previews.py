"""What a preview tells of a fleet, and what it asks for that."""

from __future__ import annotations

import re
from collections import Counter

from localcloud.client import LocalCloud
from localcloud.ec2.instances import Seed
from tests.e2e.fleet import IN_ORDER, MODIFY, REGION, complaints, fleet, instance, member, modifications
from tests.support.engine import Stack

RIGHT, HOPS, TOKENS, STOPPED, EXEMPT, CALLING = IN_ORDER[:6]
DENIED = ["ec2:ModifyInstanceMetadataOptions", "ec2:DescribeInstanceStatus", "cloudwatch:GetMetricData"]
OFF = {"legacyCalls": "off"}
MANY = 1000


def test_a_preview_counts_what_will_become_of_the_fleet(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(RIGHT, {"HttpTokens": "required", "HttpPutResponseHopLimit": 2})])
    cloud.seed([member(HOPS, {"HttpTokens": "required"}), member(TOKENS, {"HttpPutResponseHopLimit": 2})])
    cloud.seed([{**instance(STOPPED, state="stopped"), "tags": {"Team": "web"}}, member(EXEMPT), member(CALLING)])
    cloud.change(CALLING, {"workload": {"legacy_calls_per_minute": 1}})
    wanted = {"httpTokens": "required", "httpPutResponseHopLimit": 2}
    exemption = {"instance": EXEMPT, "reason": "being replaced", "until": "2999-12-31"}
    stack.configure(fleet(cloud, wanted=wanted, exemptions=[exemption]))
    preview = stack.preview(fails=True)
    (told,) = (each for each in preview.said("info") if each.startswith("fleet web"))
    assert re.sub(" +", " ", told).splitlines() == [
        "fleet web: 6 selected",
        " already right 1",
        " to change 4 httpTokens: optional -> required 3, httpPutResponseHopLimit: 1 -> 2 3",
        f" stopped 1 apply at the next start: {STOPPED}",
        f" exempt 1 {EXEMPT}",
        f" blocked 1 {CALLING}",
        " waves 2 1 + 3",
    ]


def test_a_preview_names_each_permission_that_the_run_would_lack_and_can_be_told_not_to_ask(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([member(TOKENS)])
    cloud.settings(denied=DENIED)
    stack.configure(fleet(cloud, readiness=OFF))
    said = complaints(stack.preview(fails=True))
    for action in DENIED:
        assert f"The credentials in use lack the permission {action}; grant it and run again." in said
    assert modifications(cloud) == {}

    stack.configure(fleet(cloud, readiness=OFF, preflight="off"))
    stack.preview()
    assert set(cloud.counts()) == {"DescribeInstances"}


def test_who_may_not_read_metrics_is_told_that_nothing_is_known_of_imdsv1(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(TOKENS)])
    cloud.settings(denied=DENIED[2:])
    stack.configure(fleet(cloud, preflight="off"))
    said = complaints(stack.preview(fails=True))
    assert "it is not known who still uses IMDSv1, since " in said
    assert DENIED[2] in said
    assert modifications(cloud) == {}


def test_a_fleet_is_brought_over_in_two_regions_side_by_side(stack: Stack, cloud: LocalCloud) -> None:
    there: Seed = {**member(HOPS), "region": "us-east-1"}
    cloud.seed([member(TOKENS), there])
    stack.configure(fleet(cloud, regions=[REGION, "us-east-1"]))
    told = "\n".join(stack.preview().said("info"))
    assert f"fleet web in {REGION}: 1 selected" in told
    assert "fleet web in us-east-1: 1 selected" in told
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
    }
    regions = Counter(each["outputs"]["region"] for each in stack.resources().values())
    assert regions == {REGION: 7, "us-east-1": 7}, "in each a row, and three waves with a barrier and a check"
    assert stack.up().steps == {}


def test_a_preview_of_a_thousand_instances_asks_a_handful_of_questions(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(f"i-{number:017x}") for number in range(MANY)])
    stack.configure(fleet(cloud))
    assert len(stack.preview().steps["create"]) == MANY + 6
    assert cloud.calls("DescribeInstances") <= 3
    metrics = Counter(len(call["instance_ids"]) for call in cloud.log("GetMetricData"))
    assert metrics == {500: 2, 1: 1}, "and one more to see if it will be permitted"
