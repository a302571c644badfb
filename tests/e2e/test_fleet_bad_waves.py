"""A wave that does not do well stops the rollout, until it is mended or taken out."""

from __future__ import annotations

import re

from localcloud.client import LocalCloud
from localcloud.shapes import WorkloadSeed
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
from tests.support.engine import Stack

FIRST, CALLING, IMPAIRED, *REST = IN_ORDER[:6]
UNWATCHED = {"readiness": {"legacyCalls": "off"}, "rollout": {"waves": [1, 3, "100%"]}, "onDestroy": "restore"}
CALLS: WorkloadSeed = {"legacy_calls_per_minute": 6000}


def test_a_bad_wave_stops_the_rollout_and_once_it_is_mended_the_next_up_does_only_the_rest(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([member(each) for each in (FIRST, CALLING, IMPAIRED, *REST)])
    cloud.change(CALLING, {"workload": CALLS})
    cloud.change(IMPAIRED, {"status": "impaired"})
    stack.configure(fleet(cloud, **UNWATCHED))
    for already in ({FIRST, CALLING, IMPAIRED}, set()):
        up = stack.up(fails=True)
        assert up.failed == checks(2)
        (said,) = (each for each in up.said("error") if each.startswith("wave 2/3 of web: the rollout stops"))
        assert re.search(rf"{CALLING}: refused [\d,]+ IMDSv1 calls", said)
        assert f"{IMPAIRED}: system status impaired and instance status impaired" in said
        assert FIRST not in said
        assert set(modifications(cloud)) == already
    assert tokens(cloud, REST) == {"optional"}

    cloud.change(CALLING, {"workload": {}})
    cloud.change(IMPAIRED, {"status": "ok"})
    assert stack.up().steps == {"create": fleet_rows(*REST) | barriers(3) | checks(2, 3)}
    assert set(modifications(cloud)) == set(REST)
    assert stack.up().steps == {}


def test_bad_instances_that_are_excluded_go_back_if_there_is_a_reason_and_the_rollout_goes_on(
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


def test_a_bad_instance_that_is_exempted_uses_imdsv1_again_before_the_rollout_goes_on(
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


def test_a_bad_instance_that_joins_later_stops_every_run_until_it_is_mended(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(each) for each in REST])
    stack.configure(fleet(cloud, **UNWATCHED))
    stack.up()
    cloud.seed([member(each) for each in (FIRST, CALLING)])
    cloud.change(FIRST, {"status": "impaired"})
    for _ in range(2):
        up = stack.up(fails=True)
        assert up.failed == checks(1)
        assert tokens(cloud, [CALLING]) == {"optional"}

    cloud.change(FIRST, {"status": "ok"})
    stack.up()
    assert tokens(cloud, IN_ORDER[:2]) == {"required"}
    assert stack.up().steps == {}
