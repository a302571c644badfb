"""What programs and the states of stacks elsewhere depend on. A test that fails here means a broken promise.

Names may be added; none that stands here may be renamed, moved or dropped.
"""

from __future__ import annotations

import base64
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pulumi.dynamic import ResourceProvider
from pulumi.dynamic.dynamic import serialize_provider

import imds_components
import imds_provider
from imds_components import InstanceMetadata
from imds_provider import InstanceMetadataOptions, MetadataOptionsApplied, barrier, properties
from imds_provider.instance_metadata_options import InstanceMetadataOptionsProvider
from imds_provider.metadata_options_applied import MetadataOptionsAppliedProvider
from imds_provider.options import OPTION_NAMES
from tests.components.conftest import BARRIER, COMPONENT, ROW, Programs
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
        "opts": None,
    },
    MetadataOptionsApplied: {"targets": REQUIRED, "region": None, "timeout_seconds": 120, "opts": None},
    InstanceMetadata: {
        "instances": REQUIRED,
        **FIVE_OPTIONS,
        "metadata_options": None,
        "region": None,
        "on_destroy": "retain",
        "timeout_seconds": 120,
        "opts": None,
    },
}
PROVIDERS: dict[type[ResourceProvider], tuple[str, str]] = {
    InstanceMetadataOptionsProvider: ("imds_provider.instance_metadata_options", "InstanceMetadataOptionsProvider"),
    MetadataOptionsAppliedProvider: ("imds_provider.metadata_options_applied", "MetadataOptionsAppliedProvider"),
}


def test_the_packages_offer_these_names() -> None:
    assert set(imds_provider.__all__) >= {"InstanceMetadataOptions", "MetadataOptionsApplied"}
    assert set(imds_components.__all__) >= {"InstanceMetadata"}


@pytest.mark.parametrize("resource", SIGNATURES, ids=lambda resource: resource.__name__)
def test_each_takes_a_name_and_these_arguments_by_keyword(resource: type[Any]) -> None:
    _, name, *arguments = inspect.signature(resource.__init__).parameters.values()
    assert (name.name, name.kind, name.default) == ("name", inspect.Parameter.POSITIONAL_OR_KEYWORD, REQUIRED)
    assert {each.kind for each in arguments} == {inspect.Parameter.KEYWORD_ONLY}
    found = {each.name: each.default for each in arguments}
    assert {argument: found[argument] for argument in SIGNATURES[resource]} == SIGNATURES[resource]
    assert all(found[added] is not REQUIRED for added in found.keys() - SIGNATURES[resource].keys())


@pytest.mark.parametrize(
    ("resource", "outputs"),
    [
        (
            InstanceMetadataOptions,
            {"instance_id", "region", *FIVE_OPTIONS, "state", "previous", "target"},
        ),
        (MetadataOptionsApplied, {"targets", "region", "applied_ids", "pending_start_ids"}),
        (InstanceMetadata, {"options", "applied_ids", "pending_start_ids"}),
    ],
)
def test_each_has_these_outputs(resource: type[Any], outputs: set[str]) -> None:
    assert inspect.get_annotations(resource).keys() >= outputs


def test_the_type_tokens_are_those_in_the_states_of_all_stacks(programs: Programs) -> None:
    run = programs.run(lambda: InstanceMetadata("fleet", instances=[WEB, API], http_tokens="required"))
    assert {each.type for each in run.resources} == {
        "imds:index:InstanceMetadata",
        "pulumi-python:dynamic/imds:InstanceMetadataOptions",
        "pulumi-python:dynamic/imds:MetadataOptionsApplied",
    }
    assert {each.type for each in run.resources} == {COMPONENT, ROW, BARRIER}


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
    assert run.barrier().inputs.keys() == {"__provider", "targets", "region", "timeoutSeconds"}
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
        "STATE": properties.STATE,
        "PREVIOUS": properties.PREVIOUS,
        "OWNER_ID": properties.OWNER_ID,
        "TARGET": properties.TARGET,
        "TARGETS": barrier.TARGETS,
        "APPLIED_IDS": barrier.APPLIED_IDS,
        "PENDING_START_IDS": barrier.PENDING_START_IDS,
    } == {
        "INSTANCE_ID": "instanceId",
        "REGION": "region",
        "ON_DESTROY": "onDestroy",
        "WAIT": "wait",
        "TIMEOUT_SECONDS": "timeoutSeconds",
        "STATE": "state",
        "PREVIOUS": "previous",
        "OWNER_ID": "ownerId",
        "TARGET": "target",
        "TARGETS": "targets",
        "APPLIED_IDS": "appliedIds",
        "PENDING_START_IDS": "pendingStartIds",
    }
    assert (properties.RETAIN, properties.RESTORE) == ("retain", "restore")


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


@pytest.mark.parametrize(("provider", "place"), PROVIDERS.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_a_provider_is_recorded_by_its_module_and_name_alone(
    provider: type[ResourceProvider], place: tuple[str, str]
) -> None:
    module, name = place
    assert (provider.__module__, provider.__qualname__) == place
    recorded_text = serialize_provider(provider())
    pickled = base64.b64decode(recorded_text)
    assert module.encode() in pickled
    assert name.encode() in pickled
    assert len(pickled) <= len(module) + len(name) + 30
    assert vars(provider()) == {}
    assert provider.serialize_as_secret_always is False


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.__name__)
def test_what_is_recorded_of_a_provider_loads_in_another_process(
    provider: type[ResourceProvider], tmp_path: Path
) -> None:
    program = (
        "import base64, sys, dill\n"
        "provider = dill.loads(base64.b64decode(sys.argv[1]))\n"
        "print(type(provider).__module__, type(provider).__qualname__)\n"
    )
    command = [sys.executable, "-c", program, serialize_provider(provider())]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert tuple(answer.stdout.split()) == PROVIDERS[provider]


FIRST_RELEASE = {
    InstanceMetadataOptionsProvider: (
        "gASVUgAAAAAAAACMJ2ltZHNfcHJvdmlkZXIuaW5zdGFuY2VfbWV0YWRhdGFfb3B0aW9uc5SMH0luc3RhbmNlTWV0YWRhdGFPcHRpb25z"
        "UHJvdmlkZXKUk5QpgZQu"
    ),
    MetadataOptionsAppliedProvider: (
        "gASVUAAAAAAAAACMJmltZHNfcHJvdmlkZXIubWV0YWRhdGFfb3B0aW9uc19hcHBsaWVklIweTWV0YWRhdGFPcHRpb25zQXBwbGllZFBy"
        "b3ZpZGVylJOUKYGULg=="
    ),
}


@pytest.mark.parametrize(("provider", "text"), FIRST_RELEASE.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_what_is_recorded_never_changes_since_a_change_dirties_every_stack(
    provider: type[ResourceProvider], text: str
) -> None:
    assert serialize_provider(provider()) == text
