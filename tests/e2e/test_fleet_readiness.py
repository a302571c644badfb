"""IMDSv1 calls before tokens are required, and loosening without a reason."""

from __future__ import annotations

import re

from localcloud.client import LocalCloud
from tests.e2e.fleet import IN_ORDER, errors, fleet, member, modifications, tokens
from tests.support.engine import Stack

CALLING, QUIET, UNKNOWN, REQUIRED_ALREADY = IN_ORDER[:4]
MINUTE = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
NO_DATA = f"CloudWatch has no data on IMDSv1 calls of {UNKNOWN} in the last 14 days: it may make some."


def test_imdsv1_calls_stop_the_run_or_are_warned_of_or_ignored_as_configured(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(each) for each in (CALLING, QUIET, UNKNOWN)])
    cloud.seed([member(REQUIRED_ALREADY, {"HttpTokens": "required"})])
    cloud.change(CALLING, {"workload": {"legacy_calls_per_minute": 2}})
    cloud.change(QUIET, {"workload": {"legacy_calls_per_minute": 50, "legacy_until_days_ago": 20}})
    cloud.change(UNKNOWN, {"workload": {"unknown": True}})
    called = re.compile(
        rf"{CALLING} made 40,3\d\d IMDSv1 calls in the last 14 days, the last between {MINUTE} and {MINUTE}\."
    )

    watched = {"preflight": "off", "rollout": {"soakMinutes": 15}}
    stack.configure(fleet(cloud, **watched))
    preview = stack.preview(fails=True)
    assert preview.messages("warning") == [NO_DATA]
    for run in (preview, stack.up(fails=True)):
        reported = errors(run)
        assert called.search(reported)
        assert "exempt or exclude these instances, or let readiness warn instead of block." in reported
        assert QUIET not in reported
        assert UNKNOWN not in reported
    asked = {each for call in cloud.log("GetMetricData") for each in call["instance_ids"]}
    assert asked == {CALLING, QUIET, UNKNOWN}
    assert modifications(cloud) == {}

    stack.configure(fleet(cloud, **watched, readiness={"legacyCalls": "warn", "unknown": "block"}))
    preview = stack.preview(fails=True)
    assert NO_DATA in errors(preview)
    assert not called.search(errors(preview))
    assert called.search("".join(preview.messages("warning")))

    cloud.reset()
    stack.configure(fleet(cloud, **watched, readiness={"legacyCalls": "off"}))
    assert stack.preview().messages("warning") == []
    assert cloud.calls("GetMetricData") == 0

    relaxed = {"rollout": {"waves": ["100%"]}, "readiness": {"legacyCalls": "warn", "unknown": "ignore"}}
    stack.configure(fleet(cloud, **relaxed))
    cloud.change(CALLING, {"workload": {"legacy_calls_per_minute": 2, "legacy_until_days_ago": 1}})
    (warning,) = stack.preview().messages("warning")
    assert re.search(rf"^{CALLING} made 37,\d\d\d IMDSv1 calls", warning, re.MULTILINE)
    assert UNKNOWN not in warning
    stack.up()
    assert set(modifications(cloud)) == {CALLING, QUIET, UNKNOWN}


def test_loosening_fails_the_preview_unless_a_reason_is_given_for_the_fleet_or_the_instance(
    stack: Stack, cloud: LocalCloud
) -> None:
    strict, closed, open_ = IN_ORDER[:3]
    cloud.seed([member(strict, {"HttpTokens": "required"}), member(closed, {"HttpEndpoint": "disabled"})])
    cloud.seed([member(open_)])
    looser = {"httpTokens": "optional", "httpEndpoint": "enabled"}
    about_strict = f"{strict} would be loosened (httpTokens: required -> optional)"
    about_closed = f"{closed} would be loosened (httpEndpoint: disabled -> enabled)"

    stack.configure(fleet(cloud, wanted=looser))
    reported = errors(stack.preview(fails=True))
    assert about_strict in reported
    assert about_closed in reported
    assert open_ not in reported

    stack.configure(fleet(cloud, wanted=looser, allowDowngrade={strict: "the agent of its backup"}))
    reported = errors(stack.preview(fails=True))
    assert about_strict not in reported
    assert about_closed in reported
    assert modifications(cloud) == {}

    stack.configure(fleet(cloud, wanted=looser, allowDowngrade="the region is given up"))
    stack.up()
    assert set(modifications(cloud)) == {strict, closed}
    assert tokens(cloud, [strict, closed]) == {"optional"}
    assert cloud.instance(closed)["options"]["HttpEndpoint"] == "enabled"
