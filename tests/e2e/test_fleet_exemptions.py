"""Exempt instances, and what a stack reports about them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from localcloud.client import LocalCloud
from tests.e2e.fleet import IN_ORDER, errors, fleet, fleet_rows, instance, member, modifications
from tests.support.engine import Stack

PLAIN, LOOSER, LEFT, STOPPED = IN_ORDER[:4]


def test_an_exemption_sets_other_options_or_none_and_fails_the_preview_once_it_has_ended(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([member(each) for each in (PLAIN, LOOSER, LEFT)])
    wanted = {"httpTokens": "required", "instanceMetadataTags": "enabled"}
    looser = {"instance": LOOSER, "reason": "an old agent", "until": day(400), "options": {"httpTokens": "optional"}}
    left = {"instance": LEFT, "reason": "being replaced", "until": day(-2)}
    given = {"options": {"httpPutResponseHopLimit": 3}, "exemptions": [looser, left]}
    ended = f"the exemption of {LEFT} (being replaced) ended on {day(-2)}: remove it, or give it a later date."

    stack.configure(fleet(cloud, wanted=wanted, **given))
    assert ended in errors(stack.preview(fails=True))
    assert modifications(cloud) == {}

    stack.configure(fleet(cloud, wanted=wanted, **given, expiredExemptions="warn"))
    preview = stack.preview()
    assert any(ended in each for each in preview.messages("warning"))
    assert LOOSER not in "".join(preview.messages("warning"))
    up = stack.up()
    both = {"HttpPutResponseHopLimit": "3", "InstanceMetadataTags": "enabled", "HttpEndpoint": "enabled"}
    assert modifications(cloud) == {
        PLAIN: {**both, "HttpTokens": "required"},
        LOOSER: both,
    }
    assert fleet_rows(LEFT).isdisjoint(stack.resources())
    assert [(each["instance"], each["reason"], each["until"]) for each in up.outputs["fleets"]["web"]["exempt"]] == [
        (LOOSER, "an old agent", day(400)),
        (LEFT, "being replaced", day(-2)),
    ]


def test_the_outputs_list_pending_exempt_and_non_compliant_instances(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(PLAIN), member(LEFT)])
    cloud.seed([{**instance(STOPPED, state="stopped"), "tags": {"Team": "web"}}])
    exemption = {"instance": LEFT, "reason": "being replaced", "until": day(7)}
    stack.configure(fleet(cloud, exemptions=[exemption]))
    (ending,) = stack.preview().messages("warning")
    assert f"the exemption of {LEFT} (being replaced) ends on {day(7)}, " in ending
    up = stack.up()
    report = {
        "selected": 3,
        "applied": 1,
        "pendingStart": [STOPPED],
        "unknown": [],
        "exempt": [exemption],
        "notCompliant": sorted([LEFT, STOPPED]),
        "launchSources": [],
        "serviceManaged": [],
    }
    assert up.outputs["fleets"] == {"web": report}

    cloud.start_instance(STOPPED)
    stack.refresh()
    now = {**report, "applied": 2, "pendingStart": [], "notCompliant": [LEFT]}
    assert stack.up().outputs["fleets"] == {"web": now}


def day(days: int) -> str:
    """The date so many days from now."""
    return (datetime.now(timezone.utc).date() + timedelta(days=days)).isoformat()
