"""What programs and the states of stacks elsewhere depend on. A test that fails here means a broken promise.

Names may be added; none that stands here may be renamed, moved or dropped.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import imds_components
import imds_provider
from imds_components import Exemption, FleetMetadata, InstanceMetadata, Readiness, Rollout
from imds_components.fleet.settings import KEYS
from imds_provider import InstanceMetadataOptions, MetadataOptionsApplied, MetadataWaveHealthy
from imds_provider.rules import barrier_state as barrier
from imds_provider.rules import resource_state as properties
from imds_provider.rules import wave_check_state
from imds_provider.rules.options import OPTION_NAMES
from tests.components.conftest import BARRIER, CHECK, COMPONENT, FLEET, ROW, Programs
from tests.pure.bags import recorded

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"

REQUIRED = inspect.Parameter.empty
FIVE_OPTIONS = {
    "http_tokens": None,
    "http_put_response_hop_limit": None,
    "http_endpoint": None,
    "http_protocol_ipv6": None,
    "instance_metadata_tags": None,
}
SIGNATURES: dict[type[Any], dict[str, Any]] = {
    InstanceMetadataOptions: {
        "instance_id": REQUIRED,
        **FIVE_OPTIONS,
        "region": None,
        "on_destroy": "retain",
        "wait": True,
        "timeout_seconds": 120,
        "wave": None,
        "allow_downgrade": None,
        "change": None,
        "found": None,
        "if_gone": None,
        "opts": None,
    },
    MetadataOptionsApplied: {
        "targets": REQUIRED,
        "region": None,
        "timeout_seconds": 120,
        "title": None,
        "wave": None,
        "owner": None,
        "restores": None,
        "regions": None,
        "if_gone": None,
        "soak_minutes": None,
        "days": None,
        "unknown": None,
        "opts": None,
    },
    MetadataWaveHealthy: {
        "targets": REQUIRED,
        "soak_minutes": None,
        "days": None,
        "unknown": None,
        "legacy_calls": None,
        "before": None,
        "requiring": None,
        "wave": None,
        "title": None,
        "forbidden": None,
        "region": None,
        "opts": None,
    },
    InstanceMetadata: {
        "instances": REQUIRED,
        **FIVE_OPTIONS,
        "metadata_options": None,
        "region": None,
        "on_destroy": "retain",
        "timeout_seconds": 120,
        "allow_downgrade": None,
        "aliases": None,
        "opts": None,
    },
    FleetMetadata: {
        "select": None,
        "instances": None,
        "exclude": (),
        **FIVE_OPTIONS,
        "metadata_options": None,
        "exemptions": (),
        "readiness": None,
        "rollout": None,
        "allow_downgrade": None,
        "regions": None,
        "on_destroy": "retain",
        "timeout_seconds": 120,
        "preflight": "on",
        "expired_exemptions": "fail",
        "aliases": None,
        "opts": None,
    },
}
VALUES: dict[type[Any], dict[str, Any]] = {
    Exemption: {"instance": REQUIRED, "reason": REQUIRED, "until": REQUIRED, **FIVE_OPTIONS},
    Readiness: {"legacy_calls": "block", "days": 14, "unknown": "warn"},
    Rollout: {"waves": (1, "10%", "100%"), "soak_minutes": None},
}


def test_the_packages_offer_these_names() -> None:
    assert set(imds_provider.__all__) >= {"InstanceMetadataOptions", "MetadataOptionsApplied", "MetadataWaveHealthy"}
    assert set(imds_components.__all__) >= {"Exemption", "FleetMetadata", "InstanceMetadata", "Readiness", "Rollout"}


@pytest.mark.parametrize("resource", SIGNATURES, ids=lambda resource: resource.__name__)
def test_each_takes_a_name_and_these_arguments_by_keyword(resource: type[Any]) -> None:
    _, name, *arguments = inspect.signature(resource.__init__).parameters.values()
    assert (name.name, name.kind, name.default) == ("name", inspect.Parameter.POSITIONAL_OR_KEYWORD, REQUIRED)
    assert {each.kind for each in arguments} == {inspect.Parameter.KEYWORD_ONLY}
    found = {each.name: each.default for each in arguments}
    assert {argument: found[argument] for argument in SIGNATURES[resource]} == SIGNATURES[resource]
    assert all(found[added] is not REQUIRED for added in found.keys() - SIGNATURES[resource].keys())


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_each_value_takes_these_arguments_first_in_this_order(value: type[Any]) -> None:
    found = {each.name: each.default for each in inspect.signature(value).parameters.values()}
    assert list(found.items())[: len(VALUES[value])] == list(VALUES[value].items())


def test_the_configuration_of_a_fleet_has_an_argument_for_everything_but_what_the_options_say() -> None:
    # Aliases are Pulumi's, for the resources of a program, so a stack file has none.
    arguments = SIGNATURES[FleetMetadata].keys() - FIVE_OPTIONS.keys() - {"aliases", "opts", "metadata_options"}
    assert {key.argument for key in KEYS} == arguments | {"options"}


@pytest.mark.parametrize(
    ("resource", "outputs"),
    [
        (
            InstanceMetadataOptions,
            {"instance_id", "region", *FIVE_OPTIONS, "state", "previous", "target"},
        ),
        (MetadataOptionsApplied, {"targets", "region", "applied_ids", "pending_start_ids", "unknown_ids"}),
        (MetadataWaveHealthy, {"targets", "region", "checked_at"}),
        (InstanceMetadata, {"options", "applied_ids", "pending_start_ids", "unknown_ids"}),
        (FleetMetadata, {"options", "applied_ids", "pending_start_ids", "unknown_ids", "report"}),
    ],
)
def test_each_has_these_outputs(resource: type[Any], outputs: set[str]) -> None:
    assert inspect.get_annotations(resource).keys() | vars(resource).keys() >= outputs


def test_the_type_tokens_are_those_in_the_states_of_all_stacks(programs: Programs) -> None:
    run = programs.run(lambda: InstanceMetadata("fleet", instances=[WEB, API], http_tokens="required"))
    assert {each.type for each in run.resources} == {
        "imds:index:InstanceMetadata",
        "pulumi-python:dynamic/imds:InstanceMetadataOptions",
        "pulumi-python:dynamic/imds:MetadataOptionsApplied",
    }
    assert {each.type for each in run.resources} == {COMPONENT, ROW, BARRIER}


def test_the_type_tokens_and_names_of_a_fleet_are_those_in_the_states_of_all_stacks(programs: Programs) -> None:
    programs.aws.fleet("eu-west-1").add(WEB)
    run = programs.run(lambda: FleetMetadata("web", instances=[WEB], http_tokens="required", rollout=Rollout(["100%"])))
    assert {each.type: each.name for each in run.resources} == {
        "imds:index:FleetMetadata": "web",
        "pulumi-python:dynamic/imds:InstanceMetadataOptions": f"web-{WEB}",
        "pulumi-python:dynamic/imds:MetadataOptionsApplied": "web-eu-west-1-wave-1",
        "pulumi-python:dynamic/imds:MetadataWaveHealthy": "web-eu-west-1-wave-1",
    }
    assert {each.type for each in run.resources} == {FLEET, ROW, BARRIER, CHECK}


def test_the_inputs_of_a_wave_are_those_in_the_states_of_all_stacks(programs: Programs) -> None:
    programs.aws.fleet("eu-west-1").add(WEB)
    run = programs.run(lambda: FleetMetadata("web", instances=[WEB], http_tokens="required"))
    for each in run.barriers():
        assert each.inputs.keys() >= {"__provider", "targets", "region", "timeoutSeconds", "title"}
    # An input that is left out is none: without a soak CloudWatch decides.
    for each in run.checks():
        assert each.inputs.keys() >= {"__provider", "targets", "region", "title"}
    soaking = programs.run(
        lambda: FleetMetadata("web", instances=[WEB], http_tokens="required", rollout=Rollout(soak_minutes=15))
    )
    assert {each.inputs["soakMinutes"] for each in [*soaking.checks(), soaking.barriers()[-1]]} == {15}


def test_the_inputs_are_those_in_the_states_of_all_stacks(programs: Programs) -> None:
    run = programs.run(
        lambda: InstanceMetadata(
            "fleet",
            instances=[WEB, API],
            http_tokens="required",
            http_put_response_hop_limit=2,
            http_endpoint="enabled",
            http_protocol_ipv6="enabled",
            instance_metadata_tags="enabled",
            region="eu-west-1",
        )
    )
    row = next(iter(run.rows().values()))
    assert row.inputs.keys() == {
        "__provider",
        "instanceId",
        "httpTokens",
        "httpPutResponseHopLimit",
        "httpEndpoint",
        "httpProtocolIpv6",
        "instanceMetadataTags",
        "region",
        "onDestroy",
        "wait",
        "timeoutSeconds",
    }
    assert run.barrier().inputs.keys() == {"__provider", "targets", "region", "timeoutSeconds", "owner"}
    assert run.barrier().inputs["targets"].keys() == {WEB, API}


def test_the_names_of_all_properties_are_frozen() -> None:
    assert OPTION_NAMES == (
        "httpTokens",
        "httpPutResponseHopLimit",
        "httpEndpoint",
        "httpProtocolIpv6",
        "instanceMetadataTags",
    )
    assert {
        "INSTANCE_ID": properties.INSTANCE_ID,
        "REGION": properties.REGION,
        "ON_DESTROY": properties.ON_DESTROY,
        "WAIT": properties.WAIT,
        "TIMEOUT_SECONDS": properties.TIMEOUT_SECONDS,
        "WAVE": properties.WAVE,
        "ALLOW_DOWNGRADE": properties.ALLOW_DOWNGRADE,
        "CHANGE": properties.CHANGE,
        "FOUND": properties.FOUND,
        "IF_GONE": properties.IF_GONE,
        "UNFINISHED": properties.UNFINISHED,
        "STATE": properties.STATE,
        "PREVIOUS": properties.PREVIOUS,
        "OWNER_ID": properties.OWNER_ID,
        "TARGET": properties.TARGET,
        "TARGETS": barrier.TARGETS,
        "TITLE": barrier.TITLE,
        "OWNER": barrier.OWNER,
        "RESTORES": barrier.RESTORES,
        "REGIONS": barrier.REGIONS,
        "SOAK_MINUTES": barrier.SOAK_MINUTES,
        "READINESS_DAYS": properties.DAYS,
        "UNKNOWN": barrier.UNKNOWN,
        "LEGACY_CALLS": wave_check_state.LEGACY_CALLS,
        "BEFORE": wave_check_state.BEFORE,
        "REQUIRING": wave_check_state.REQUIRING,
        "FORBIDDEN": wave_check_state.FORBIDDEN,
        "CHECKED_AT": barrier.CHECKED_AT,
        "APPLIED_IDS": barrier.APPLIED_IDS,
        "PENDING_START_IDS": barrier.PENDING_START_IDS,
        "UNKNOWN_IDS": barrier.UNKNOWN_IDS,
    } == {
        "INSTANCE_ID": "instanceId",
        "REGION": "region",
        "ON_DESTROY": "onDestroy",
        "WAIT": "wait",
        "TIMEOUT_SECONDS": "timeoutSeconds",
        "WAVE": "wave",
        "ALLOW_DOWNGRADE": "allowDowngrade",
        "CHANGE": "change",
        "FOUND": "found",
        "IF_GONE": "ifGone",
        "UNFINISHED": "unfinished",
        "STATE": "state",
        "PREVIOUS": "previous",
        "OWNER_ID": "ownerId",
        "TARGET": "target",
        "TARGETS": "targets",
        "TITLE": "title",
        "OWNER": "owner",
        "RESTORES": "restores",
        "REGIONS": "regions",
        "SOAK_MINUTES": "soakMinutes",
        "READINESS_DAYS": "days",
        "UNKNOWN": "unknown",
        "LEGACY_CALLS": "legacyCalls",
        "BEFORE": "before",
        "REQUIRING": "requiring",
        "FORBIDDEN": "forbidden",
        "CHECKED_AT": "checkedAt",
        "APPLIED_IDS": "appliedIds",
        "PENDING_START_IDS": "pendingStartIds",
        "UNKNOWN_IDS": "unknownIds",
    }


def test_the_line_that_a_barrier_compares_is_frozen_since_another_would_wait_for_everything_again() -> None:
    assert recorded(httpPutResponseHopLimit=2.0)["target"] == (
        f"{WEB} httpTokens=required httpPutResponseHopLimit=2 change=first"
    )


def test_only_another_instance_or_region_replaces() -> None:
    assert properties.IDENTITY == ("instanceId", "region")


def test_the_recorded_properties_are_frozen() -> None:
    assert recorded().keys() == {
        "instanceId",
        "region",
        "onDestroy",
        "wait",
        "timeoutSeconds",
        *OPTION_NAMES,
        "state",
        "previous",
        "ownerId",
        "target",
    }
