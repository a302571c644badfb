"""A stack that is run with credentials of another account or in another region: nothing is lost or sent."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from localcloud.client import LocalCloud
from localcloud.faults import Fault
from localcloud.settings import Settings
from tests.faults.instances import FIRST, PENDING_SECONDS, SECOND, Fleet, launch
from tests.faults.scenarios import MODIFY
from tests.support.attempts import Run
from tests.support.provider_run import provider_run
from tests.support.stack_in_process import BARRIER, Program, Stack

OURS = "123456789012"
ANOTHER = "210987654321"
ONLY_ANOTHER = {"aws:allowedAccountIds": f'["{ANOTHER}"]'}


@dataclass
class Managed:
    """A stack whose instances are managed and to be restored."""

    cloud: LocalCloud
    fleet: Fleet
    stack: Stack
    program: Program

    def up(self, program: Program, config: Mapping[str, str] | None = None) -> Run:
        with provider_run(self.cloud, config=config) as engine:
            return self.stack.up(program, engine)

    def refresh(self) -> Run:
        with provider_run(self.cloud) as engine:
            return self.stack.refresh(self.program, engine)

    def destroy(self, config: Mapping[str, str] | None = None) -> Run:
        with provider_run(self.cloud, config=config) as engine:
            return self.stack.destroy(engine, self.program.timeout)

    def second(self) -> Program:
        return self.fleet.program(SECOND, on_destroy="restore", timeout=20.0)


@pytest.fixture
def managed() -> Iterator[Managed]:
    with LocalCloud.in_process(Settings(pending=PENDING_SECONDS)) as cloud:
        fleet = launch(cloud)
        managed = Managed(cloud, fleet, Stack(), fleet.program(FIRST, on_destroy="restore", timeout=20.0))
        assert managed.up(managed.program).failed == {}
        cloud.reset()
        yield managed


@pytest.fixture
def elsewhere(managed: Managed) -> Managed:
    """The same stack with credentials of another account, in which the instances do not exist."""
    for id_ in managed.fleet.ids.values():
        managed.cloud.vanish(id_)
    for name in managed.fleet.ids:
        managed.stack.state[name].outputs["ownerId"] = ANOTHER
    return managed


def test_in_an_account_that_is_not_allowed_no_command_calls_ec2_or_changes_the_state(managed: Managed) -> None:
    before = copy.deepcopy(managed.stack.state)
    for run in (
        managed.up(managed.second(), ONLY_ANOTHER),
        managed.destroy(ONLY_ANOTHER),
    ):
        rows = [error for name, error in run.failed.items() if name != BARRIER]
        assert len(rows) == len(managed.fleet.ids)
        assert {str(error) for error in rows} == {
            f"the credentials in use belong to account {OURS}, which aws:allowedAccountIds rules out; nothing was sent."
        }
    assert {call["action"] for call in managed.cloud.log()} == {"GetCallerIdentity"}
    before.pop(BARRIER)
    managed.stack.state.pop(BARRIER, None)
    assert managed.stack.state == before


def test_with_credentials_of_another_account_a_refresh_forgets_no_instance(elsewhere: Managed) -> None:
    before = copy.deepcopy(elsewhere.stack.state)
    run = elsewhere.refresh()
    assert set(run.failed) == set(elsewhere.fleet.ids)
    for name, error in run.failed.items():
        assert str(error) == (
            f"{elsewhere.fleet.ids[name]} belongs to account {ANOTHER}, but the credentials in use belong to {OURS}: "
            "run again with credentials of its account."
        )
    assert {name: elsewhere.stack.state[name] for name in run.failed} == {name: before[name] for name in run.failed}


def test_with_credentials_of_another_account_a_destroy_forgets_no_instance_that_it_should_restore(
    elsewhere: Managed,
) -> None:
    run = elsewhere.destroy()
    assert set(run.failed) == set(elsewhere.fleet.ids) == set(elsewhere.stack.state)
    assert all(ANOTHER in str(error) for error in run.failed.values())
    assert elsewhere.cloud.calls(MODIFY) == 0


def test_when_the_account_cannot_be_confirmed_a_missing_instance_is_not_forgotten(managed: Managed) -> None:
    for id_ in managed.fleet.ids.values():
        managed.cloud.vanish(id_)
    managed.cloud.set_faults(Fault("error", "GetCallerIdentity", code="ExpiredToken", times=None))
    run = managed.refresh()
    assert set(run.failed) == set(managed.fleet.ids)
    assert set(managed.fleet.ids) < set(managed.stack.state)
    managed.cloud.clear_faults()
    assert managed.refresh().failed == {}
    assert set(managed.stack.state) <= {BARRIER}


def test_a_change_of_the_region_loses_nothing_and_changes_no_instance_in_either_region(managed: Managed) -> None:
    before, options = copy.deepcopy(managed.stack.state), managed.fleet.truth(managed.cloud)
    run = managed.up(managed.program.moved_to("us-east-1"))
    assert set(run.failed) == set(managed.fleet.ids)
    for name, error in run.failed.items():
        assert str(error).startswith(f"{managed.fleet.ids[name]} does not exist in us-east-1: check the ID, the region")
    assert managed.stack.state == before
    assert managed.cloud.calls(MODIFY) == 0
    assert managed.refresh().failed == {}
    assert managed.up(managed.program).failed == {}
    assert (managed.cloud.calls(MODIFY), managed.fleet.truth(managed.cloud)) == (0, options)
