"""The states that releases wrote, read without the engine, by this Python and all other supported ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from functools import cache
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import pytest

from tests.contract.release import FIXTURES, Release, releases
from tools.sandbox import ROOT

READER = Path(__file__).parent / "read_state.py"

ROW, BARRIER, CHECK, DEFAULTS = (
    f"pulumi-python:dynamic/imds:{name}"
    for name in ("InstanceMetadataOptions", "MetadataOptionsApplied", "MetadataWaveHealthy", "AccountMetadataDefaults")
)
PROVIDERS = {
    ROW: "imds_provider.instance_metadata_options.InstanceMetadataOptionsProvider",
    BARRIER: "imds_provider.metadata_options_applied.MetadataOptionsAppliedProvider",
    CHECK: "imds_provider.metadata_wave_healthy.MetadataWaveHealthyProvider",
    DEFAULTS: "imds_provider.account_metadata_defaults.AccountMetadataDefaultsProvider",
}
OUTPUTS_SINCE: dict[str, dict[str, set[str]]] = {
    "0.1.0": {
        ROW: {
            "__provider",
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
        },
        BARRIER: {"__provider", "targets", "region", "timeoutSeconds", "appliedIds", "pendingStartIds"},
    },
    "0.2.0": {
        ROW: {"wave"},
        BARRIER: {"title", "wave", "checkedAt"},
        CHECK: {"__provider", "targets", "region", "title", "wave", "soakMinutes", "checkedAt"},
    },
    "0.3.0": {
        ROW: {"allowDowngrade"},
        BARRIER: {"owner", "restores"},
    },
    "0.4.0": {
        DEFAULTS: {
            "__provider",
            "region",
            "onDestroy",
            "timeoutSeconds",
            "allowDowngrade",
            "httpTokens",
            "httpPutResponseHopLimit",
            "httpEndpoint",
            "instanceMetadataTags",
            "httpTokensEnforced",
            "managedBy",
            "previous",
        },
    },
}
"""The outputs of each type of resource by the release that first wrote them. Not in the fixtures: ``unfinished``, since
their runs succeeded, ``unknownIds``, since EC2 reported everything, and ``regions``, since their instances have IDs."""
OUTPUTS_UNTIL: dict[str, dict[str, set[str]]] = {"0.3.0": {ROW: {"wave"}, CHECK: {"wave"}}}
"""The outputs that no release writes after that one."""


def outputs_of(version: str) -> dict[str, set[str]]:
    """The outputs of each type of resource that a release writes."""
    found: dict[str, set[str]] = {}
    for since, outputs in OUTPUTS_SINCE.items():
        if _numbers(since) <= _numbers(version):
            for kind, names in outputs.items():
                found.setdefault(kind, set()).update(names)
    for until, outputs in OUTPUTS_UNTIL.items():
        if _numbers(until) < _numbers(version):
            for kind, names in outputs.items():
                found[kind] -= names
    return found


def _numbers(version: str) -> list[int]:
    return [int(each) for each in version.split(".")]


def read(python: str, version: str) -> dict[str, Any]:
    """What `read_state.py` finds in a fixture with that Python and the libraries of this one."""
    environment = {
        "PYTHONPATH": os.pathsep.join(
            [sysconfig.get_path("purelib"), *(str(ROOT / each) for each in ("dynamic_providers", "components"))]
        ),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    answer = subprocess.run(
        [python, str(READER), str(FIXTURES / version / "state.json")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


@cache
def other_pythons() -> dict[str, str]:
    """The other supported Pythons on PATH by version. pyenv has shims even for versions that it cannot run."""
    found = {}
    for version in (f"3.{minor}" for minor in range(10, 15) if minor != sys.version_info.minor):
        if shim := shutil.which(f"python{version}"):
            script = "import sys; print(sys.executable)"
            answer = subprocess.run([shim, "-c", script], capture_output=True, text=True, check=False, timeout=60)
            if answer.returncode == 0:
                found[version] = answer.stdout.strip()
    return found


def expected(release: Release) -> dict[str, Any]:
    """What every Python must make of the fixture: the recorded provider and inputs, no failure and no difference."""
    return {
        each["urn"]: {
            "provider": PROVIDERS[each["type"]],
            "written": each["inputs"]["__provider"],
            "checked": {name: value for name, value in each["inputs"].items() if name != "__provider"},
            "failures": [],
            "changes": False,
            "replaces": [],
        }
        for each in release.resources()
    }


@pytest.mark.parametrize("version", releases())
def test_every_python_loads_the_providers_and_finds_no_difference(
    version: str, record_property: Callable[[str, object], None]
) -> None:
    others = other_pythons()
    record_property("note", f"state of {version} also read by Python {', '.join(others) or '(no other is installed)'}")
    for python in (sys.executable, *others.values()):
        assert read(python, version) == expected(Release.load(version))


@pytest.mark.parametrize("version", releases())
def test_the_fixture_has_every_kind_of_resource_and_output(version: str) -> None:
    written: dict[str, list[dict[str, Any]]] = {}
    for each in Release.load(version).resources():
        written.setdefault(each["type"], []).append(each["outputs"])
    assert {kind: {name for each in outputs for name in each} for kind, outputs in written.items()} == outputs_of(
        version
    )
    assert {each["onDestroy"] for each in written[ROW]} == {"retain", "restore"}
    assert {each["wait"] for each in written[ROW]} == {True, False}
    assert any(each["pendingStartIds"] for each in written[BARRIER])
    assert any(len(each["appliedIds"]) > 1 for each in written[BARRIER])


def test_this_version_has_its_fixture() -> None:
    assert version_of("pulumi-imds") in releases()
