"""What people should know about a fleet's change beyond the change itself."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from imds_components.fleet.member import Member
from imds_components.fleet.notes import (
    about_to_disable,
    calls_to_disabled,
    impaired_before,
    launched_before,
    lowered_hop_limits,
    unwatched,
)
from imds_components.fleet.settings import FleetSettings
from imds_components.fleet.waves import Rollout
from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from imds_provider.rules.options import Options
from imds_provider.rules.readiness import Readiness
from imds_provider.rules.wave_health import Impairment
from tests.support.fakes import LAX, observe

A, B, C, D, E = (f"i-0000000{letter}" for letter in "abcde")
NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
OFF: Options = {"httpEndpoint": "disabled"}
WANTED: Options = {"httpTokens": "required"}


def member(
    instance_id: str, wanted: Options, observed: Options = LAX, *, launched_at: datetime | None = None
) -> Member:
    return Member(observe(instance_id, observed, launched_at=launched_at), wanted)


def hops(instance_id: str, now: int, then: int) -> Member:
    return member(instance_id, {"httpPutResponseHopLimit": then}, {**LAX, "httpPutResponseHopLimit": now})


def fleet(soak: float | None) -> FleetSettings:
    return FleetSettings(instances=[A], rollout=Rollout(soak_minutes=soak))


@pytest.mark.parametrize(
    ("requiring", "soak", "warned"), [(1, 0, True), (1, 0.0, True), (0, 0, False), (1, None, False), (1, 1, False)]
)
def test_a_rollout_without_a_soak_is_a_warning_where_tokens_become_required(
    requiring: int, soak: float | None, *, warned: bool
) -> None:
    assert bool(unwatched(requiring, fleet(soak))) is warned


def test_the_warning_says_how_many_instances_what_may_happen_and_what_to_do() -> None:
    (line,) = unwatched(3, fleet(0))
    assert line == (
        "rollout.soak_minutes is 0, so 3 instances may refuse IMDSv1 calls before anybody notices: CloudWatch shows "
        "them about ten minutes after a change. Leave rollout.soak_minutes out to wait for that after each wave."
    )


def test_hop_limits_that_go_down_are_one_line() -> None:
    assert lowered_hop_limits([hops(A, 1, 2), hops(B, 2, 2), member(C, WANTED)]) == []
    assert lowered_hop_limits([hops(A, 1, 2), hops(B, 64, 2)]) == [
        f"httpPutResponseHopLimit is lowered on {B} (64 -> 2): containers there may lose IMDSv2; they need 2."
    ]
    (line,) = lowered_hop_limits([hops(each, 3, 1) for each in (A, B, C, D, E)])
    assert f"on {A} (3 -> 1), {B} (3 -> 1), {C} (3 -> 1) and 2 more: " in line


def test_a_hop_limit_that_cannot_apply_or_is_not_reported_is_ignored() -> None:
    wanted: Options = {"httpPutResponseHopLimit": 1}
    off: Options = {**LAX, **OFF, "httpPutResponseHopLimit": 3}
    assert lowered_hop_limits([member(A, wanted, off), member(B, wanted, {"httpTokens": "optional"})]) == []


def test_only_an_endpoint_that_is_enabled_can_be_about_to_be_disabled() -> None:
    assert about_to_disable(member(A, OFF))
    assert not about_to_disable(member(A, OFF, {**LAX, **OFF}))
    assert not about_to_disable(member(A, WANTED))
    assert not about_to_disable(member(A, {}))


def test_each_endpoint_that_is_in_use_and_about_to_be_disabled_is_a_line() -> None:
    members = [*(member(each, OFF) for each in (A, B, C)), member(D, WANTED)]
    calls = {A: Imdsv1Usage(1, NOON), B: Imdsv1Usage(0), C: None, D: Imdsv1Usage(9, NOON)}
    (line,) = calls_to_disabled(members, calls, Readiness(days=1))
    assert line == (
        f"{A} made 1 IMDSv1 call in the last day, the last between 2026-11-25 12:00 UTC and 2026-11-25 13:00 UTC: "
        "with httpEndpoint: disabled it has no metadata at all, and no credentials of its role."
    )
    assert calls_to_disabled(members, {}, Readiness()) == []


def test_instances_launched_before_the_window_are_one_line() -> None:
    before, after = NOON - timedelta(seconds=1), NOON
    members = [
        member(A, WANTED, launched_at=before),
        member(B, WANTED, launched_at=before),
        member(C, WANTED, launched_at=after),
        member(D, WANTED),
    ]
    (line,) = launched_before(members, NOON)
    assert line.startswith("2 instances launched before 2026-11-25 12:00 UTC: IMDSv1 calls that are made only at boot")
    assert "github.com/aws/aws-imds-packet-analyzer" in line
    assert launched_before(members[2:], NOON) == []


def test_each_impaired_instance_is_a_line_with_the_time_since_when_if_it_is_known() -> None:
    found = {B: Impairment("system status impaired"), A: Impairment("instance status impaired", NOON)}
    one, other = impaired_before(found)
    assert one == (
        f"{A} already fails a status check (instance status impaired since 2026-11-25 12:00 UTC), "
        "which does not stop the rollout."
    )
    assert other == f"{B} already fails a status check (system status impaired), which does not stop the rollout."
