"""What a report reads from the state of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from imds_components.report.last_update import LastUpdate
from imds_components.report.posture import AccountRegion, Exempt, Group, Instance, Record, Source
from imds_components.report.stack_state import records_of
from imds_components.report.state import NotAStateError, State
from tests.contract.release import IDS, Release, releases
from tests.support.states import OWNER, REGION, REQUIRED, SECRET, barrier, dynamic, fleet, resource, row, state, target

A, B, C = (f"i-{letter * 17}" for letter in "abc")
OPTIONAL = {"httpTokens": "optional"}


def records(exported: object, update: LastUpdate | None = None) -> list[Record]:
    return list(records_of(State.parse(exported), "prod", update or LastUpdate("succeeded")))


def instances(exported: object) -> dict[str, Instance]:
    return {each.instance: each for each in records(exported) if isinstance(each, Instance)}


def source(exported: object, update: LastUpdate | None = None) -> Source:
    (found,) = (each for each in records(exported, update) if isinstance(each, Source))
    return found


@pytest.mark.parametrize("version", releases())
def test_the_state_of_every_release_can_be_read(version: str) -> None:
    release = Release.load(version)
    found = instances(release.state)
    rows = [each for each in release.resources() if each["type"].endswith(":InstanceMetadataOptions")]
    assert set(found) == {each["id"] for each in rows}
    expected = dict.fromkeys(found, "compliant") | {IDS["nightly"]: "pending-start"}
    if IDS["let-off"] in found:
        expected |= {IDS["let-off"]: "exempt", IDS["asleep"]: "pending-start"}
        assert found[IDS["let-off"]].exempt == Exempt("is replaced soon", date(9999, 12, 31))
        assert found[IDS["abroad"]].fleet == "crew"
    assert {each: seen.status for each, seen in found.items()} == expected
    assert {each.account for each in found.values()} == {OWNER}
    assert found[IDS["vault"]].region == "us-east-1"
    assert (found[IDS["web"]].fleet, found[IDS["alone"]].fleet) == ("fleet", "")
    assert found[IDS["web"]].wanted == {"httpTokens": "required", "httpPutResponseHopLimit": 3}
    accounts = {each.region: each for each in records(release.state) if isinstance(each, AccountRegion)}
    assert set(accounts) == {region for region, _ in release.account_defaults()}
    assert all(each.enforced is False and each.wanted.items() <= each.defaults.items() for each in accounts.values())


def test_drift_that_a_refresh_recorded_is_not_compliant_although_the_inputs_have_become_the_same() -> None:
    drifted = row(A, OPTIONAL) | {"inputs": {"instanceId": A, **OPTIONAL}}
    found = instances(state(drifted, barrier([target(A)])))[A]
    assert (found.status, found.wanted, found.options) == ("not-compliant", REQUIRED, OPTIONAL)


def test_a_change_that_nothing_saw_applied_is_not_known_to_comply() -> None:
    never = state(row(A))
    earlier = state(row(A, change="c2"), barrier([target(A, change="c1")]))
    assert [instances(each)[A].status for each in (never, earlier)] == ["unknown", "unknown"]


def test_a_resource_that_waits_for_itself_needs_no_barrier() -> None:
    found = {each: row(A, outputs={"state": each}) for each in ("applied", "pending", "pending-start", "unknown")}
    assert {each: instances(state(resource))[A].status for each, resource in found.items()} == {
        "applied": "compliant",
        "pending": "not-compliant",
        "pending-start": "pending-start",
        "unknown": "unknown",
    }


def test_the_last_barrier_knows_better_than_that_of_a_wave_which_saw_an_instance_stopped() -> None:
    wave, last = barrier([target(A)], pending_start=[A], name="wave"), barrier([target(A)], name="last")
    for order in ((wave, last), (last, wave)):
        assert instances(state(row(A), *order))[A].status == "compliant"
    assert instances(state(row(A), wave))[A].status == "pending-start"


def test_an_unfinished_change_is_shown_and_never_compliant() -> None:
    found = instances(state(row(A, outputs={"unfinished": "EC2 did not answer", "state": "applied"})))[A]
    assert (found.status, found.unfinished) == ("unknown", "EC2 did not answer")


def test_an_option_that_this_version_does_not_know_is_not_compliant() -> None:
    found = instances(state(row(A, {"httpTokens": "perhaps"}), barrier([target(A)])))[A]
    assert (found.status, found.not_known) == ("unknown", ["httpTokens"])


def test_encrypted_values_are_not_known_and_not_shown() -> None:
    option = row(A, {"httpTokens": SECRET}, outputs={"state": "applied"})
    aim = row(B, outputs={"state": "applied", "target": SECRET, "ownerId": SECRET, "region": SECRET})
    whole = row(C) | {"outputs": SECRET}
    found = instances(state(option, aim, whole))
    assert {each: seen.status for each, seen in found.items()} == dict.fromkeys((A, B, C), "unknown")
    assert (found[B].account, found[B].region) == ("", "")
    assert "ciphertext" not in str(found)
    shown = {**SECRET, "plaintext": '"required"'}
    assert "plaintext" not in str(instances(state(row(A, {"httpTokens": shown}))))


def test_the_encrypted_report_of_a_fleet_makes_its_stack_incomplete() -> None:
    hidden = fleet() | {"outputs": {"report": SECRET}}
    found = source(state(hidden))
    assert found.problem == "the reports of its fleets are encrypted, so not all is known of web."
    assert not found.is_complete


def test_an_exempt_instance_is_exempt_with_a_resource_and_without() -> None:
    exempt = [
        {"instance": A, "reason": "two hops", "until": "2027-01-31"},
        {"instance": B, "reason": "old agent", "until": "2020-01-31"},
    ]
    web = fleet(exempt=exempt)
    found = instances(state(web, row(A, parent=web["urn"]), barrier([target(A)], parent=web["urn"])))
    assert {each.status for each in found.values()} == {"exempt"}
    assert found[A].exempt == Exempt("two hops", date(2027, 1, 31))
    assert found[B].exempt == Exempt("old agent", date(2020, 1, 31)), "it has ended, and is still listed"
    assert (found[B].fleet, found[B].account, found[B].region) == ("web", OWNER, REGION)


def test_an_exempt_instance_without_a_resource_is_nowhere_if_its_fleet_is_in_several_regions() -> None:
    web = fleet(exempt=[{"instance": A, "reason": "old agent", "until": "2027-01-31"}])
    regions = [barrier([], name=each, region=each, parent=web["urn"]) for each in ("eu-west-1", "us-east-1")]
    assert instances(state(web, *regions))[A].region == ""


def test_instances_whose_options_ec2_does_not_report_are_unknown_and_those_of_a_service_exempt() -> None:
    web = fleet(unknown=[A, B], serviceManaged=[{"instance": C, "operator": "eks.amazonaws.com"}])
    found = instances(state(web, row(A, parent=web["urn"], outputs={"state": "unknown"})))
    assert {each: seen.status for each, seen in found.items()} == {A: "unknown", B: "unknown", C: "exempt"}
    assert (found[C].operator, found[C].exempt) == ("eks.amazonaws.com", None)


def test_an_exempt_instance_whose_options_ec2_does_not_report_is_exempt() -> None:
    exempt = [{"instance": A, "reason": "old agent", "until": "2027-01-31"}]
    assert instances(state(fleet(exempt=exempt, unknown=[A])))[A].status == "exempt"


def test_what_groups_launch_looser_is_read_from_the_report_of_the_fleet() -> None:
    looser: dict[str, Any] = {
        "region": REGION,
        "group": "web",
        "launchedBy": "launch template web",
        "option": "httpTokens",
        "value": "unknown",
        "wanted": "required",
        "decidedBy": "the image, which is gone",
    }
    hops = {**looser, "option": "httpPutResponseHopLimit", "value": 3.0, "wanted": 1.0}
    groups = [each for each in records(state(fleet(launchSources=[looser, hops]))) if isinstance(each, Group)]
    assert [(each.option, each.value, each.wanted) for each in groups] == [
        ("httpTokens", None, "required"),
        ("httpPutResponseHopLimit", 3, 1),
    ]
    assert (groups[0].fleet, groups[0].group, groups[0].decided_by) == ("web", "web", "the image, which is gone")


def test_the_defaults_of_an_account_are_read_with_what_is_wanted_of_them() -> None:
    outputs: Mapping[str, object] = {
        "region": REGION,
        "httpTokens": "optional",
        "httpPutResponseHopLimit": 2.0,
        "httpTokensEnforced": "enabled",
        "previous": {"httpTokens": "no-preference"},
        "managedBy": "declarative-policy",
        "unfinished": "not seen in time",
    }
    resource = dynamic("AccountMetadataDefaults", "account", outputs, inputs={"region": REGION, **REQUIRED})
    update = LastUpdate("succeeded", account="111111111111")
    (found,) = (each for each in records(state(resource), update) if isinstance(each, AccountRegion))
    assert found == AccountRegion(
        environment="prod",
        account="111111111111",
        region=REGION,
        defaults={"httpTokens": "optional", "httpPutResponseHopLimit": 2, "httpTokensEnforced": "enabled"},
        wanted=REQUIRED,
        enforced=True,
        managed_by="declarative-policy",
        unfinished="not seen in time",
    )


def test_resources_that_wait_for_deletion_are_left_out_and_those_that_are_only_read_want_nothing() -> None:
    found = instances(state(row(A, delete=True), row(B, external=True, outputs={"state": "applied"})))
    assert set(found) == {B}
    assert (found[B].wanted, found[B].status) == ({}, "unknown")


def test_resources_of_any_other_program_and_component_are_read() -> None:
    platform = resource("acme:index:Platform", "platform")
    others = [resource("aws:ec2/instance:Instance", "web", custom=True, id=A, outputs={"id": A}), platform]
    found = instances(state(*others, row(A, parent=platform["urn"]), barrier([target(A)])))
    assert (found[A].fleet, found[A].status) == ("platform", "compliant")


def test_a_stack_without_any_of_these_resources_is_a_source_alone() -> None:
    assert records(state()) == [Source(kind="stack", environment="prod", result="succeeded")]


def test_the_account_and_region_of_a_stack_are_those_that_all_its_resources_are_in() -> None:
    here = source(state(row(A), row(B)))
    assert (here.account, here.region) == (OWNER, REGION)
    elsewhere = {"ownerId": "210987654321", "region": "us-east-1"}
    both = source(state(row(A), row(B, outputs=elsewhere)))
    assert (both.account, both.region) == ("", "")


@pytest.mark.parametrize("content", [[], "state", None, {}, {"deployment": None}, {"deployment": {"resources": []}}])
def test_what_is_not_a_state_is_an_error(content: object) -> None:
    with pytest.raises(NotAStateError, match="not what `pulumi stack export` writes"):
        State.parse(content)


@pytest.mark.parametrize(
    "broken",
    [
        {"urn": 3, "type": None, "outputs": []},
        {"type": "imds:index:FleetMetadata", "outputs": {"report": {"exempt": [3], "unknown": 3}}},
        {"type": "pulumi-python:dynamic/imds:MetadataOptionsApplied", "outputs": {"targets": 3, "appliedIds": 3}},
        {"type": "pulumi-python:dynamic/imds:AccountMetadataDefaults", "outputs": {"previous": 3}},
        7,
    ],
)
def test_a_resource_that_is_not_as_expected_does_not_stop_the_others(broken: Any) -> None:  # noqa: ANN401  JSON
    assert instances(state(broken, row(A), barrier([target(A)])))[A].status == "compliant"
