"""A run with ``--target`` that changes instances and leaves out their barrier."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from imds_components import InstanceMetadata
from imds_provider.rules.target import Change
from tests.support.mocked_programs import Programs

WEB = "i-0123456789abcdef0"
RECORDED = Change("965f4789", datetime(2026, 11, 25, 4, 40, 12, tzinfo=timezone.utc))
RECORDED_BY_0_2_0 = f"{WEB} httpTokens=required change=965f4789-20261125T044012Z"
EARLIER = f"{WEB} httpTokens=required change=0ddba11"


@pytest.mark.parametrize(
    ("waited_for", "warns"),
    [({"web": RECORDED_BY_0_2_0}, False), ({"web": EARLIER}, True), ({}, True)],
    ids=["the same, recorded by 0.2.0", "changed again", "a new instance"],
)
def test_a_run_warns_of_instances_whose_last_change_was_not_waited_for(
    programs: Programs, waited_for: dict[str, str], *, warns: bool
) -> None:
    programs.change = RECORDED
    programs.recorded_targets = waited_for
    run = programs.run(lambda: InstanceMetadata("fleet", instances={"web": WEB}, http_tokens="required"))
    warnings = [each for each in run.log if "since --target left out the barrier fleet: web" in each]
    assert len(warnings) == (1 if warns else 0)


def test_a_run_that_waited_for_every_change_warns_of_nothing(programs: Programs) -> None:
    run = programs.run(lambda: InstanceMetadata("fleet", instances={"web": WEB}, http_tokens="required"))
    assert [each for each in run.log if "--target" in each] == []
