"""An unhealthy instance stops the rollout until it is fixed, excluded or exempt."""

from __future__ import annotations

import re

from localcloud.client import LocalCloud
from localcloud.ec2.instances import WorkloadSeed
from tests.e2e.fleet import (
    IN_ORDER,
    barriers,
    checks,
    fleet,
    fleet_rows,
    member,
    modifications,
    tokens,
)
from tests.support.engine import Run, Stack

FIRST, CALLING, IMPAIRED, *REST = IN_ORDER[:6]
UNWATCHED = {"readiness": {"legacyCalls": "off"}, "rollout": {"waves": [1, 3, "100%"]}, "onDestroy": "restore"}
CALLS: WorkloadSeed = {"legacy_calls_per_minute": 6000}


def test_unhealthy_instances_stop_the_rollout_and_once_they_are_fixed_the_next_up_changes_the_rest(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([member(each) for each in (FIRST, CALLING, IMPAIRED, *REST)])
    cloud.change(CALLING, {"workload": CALLS})
    stack.configure(fleet(cloud, **UNWATCHED))
    up = stack.up(fails=True)
    assert up.failed == checks(3), "it comes before the last wave"
    reported = stop_of(up, "before wave 3/3 of web: rollout stopped")
    assert re.search(rf"{CALLING}: refused [\d,]+ IMDSv1 calls", reported)
    assert FIRST not in reported
    assert IMPAIRED not in reported
    assert set(modifications(cloud)) == {FIRST, CALLING, IMPAIRED}

    cloud.change(IMPAIRED, {"status": "impaired"})
    up = stack.up(fails=True)
    assert up.failed == checks(1), "before anything else is changed"
    reported = stop_of(up, "before wave 1/3 of web: rollout stopped")
    assert CALLING in reported
    assert f"{IMPAIRED}: system status impaired and instance status impaired" in reported
    assert modifications(cloud) == {}
    assert tokens(cloud, REST) == {"optional"}

    cloud.change(CALLING, {"workload": {}})
    cloud.change(IMPAIRED, {"status": "ok"})
    assert stack.up().steps == {
        "create": fleet_rows(*REST) | barriers(3) | checks(3),
        "update": barriers(1, 2) | checks(1, 2),
    }
    assert set(modifications(cloud)) == set(REST)
    assert stack.up().steps == {}


def test_an_unhealthy_instance_that_is_excluded_is_restored_with_a_reason_and_the_rollout_continues(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([member(each) for each in (FIRST, CALLING, *REST)])
    cloud.change(CALLING, {"workload": CALLS})
    given = {**UNWATCHED, "allowDowngrade": {CALLING: "calls IMDSv1"}}
    stack.configure(fleet(cloud, **given))
    stack.up(fails=True)
    modifications(cloud)

    stack.configure(fleet(cloud, **given, exclude=[CALLING]))
    up = stack.up()
    assert up.steps["delete"] == fleet_rows(CALLING)
    assert tokens(cloud, REST) == {"required"}
    assert tokens(cloud, [CALLING]) == {"optional"}
    assert up.outputs["fleets"]["web"]["applied"] == 1 + len(REST)
    assert stack.up().steps == {}


def test_an_unhealthy_instance_that_is_exempt_may_use_imdsv1_again_before_the_rollout_continues(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([member(each) for each in (FIRST, CALLING, *REST)])
    cloud.change(CALLING, {"workload": CALLS})
    stack.configure(fleet(cloud, **UNWATCHED))
    stack.up(fails=True)
    modifications(cloud)

    loose = {"instance": CALLING, "reason": "old agent", "until": "2999-12-31", "options": {"httpTokens": "optional"}}
    stack.configure(fleet(cloud, **UNWATCHED, exemptions=[loose], allowDowngrade={CALLING: "old agent"}))
    stack.up()
    (loosened, *others) = modifications(cloud)
    assert loosened == CALLING
    assert set(others) == set(REST[1:])
    assert tokens(cloud, [CALLING]) == {"optional"}
    assert stack.up().steps == {}


def test_an_instance_that_was_impaired_before_its_change_causes_a_warning_only(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(each) for each in (FIRST, *REST)])
    cloud.change(FIRST, {"status": "impaired"})
    stack.configure(fleet(cloud, **UNWATCHED))
    (warning,) = stack.preview().messages("warning")
    assert f"{FIRST} already fails a status check (system status impaired and instance status impaired" in warning
    stack.up()
    assert tokens(cloud, [FIRST, *REST]) == {"required"}


def test_a_rollout_stays_stopped_whatever_else_changes_in_the_fleet(stack: Stack, cloud: LocalCloud) -> None:
    unhealthy, *others = IN_ORDER[1:7]
    cloud.seed([member(each) for each in (unhealthy, *others)])
    cloud.change(unhealthy, {"workload": CALLS})
    given = {"readiness": {"legacyCalls": "off"}, "rollout": {"waves": [1, "30%", "100%"]}}
    stack.configure(fleet(cloud, **given))
    assert unhealthy in stop_of(stack.up(fails=True), "before wave")
    assert set(modifications(cloud)) == {unhealthy}

    cloud.seed([member(IN_ORDER[0])])
    assert unhealthy in stop_of(stack.up(fails=True), "before wave 1/3")
    cloud.terminate(others[-1])
    stack.configure(fleet(cloud, **{**given, "rollout": {"waves": [3, "100%"]}}, exclude=[others[0]]))
    assert unhealthy in stop_of(stack.up(fails=True), "before wave 1/2")
    assert modifications(cloud) == {}
    assert tokens(cloud, [IN_ORDER[0], *others[:-1]]) == {"optional"}

    stack.configure(fleet(cloud, **given, exclude=[unhealthy]))
    stack.up()
    assert tokens(cloud, [IN_ORDER[0], *others[:-1]]) == {"required"}


def stop_of(run: Run, beginning: str) -> str:
    """The error with which a rollout stopped."""
    (reported,) = (each for each in run.messages("error") if each.startswith(beginning))
    return reported
