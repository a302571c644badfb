"""The component in a run of its program: what it makes for a fleet."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from imds_components import Exemption, FleetMetadata, InstanceMetadata, Rollout
from imds_provider.rules.options import Options
from imds_provider.rules.planned_change import parse_found_line
from tests.components.fleets import TEN, add, fleet, targets
from tests.support.fakes import LAX
from tests.support.mocked_programs import BARRIER, CHECK, FLEET, ROW, Programs, Run

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OLD = "i-1a2b3c4d"
REQUIRED: Options = {**LAX, "httpTokens": "required"}


def forbidden(run: Run) -> dict[str, str]:
    """What forbids the run, by the resource whose check fails with it."""
    return {each.name: each.inputs["forbidden"] for each in run.checks() if "forbidden" in each.inputs}


def test_each_selected_instance_has_a_row_named_by_its_id(programs: Programs) -> None:
    add(programs, WEB, OLD)
    programs.aws.fleet("eu-west-1").add(API, Team="api")
    run = programs.run(fleet)
    assert {name: row.inputs["instanceId"] for name, row in run.rows().items()} == {
        f"web-{WEB}": WEB,
        f"web-{OLD}": OLD,
    }


def test_each_row_has_the_options_and_settings_of_the_fleet_and_does_not_wait(programs: Programs) -> None:
    add(programs, WEB)
    run = programs.run(lambda: fleet(http_put_response_hop_limit=2, on_destroy="restore", timeout_seconds=7))
    inputs = {name: value for name, value in run.row().inputs.items() if name != "__provider" and value is not None}
    assert inputs == {
        "instanceId": WEB,
        "httpTokens": "required",
        "httpPutResponseHopLimit": 2,
        "region": "eu-west-1",
        "onDestroy": "restore",
        "timeoutSeconds": 7,
        "wait": False,
        "change": "httpTokens: optional -> required, httpPutResponseHopLimit: 1 -> 2",
        "ifGone": "warn",
    }


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "run"])
def test_each_row_has_the_planned_change_or_the_observed_options_of_its_instance(
    programs: Programs, *, preview: bool
) -> None:
    add(programs, WEB)
    programs.aws.fleet("eu-west-1").add(API, REQUIRED, Team="web")
    rows = programs.run(fleet, preview=preview).rows()
    assert rows[f"web-{WEB}"].inputs["change"] == "httpTokens: optional -> required"
    assert "found" not in rows[f"web-{WEB}"].inputs
    assert "change" not in rows[f"web-{API}"].inputs
    seen = parse_found_line(API, rows[f"web-{API}"].inputs["found"], {"httpTokens": "required"})
    assert seen is not None
    assert seen.options == REQUIRED
    assert {row.inputs["ifGone"] for row in rows.values()} == {"warn"}
    assert programs.regions == [], "a fleet is described at once, not instance by instance"


def test_by_default_a_row_retains_and_has_two_minutes(programs: Programs) -> None:
    add(programs, WEB)
    inputs = programs.run(fleet).row().inputs
    assert (inputs["onDestroy"], inputs["timeoutSeconds"]) == ("retain", 120)


def test_a_fleet_that_grows_renames_nothing(programs: Programs) -> None:
    add(programs, WEB)
    before = {str(each) for each in programs.run(fleet).resources}
    add(programs, *TEN)
    after = {str(each) for each in programs.run(fleet).resources}
    assert after - before == {f"InstanceMetadataOptions web-{each}" for each in TEN}
    assert before <= after


def test_each_region_has_its_own_waves_which_do_not_wait_for_those_of_others(programs: Programs) -> None:
    add(programs, WEB)
    add(programs, API, region="us-east-1")
    run = programs.run(lambda: fleet(regions=["eu-west-1", "us-east-1"], rollout=Rollout(["100%"])))
    assert {name: row.inputs["region"] for name, row in run.rows().items()} == {
        f"web-{WEB}": "eu-west-1",
        f"web-{API}": "us-east-1",
    }
    assert targets(run, BARRIER) == {"web-eu-west-1-wave-1": [WEB], "web-us-east-1-wave-1": [API]}
    assert {each.name: each.inputs["before"] for each in run.checks()} == targets(run, BARRIER)
    assert {each.name: each.dependencies for each in run.barriers()} == {
        f"web-{region}-wave-1": {f"InstanceMetadataOptions web-{each}", f"MetadataWaveHealthy web-{region}-wave-1"}
        for region, each in (("eu-west-1", WEB), ("us-east-1", API))
    }
    assert run.outputs["applied_ids"] == [WEB, API]


def test_without_regions_the_default_region_is_used(programs: Programs) -> None:
    programs.aws.region = "us-east-1"
    add(programs, WEB, region="us-east-1")
    assert programs.run(fleet).row().inputs["region"] == "us-east-1"


def test_resources_are_children_of_the_component_which_has_the_parent_that_is_given(programs: Programs) -> None:
    def program() -> FleetMetadata:
        parent = pulumi.ComponentResource("team:index:Web", "team")
        return fleet(opts=pulumi.ResourceOptions(parent=parent))

    add(programs, WEB)
    run = programs.run(program)
    (own,) = (each for each in run.resources if each.type == FLEET)
    assert own.parent.endswith("team:index:Web::team")
    (parent,) = {each.parent for each in run.resources if each.type in (ROW, BARRIER, CHECK)}
    assert parent.endswith(f"{FLEET}::web")


def test_an_exemption_without_options_means_no_row_and_one_with_options_sets_them(
    programs: Programs,
) -> None:
    exemptions = [
        Exemption(WEB, "old agent", "9999-12-31"),
        Exemption(OLD, "two hops", "9999-12-31", http_put_response_hop_limit=2),
    ]
    add(programs, WEB, OLD)
    run = programs.run(lambda: fleet(exemptions=exemptions))
    assert list(run.rows()) == [f"web-{OLD}"]
    assert (run.row().inputs["httpTokens"], run.row().inputs["httpPutResponseHopLimit"]) == ("required", 2)


def test_the_outputs_have_the_observed_options_of_every_region_and_are_registered(programs: Programs) -> None:
    add(programs, WEB, OLD)
    add(programs, API, region="us-east-1")
    programs.stopped = {API}
    exempt = Exemption(OLD, "old agent", "9999-12-31")
    run = programs.run(lambda: fleet(regions=["eu-west-1", "us-east-1"], exemptions=[exempt]))
    report = {
        "selected": 3,
        "applied": 1,
        "pendingStart": [API],
        "unknown": [],
        "exempt": [{"instance": OLD, "reason": "old agent", "until": "9999-12-31"}],
        "notCompliant": [API, OLD],
        "launchSources": [],
        "serviceManaged": [],
    }
    assert run.outputs == {
        "options": {WEB: REQUIRED, API: REQUIRED},
        "applied_ids": [WEB],
        "pending_start_ids": [API],
        "report": report,
    }
    assert run.registered_outputs == [
        {
            "appliedIds": [WEB],
            "pendingStartIds": [API],
            "unknownIds": [],
            "report": report,
        }
    ]


def test_a_fleet_without_instances_keeps_its_barriers_and_checks(programs: Programs) -> None:
    run = programs.run(fleet)
    names = [f"web-eu-west-1-wave-{number}" for number in (1, 2, 3)]
    assert targets(run, BARRIER) == targets(run, CHECK) == {name: [] for name in names}
    assert (run.rows(), run.outputs["applied_ids"], run.outputs["options"]) == ({}, [], {})


def test_the_options_may_be_those_of_pulumi_aws(programs: Programs) -> None:
    add(programs, WEB)
    run = programs.run(
        lambda: FleetMetadata(
            "web",
            instances=[WEB],
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(http_tokens="required", http_put_response_hop_limit=2),
        )
    )
    assert (run.row().inputs["httpTokens"], run.row().inputs["httpPutResponseHopLimit"]) == ("required", 2)


def attached(instances: Any, name: str = "old") -> InstanceMetadata:  # noqa: ANN401  whatever a program passes
    return InstanceMetadata(name, instances=instances, http_tokens="required")


BOTH = f"{WEB} is managed by both InstanceMetadata old and fleet web: exclude it from the fleet or remove it from old."


def test_an_attached_instance_cannot_be_in_a_later_fleet(programs: Programs) -> None:
    add(programs, WEB)
    run = programs.run(lambda: (attached({"mail": WEB}), fleet())[1])
    assert forbidden(run) == {"web": f"FleetMetadata web cannot continue:\n  {BOTH}"}
    assert list(run.rows()) == ["old-mail"]


def test_an_instance_of_a_fleet_cannot_be_attached_later(programs: Programs) -> None:
    add(programs, WEB)
    with pytest.raises(pulumi.RunError) as caught:
        programs.run(lambda: (fleet(), attached([OLD, WEB]))[1])
    assert str(caught.value) == f"InstanceMetadata old cannot continue:\n  {BOTH}"
    assert list(programs.last.rows()) == [f"web-{WEB}"]


def test_an_instance_in_two_fleets_forbids_the_run_by_naming_both(programs: Programs) -> None:
    add(programs, WEB, OLD)
    run = programs.run(lambda: (fleet(exclude=[OLD]), fleet("api", instances=[WEB]))[1])
    sentence = f"{WEB} is in the fleets web and api: exclude it from all but one."
    assert forbidden(run) == {"api": f"FleetMetadata api cannot continue:\n  {sentence}"}
    assert list(run.rows()) == [f"web-{WEB}"]


def test_what_a_fleet_excludes_may_be_attached_or_in_another_one(programs: Programs) -> None:
    add(programs, WEB, OLD, API)
    run = programs.run(
        lambda: (attached([WEB]), fleet(exclude=[WEB, OLD]), fleet("api", instances=[OLD]))[-1],
    )
    assert set(run.rows()) == {f"old-{WEB}", f"web-{API}", f"api-{OLD}"}


def test_an_id_that_is_an_output_is_not_compared_with_fleets(programs: Programs) -> None:
    add(programs, WEB)
    run = programs.run(lambda: (attached({"mail": pulumi.Output.from_input(WEB)}), fleet())[1])
    assert set(run.rows()) == {"old-mail", f"web-{WEB}"}


def test_another_program_of_the_same_process_may_manage_the_same_instance(programs: Programs) -> None:
    add(programs, WEB)
    programs.run(fleet)
    assert set(programs.run(lambda: fleet("api")).rows()) == {f"api-{WEB}"}
