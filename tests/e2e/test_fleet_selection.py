"""The instances of a fleet, and those that join and leave it."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import (
    IN_ORDER,
    REQUIRED,
    aws_config,
    barriers,
    checks,
    errors,
    fleet,
    fleet_rows,
    member,
    modifications,
    tokens,
)
from tests.support.engine import Stack

STAYING, LEAVING, RESTORED, NEW, NAMED, EXCLUDED, FOREIGN, _ = IN_ORDER
GIVEN = {
    "instances": [NAMED],
    "exclude": [EXCLUDED],
    "rollout": {"waves": ["100%"]},
    "allowDowngrade": {RESTORED: "is given to another team"},
}


def test_a_fleet_has_the_selected_and_given_instances_but_not_the_excluded_ones(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([member(each) for each in (STAYING, LEAVING, RESTORED, EXCLUDED)])
    cloud.seed([member(each, team="mail") for each in (NAMED, FOREIGN)])
    stack.configure(fleet(cloud, **GIVEN))
    stack.up()
    assert set(modifications(cloud)) == {STAYING, LEAVING, RESTORED, NAMED}

    cloud.seed([member(NEW)])
    coming = {"create": fleet_rows(NEW), "update": barriers(1) | checks(1)}
    assert stack.preview().steps == coming
    assert stack.up().steps == coming
    assert set(modifications(cloud)) == {NEW}

    # What was recorded last decides whether a released instance is restored.
    cloud.change(LEAVING, {"tags": {"Team": "mail"}})
    stack.configure(fleet(cloud, **GIVEN, onDestroy="restore"))
    up = stack.up()
    assert up.steps == {
        "delete": fleet_rows(LEAVING),
        "update": fleet_rows(STAYING, RESTORED, NEW, NAMED) | barriers(1),
    }
    assert modifications(cloud) == {}
    assert tokens(cloud, [LEAVING]) == {"required"}

    cloud.change(RESTORED, {"tags": {"Team": "mail"}})
    assert stack.up().steps == {"delete": fleet_rows(RESTORED), "update": barriers(1)}
    assert set(modifications(cloud)) == {RESTORED}
    assert tokens(cloud, [RESTORED]) == {"optional"}
    assert tokens(cloud, [STAYING, NEW, NAMED]) == {"required"}


def test_a_fleet_that_selects_no_instance_is_a_warning(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(FOREIGN, team="mail")])
    stack.configure(fleet(cloud))
    preview = stack.preview()
    assert preview.messages("warning") == ["selects no instance in eu-west-1: check select, instances and the region."]
    assert "fleet web: 0 selected" in preview.messages("info")


def test_each_fleet_describes_its_instances_in_one_call(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(STAYING), member(NAMED, team="mail")])
    fleets = {team: {"select": {"tag:Team": [team]}, "preflight": "off"} for team in ("web", "mail")}
    stack.configure({**fleet(cloud), "imds:fleets": fleets})
    assert fleet_rows(STAYING) | {f"InstanceMetadataOptions mail-{NAMED}"} <= stack.preview().steps["create"]
    asked = [call["params"] for call in cloud.log("DescribeInstances")]
    assert sorted(value for call in asked for value in call.values() if value in fleets) == ["mail", "web"]
    assert len(asked) == 2


def test_a_filter_that_ec2_does_not_have_is_reported_with_ec2s_error(stack: Stack, cloud: LocalCloud) -> None:
    stack.configure(fleet(cloud, select={"tags:Team": ["web"]}))
    reported = errors(stack.preview(fails=True))
    assert "The filter 'tags:Team' is invalid" in reported


def test_an_instance_of_two_fleets_and_an_id_that_does_not_exist_fail_the_preview(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([member(STAYING), member(NAMED, team="mail")])
    web = {"select": {"tag:Team": ["web"]}, "instances": [FOREIGN]}
    mail = {"select": {"tag:Team": ["web", "mail"]}}
    stack.configure({**fleet(cloud), "imds:fleets": {"mail": mail, "web": web}})
    reported = errors(stack.preview(fails=True))
    assert f"{STAYING} is in the fleets mail and web: exclude it from all but one." in reported
    assert f"{FOREIGN} does not exist in eu-west-1" in reported
    assert NAMED not in reported
    assert modifications(cloud) == {}


def test_all_mistakes_in_a_fleet_are_reported_at_once_before_any_request(stack: Stack, cloud: LocalCloud) -> None:
    web = {
        "select": {"metadata-options.http-tokens": ["optional"]},
        "exclude": ["web-1"],
        "rollout": {"waves": ["10%", "5%"], "soakMinute": 5},
        "readiness": {"legacyCalls": "maybe"},
        "exemptions": [{"instance": NAMED, "until": "soon"}],
    }
    stack.configure({**aws_config(cloud), "imds:options": REQUIRED, "imds:fleets": {"web": web}})
    reported = errors(stack.preview(fails=True))
    for sentence in (
        "cannot select a fleet: an instance would leave as soon as it complies.",
        "imds:fleets.web.exclude[0] must be an instance ID",
        'waves must ascend, since sizes are cumulative: "5%" cannot come after "10%".',
        "imds:fleets.web.rollout.soakMinute is not a known key; did you mean soakMinutes?",
        'imds:fleets.web.readiness.legacyCalls must be "block", "warn" or "off", got "maybe".',
        "imds:fleets.web.exemptions[0].until must be a day such as 2027-01-31",
        "imds:fleets.web.exemptions[0].reason",
    ):
        assert sentence in reported
    assert cloud.counts() == {}
