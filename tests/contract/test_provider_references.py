"""A provider is recorded in states by its module and name, which never change."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest
from pulumi.dynamic import ResourceProvider
from pulumi.dynamic.dynamic import serialize_provider

from imds_provider.account_metadata_defaults import AccountMetadataDefaultsProvider
from imds_provider.instance_metadata_options import InstanceMetadataOptionsProvider
from imds_provider.metadata_options_applied import MetadataOptionsAppliedProvider
from imds_provider.metadata_wave_healthy import MetadataWaveHealthyProvider

PROVIDERS: dict[type[ResourceProvider], tuple[str, str]] = {
    InstanceMetadataOptionsProvider: ("imds_provider.instance_metadata_options", "InstanceMetadataOptionsProvider"),
    MetadataOptionsAppliedProvider: ("imds_provider.metadata_options_applied", "MetadataOptionsAppliedProvider"),
    MetadataWaveHealthyProvider: ("imds_provider.metadata_wave_healthy", "MetadataWaveHealthyProvider"),
    AccountMetadataDefaultsProvider: ("imds_provider.account_metadata_defaults", "AccountMetadataDefaultsProvider"),
}


@pytest.mark.parametrize(("provider", "place"), PROVIDERS.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_a_provider_is_recorded_by_its_module_and_name_only(
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
def test_a_recorded_provider_loads_in_another_process(provider: type[ResourceProvider], tmp_path: Path) -> None:
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
    MetadataWaveHealthyProvider: (
        "gASVSgAAAAAAAACMI2ltZHNfcHJvdmlkZXIubWV0YWRhdGFfd2F2ZV9oZWFsdGh5lIwbTWV0YWRhdGFXYXZlSGVhbHRoeVByb3ZpZGVy"
        "lJOUKYGULg=="
    ),
    AccountMetadataDefaultsProvider: (
        "gASVUgAAAAAAAACMJ2ltZHNfcHJvdmlkZXIuYWNjb3VudF9tZXRhZGF0YV9kZWZhdWx0c5SMH0FjY291bnRNZXRhZGF0YURlZmF1bHRz"
        "UHJvdmlkZXKUk5QpgZQu"
    ),
}


@pytest.mark.parametrize(("provider", "text"), FIRST_RELEASE.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_a_provider_is_recorded_as_by_the_first_release(provider: type[ResourceProvider], text: str) -> None:
    assert serialize_provider(provider()) == text
