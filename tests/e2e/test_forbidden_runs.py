"""What forbids a fleet's run does not stop a destroy, and instances stay managed if the run goes on after errors."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import errors, member, modifications, tokens
from tests.e2e.programs import ids, options, program, seeded
from tests.support.engine import Stack

WEB, OLD, CALLING, *_ = ids(3)
MANAGED = 'fleet("web", select={"tag:Team": ["web"]}, readiness=Readiness())'
EXPIRED = f"""
fleet("web", select={{"tag:Team": ["web"]}}, readiness=Readiness(),
      exemptions=[Exemption("{OLD}", "an old agent", "2020-01-01")])
"""


def forbidden(stack: Stack, cloud: LocalCloud) -> None:
    """Give the fleet an instance that still calls IMDSv1 and an exemption that has ended."""
    seeded(stack, cloud)
    cloud.seed([member(WEB), member(OLD)])
    program(stack, MANAGED)
    stack.up()
    cloud.seed([{**member(CALLING), "workload": {"legacy_calls_per_minute": 1.0}}])
    cloud.reset()
    program(stack, EXPIRED)


def test_a_destroy_that_runs_the_program_is_not_stopped(stack: Stack, cloud: LocalCloud) -> None:
    forbidden(stack, cloud)
    reported = errors(stack.preview(fails=True))
    assert f"the exemption of {OLD} (an old agent) ended on 2020-01-01" in reported
    assert f"{CALLING} made " in reported

    stack.destroy(run_program=True)
    assert stack.resources() == {}
    assert options(cloud, WEB, OLD) == {WEB: ("required", 1), OLD: ("required", 1)}


def test_with_continue_on_error_no_instance_of_the_fleet_is_released(stack: Stack, cloud: LocalCloud) -> None:
    forbidden(stack, cloud)
    recorded = set(stack.resources())
    assert f"{CALLING} made " in errors(stack.up(fails=True, continue_on_error=True))
    assert modifications(cloud) == {}
    assert set(stack.resources()) == recorded
    assert tokens(cloud, [WEB, OLD]) == {"required"}
