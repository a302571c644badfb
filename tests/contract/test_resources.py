"""The arguments, outputs, type tokens, names and properties that programs and stored states depend on.

A test that fails here means a broken promise: more may be added, but nothing here may be renamed, moved or removed.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from imds_components import AccountMetadata, Exemption, FleetMetadata, InstanceMetadata, Readiness, Rollout
from imds_components.fleet.settings import KEYS
from imds_provider import AccountMetadataDefaults, InstanceMetadataOptions, MetadataOptionsApplied, MetadataWaveHealthy
from tests.pure.bags import recorded
from tests.support.mocked_programs import Programs

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
TARGETS = {"web": f"{WEB} httpTokens=required change=first"}

REQUIRED = inspect.Parameter.empty
FIVE_OPTIONS = {
    "http_tokens": None,
    "http_put_response_hop_limit": None,
    "http_endpoint": None,
    "http_protocol_ipv6": None,
    "instance_metadata_tags": None,
}
FIVE_DEFAULTS = {
    "http_tokens": None,
    "http_put_response_hop_limit": None,
    "http_endpoint": None,
    "instance_metadata_tags": None,
    "http_tokens_enforced": None,
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
        "alarms": None,
        "insufficient_data": None,
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
        "alarms": None,
        "insufficient_data": None,
        "opts": None,
    },
    AccountMetadataDefaults: {
        **FIVE_DEFAULTS,
        "region": None,
        "on_destroy": "retain",
        "timeout_seconds": 120,
        "allow_downgrade": None,
        "change": None,
        "forbidden": None,
        "opts": None,
    },
    AccountMetadata: {
        **FIVE_DEFAULTS,
        "regions": None,
        "on_destroy": "retain",
        "allow_downgrade": None,
        "timeout_seconds": 120,
        "readiness": None,
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
        "launch_sources": "warn",
        "aliases": None,
        "opts": None,
    },
}
VALUES: dict[type[Any], dict[str, Any]] = {
    Exemption: {"instance": REQUIRED, "reason": REQUIRED, "until": REQUIRED, **FIVE_OPTIONS},
    Readiness: {"legacy_calls": "block", "days": 14, "unknown": "warn"},
    Rollout: {"waves": (1, "10%", "100%"), "soak_minutes": None, "alarms": (), "insufficient_data": "warn"},
}


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setenv("PULUMI_CONFIG", "{}")
    return Programs()


@pytest.mark.parametrize("resource", SIGNATURES, ids=lambda resource: resource.__name__)
def test_a_resource_takes_a_name_and_these_arguments_by_keyword(resource: type[Any]) -> None:
    _, name, *arguments = inspect.signature(resource.__init__).parameters.values()
    assert (name.name, name.kind, name.default) == ("name", inspect.Parameter.POSITIONAL_OR_KEYWORD, REQUIRED)
    assert {each.kind for each in arguments} == {inspect.Parameter.KEYWORD_ONLY}
    found = {each.name: each.default for each in arguments}
    assert {argument: found[argument] for argument in SIGNATURES[resource]} == SIGNATURES[resource]
    added = found.keys() - SIGNATURES[resource].keys()
    assert [each for each in added if found[each] is REQUIRED] == []


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_a_setting_takes_these_arguments_first_in_this_order(value: type[Any]) -> None:
    found = {each.name: each.default for each in inspect.signature(value).parameters.values()}
    assert list(found.items())[: len(VALUES[value])] == list(VALUES[value].items())


def test_a_stack_file_can_set_every_argument_of_a_fleet() -> None:
    # Aliases are for the resources of a program, so a stack file has none.
    arguments = SIGNATURES[FleetMetadata].keys() - FIVE_OPTIONS.keys() - {"aliases", "opts", "metadata_options"}
    assert {key.argument for key in KEYS} == arguments | {"options"}


@pytest.mark.parametrize(
    ("resource", "outputs"),
    [
        (InstanceMetadataOptions, {"instance_id", "region", *FIVE_OPTIONS, "state", "previous", "target"}),
        (MetadataOptionsApplied, {"targets", "region", "applied_ids", "pending_start_ids", "unknown_ids"}),
        (MetadataWaveHealthy, {"targets", "region", "checked_at"}),
        (AccountMetadataDefaults, {"region", *FIVE_DEFAULTS, "managed_by", "previous", "unfinished"}),
        (AccountMetadata, {"defaults", "report"}),
        (InstanceMetadata, {"options", "applied_ids", "pending_start_ids", "unknown_ids"}),
        (FleetMetadata, {"options", "applied_ids", "pending_start_ids", "unknown_ids", "report"}),
    ],
)
def test_a_resource_has_these_outputs(resource: type[Any], outputs: set[str]) -> None:
    assert inspect.get_annotations(resource).keys() | vars(resource).keys() >= outputs


def test_an_attached_component_registers_resources_of_these_types_and_names(programs: Programs) -> None:
    run = programs.run(lambda: InstanceMetadata("fleet", instances={"web": WEB}, http_tokens="required"))
    assert {each.type: each.name for each in run.resources} == {
        "imds:index:InstanceMetadata": "fleet",
        "pulumi-python:dynamic/imds:InstanceMetadataOptions": "fleet-web",
        "pulumi-python:dynamic/imds:MetadataOptionsApplied": "fleet",
    }


def test_a_fleet_registers_resources_of_these_types_and_names(programs: Programs) -> None:
    programs.aws.fleet("eu-west-1").add(WEB)
    run = programs.run(lambda: FleetMetadata("web", instances=[WEB], http_tokens="required", rollout=Rollout(["100%"])))
    assert {each.type: each.name for each in run.resources} == {
        "imds:index:FleetMetadata": "web",
        "pulumi-python:dynamic/imds:InstanceMetadataOptions": f"web-{WEB}",
        "pulumi-python:dynamic/imds:MetadataOptionsApplied": "web-eu-west-1-wave-1",
        "pulumi-python:dynamic/imds:MetadataWaveHealthy": "web-eu-west-1-wave-1",
    }


def test_an_account_registers_resources_of_these_types_and_names(programs: Programs) -> None:
    run = programs.run(lambda: AccountMetadata("base", http_tokens="required", regions=["eu-west-1", "us-east-1"]))
    assert sorted((each.type, each.name) for each in run.resources) == [
        ("imds:index:AccountMetadata", "base"),
        ("pulumi-python:dynamic/imds:AccountMetadataDefaults", "base-eu-west-1"),
        ("pulumi-python:dynamic/imds:AccountMetadataDefaults", "base-us-east-1"),
    ]


@pytest.mark.parametrize(
    ("resource", "given"),
    [
        (
            InstanceMetadataOptions,
            {
                "instance_id": (WEB, "instanceId"),
                "http_tokens": ("required", "httpTokens"),
                "http_put_response_hop_limit": (2, "httpPutResponseHopLimit"),
                "http_endpoint": ("enabled", "httpEndpoint"),
                "http_protocol_ipv6": ("enabled", "httpProtocolIpv6"),
                "instance_metadata_tags": ("enabled", "instanceMetadataTags"),
                "region": ("eu-west-1", "region"),
                "on_destroy": ("restore", "onDestroy"),
                "wait": (False, "wait"),
                "timeout_seconds": (60, "timeoutSeconds"),
                "wave": (1, "wave"),
                "allow_downgrade": ("an old agent", "allowDowngrade"),
                "change": ("httpTokens: optional -> required", "change"),
                "found": ("a line of a component", "found"),
                "unhealthy": ("refused 7 IMDSv1 calls", "unhealthy"),
                "days": (7, "days"),
                "if_gone": ("warn", "ifGone"),
            },
        ),
        (
            AccountMetadataDefaults,
            {
                "http_tokens": ("required", "httpTokens"),
                "http_put_response_hop_limit": (2, "httpPutResponseHopLimit"),
                "http_endpoint": ("enabled", "httpEndpoint"),
                "instance_metadata_tags": ("enabled", "instanceMetadataTags"),
                "http_tokens_enforced": ("enabled", "httpTokensEnforced"),
                "region": ("eu-west-1", "region"),
                "on_destroy": ("restore", "onDestroy"),
                "timeout_seconds": (60, "timeoutSeconds"),
                "allow_downgrade": ("an old agent", "allowDowngrade"),
                "change": ("httpTokens: optional -> required", "change"),
                "forbidden": ("no", "forbidden"),
            },
        ),
        (
            MetadataOptionsApplied,
            {
                "targets": (TARGETS, "targets"),
                "region": ("eu-west-1", "region"),
                "timeout_seconds": (60, "timeoutSeconds"),
                "title": ("wave 1/2 of web", "title"),
                "wave": (1, "wave"),
                "owner": ("fleet web", "owner"),
                "restores": ({WEB: ""}, "restores"),
                "regions": ({"web": "us-east-1"}, "regions"),
                "if_gone": ("warn", "ifGone"),
                "soak_minutes": (5, "soakMinutes"),
                "days": (7, "days"),
                "unknown": ("block", "unknown"),
                "alarms": (["checkout-5xx"], "alarms"),
                "insufficient_data": ("block", "insufficientData"),
            },
        ),
        (
            MetadataWaveHealthy,
            {
                "targets": (TARGETS, "targets"),
                "soak_minutes": (5, "soakMinutes"),
                "days": (7, "days"),
                "unknown": ("block", "unknown"),
                "legacy_calls": ("warn", "legacyCalls"),
                "before": ([WEB], "before"),
                "requiring": ([WEB], "requiring"),
                "wave": (1, "wave"),
                "title": ("before wave 1/2 of web", "title"),
                "forbidden": ("no", "forbidden"),
                "region": ("eu-west-1", "region"),
                "alarms": (["checkout-5xx"], "alarms"),
                "insufficient_data": ("block", "insufficientData"),
            },
        ),
    ],
)
def test_each_argument_becomes_a_property_of_this_name(
    programs: Programs, resource: type[Any], given: dict[str, tuple[Any, str]]
) -> None:
    arguments = {argument: value for argument, (value, _) in given.items()}
    (registered,) = programs.run(lambda: resource("it", **arguments)).resources
    assert {**registered.inputs, "__provider": ""} == {
        "__provider": "",
        **{name: value for value, name in given.values()},
    }


def test_the_outputs_of_an_instance_have_these_names() -> None:
    assert recorded().keys() == {
        "instanceId",
        "region",
        "onDestroy",
        "wait",
        "timeoutSeconds",
        "httpTokens",
        "httpPutResponseHopLimit",
        "httpEndpoint",
        "httpProtocolIpv6",
        "instanceMetadataTags",
        "state",
        "previous",
        "ownerId",
        "target",
    }


def test_the_target_of_an_instance_stays_the_same_since_a_barrier_waits_again_for_another() -> None:
    assert recorded(httpPutResponseHopLimit=2.0)["target"] == (
        f"{WEB} httpTokens=required httpPutResponseHopLimit=2 change=first"
    )
