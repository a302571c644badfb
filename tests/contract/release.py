"""The state that a release wrote, with its program and instances, kept in ``fixtures/``."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, cast

from imds_provider.rules.account_defaults import decode_defaults, default_parameters
from localcloud.client import LocalCloud
from localcloud.ec2.account_json import AccountDefaults
from localcloud.ec2.instances import Seed
from tests.support.cli import CommandLine, aws_config

FIXTURES = Path(__file__).parent / "fixtures"
PROGRAM = Path(__file__).parent / "program"
REGION = "eu-west-1"

IDS = {
    "web": "i-0123456789abcdef0",
    "api": "i-0123456789abcdef1",
    "nightly": "i-0123456789abcdef2",
    "vault": "i-0123456789abcdef3",
    "alone": "i-0123456789abcdef4",
    "quick": "i-0123abcd",
    "first": "i-0123456789abcdef5",
    "let-off": "i-0123456789abcdef6",
    "asleep": "i-0123456789abcdef7",
    "abroad": "i-0123456789abcdef8",
}
_CREW = {"Team": "crew"}
BEFORE: list[Seed] = [
    {"id": IDS["web"], "region": REGION},
    {"id": IDS["api"], "region": REGION, "options": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}},
    {"id": IDS["nightly"], "region": REGION, "state": "stopped"},
    {"id": IDS["vault"], "region": "us-east-1", "options": {"InstanceMetadataTags": "enabled"}},
    {"id": IDS["alone"], "region": REGION, "options": {"HttpPutResponseHopLimit": 64}},
    {"id": IDS["quick"], "region": REGION},
    {"id": IDS["first"], "region": REGION, "tags": _CREW},
    {"id": IDS["let-off"], "region": REGION, "tags": _CREW},
    {"id": IDS["asleep"], "region": REGION, "tags": _CREW, "state": "stopped"},
    {"id": IDS["abroad"], "region": "us-east-1", "tags": _CREW},
]
NOWHERE = "http://127.0.0.1:0"
"""In a fixture: the address of the embedded EC2."""
HOP_LIMIT = 3
"""The hop limit of the last run."""


@dataclass(frozen=True)
class Release:
    """One fixture. ``state`` is what `pulumi stack export` gave, ``instances`` is what EC2 had then."""

    version: str
    state: Mapping[str, Any]
    instances: list[Seed]

    @classmethod
    def load(cls, version: str) -> Release:
        folder = FIXTURES / version
        return cls(version, _read(folder / "state.json"), _read(folder / "instances.json"))

    @property
    def program(self) -> Path:
        return FIXTURES / self.version / "program"

    def resources(self) -> Iterator[Mapping[str, Any]]:
        """The dynamic resources."""
        for each in self.state["deployment"]["resources"]:
            if each["type"].startswith("pulumi-python:dynamic"):
                yield each

    def account_defaults(self) -> Iterator[tuple[str, AccountDefaults]]:
        """The region and values of each resource of an account's defaults."""
        for each in self.resources():
            if each["type"].endswith(":AccountMetadataDefaults"):
                values = default_parameters(decode_defaults(each["outputs"]))
                yield each["outputs"]["region"], cast("AccountDefaults", values)

    def keep(self) -> None:
        """Write the fixture."""
        folder = FIXTURES / self.version
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(PROGRAM, folder / "program", ignore=lambda *_: ["__pycache__", "Pulumi.test.yaml"])
        _write(folder / "state.json", self.state)
        _write(folder / "instances.json", self.instances)


def releases() -> list[str]:
    """The versions that have fixtures."""
    return sorted(each.name for each in FIXTURES.iterdir() if each.is_dir())


def config(cloud: LocalCloud, *, hop_limit: int = HOP_LIMIT) -> dict[str, object]:
    """The configuration of the program."""
    return {**aws_config(cloud, REGION), "contract:ids": json.dumps(IDS), "contract:hopLimit": hop_limit}


def make(version: str, home: Path) -> Release:
    """Run a stack with this code and return the state that it ends with."""
    with LocalCloud.start("--pending=0.2", seed=BEFORE) as cloud:
        pulumi = CommandLine(Path(shutil.copytree(PROGRAM, home / "program")), home)
        pulumi.run("stack", "init", succeeds=True)
        pulumi.configure(config(cloud, hop_limit=2))
        pulumi.run("up", "--yes", "--skip-preview", succeeds=True)
        cloud.change(IDS["web"], {"options": {"HttpPutResponseHopLimit": 9}})
        pulumi.run("refresh", "--yes", "--skip-preview", succeeds=True)
        pulumi.configure(config(cloud))
        pulumi.run("up", "--yes", "--skip-preview", succeeds=True)
        # What a run is to change is among its inputs, so the last one changes nothing.
        pulumi.run("up", "--yes", "--skip-preview", succeeds=True)
        file = home / "exported.json"
        pulumi.run("stack", "export", "--file", str(file), succeeds=True)
        instances: list[Seed] = [
            {
                "id": each["id"],
                "region": each["region"],
                "state": each["state"],
                "tags": each["tags"],
                "options": each["options"],
                "metadata_state": each["metadata_state"],
            }
            for each in cloud.instances()
        ]
        return Release(version, steady(_read(file), cloud.url), instances)


def steady(state: Mapping[str, Any], url: str) -> Any:  # noqa: ANN401  JSON
    """The state without what is another each time: order, times, random IDs, addresses, places of files."""
    deployment = state["deployment"]
    resources = [
        {name: value for name, value in each.items() if name not in ("sourcePosition", "stackTrace")}
        for each in _in_order(deployment["resources"])
    ]
    for each in resources:
        for dependencies in (each.get("dependencies", []), *each.get("propertyDependencies", {}).values()):
            dependencies.sort()
    # Nothing in it is secret, so nothing has to be decrypted.
    kept = {name: value for name, value in deployment.items() if name != "secrets_providers"}
    text = json.dumps({**state, "deployment": {**kept, "resources": resources}}, sort_keys=True).replace(url, NOWHERE)
    text = re.sub(r'"\d{4}-\d\d-\d\dT[^"]*"', '"2026-01-01T00:00:00Z"', text)
    for pattern, steadily in (
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "00000000-0000-4000-8000-{:012x}"),
        (r"change=[0-9a-f]{8}\b", "change={:08x}"),
    ):
        for number, found in enumerate(dict.fromkeys(re.findall(pattern, text)), 1):
            text = text.replace(found, steadily.format(number))
    return json.loads(re.sub(r"(edAt=)\d{4}-\d\d-\d\dT[\d:]+Z", r"\g<1>2026-01-01T00:00:00Z", text))


def _in_order(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same order each time, with each resource after its dependencies."""
    by_urn = {each["urn"]: each for each in sorted(resources, key=lambda each: each["urn"])}
    needed = {
        urn: [*each.get("dependencies", ()), each.get("parent"), each.get("provider", "").rpartition("::")[0]]
        for urn, each in by_urn.items()
    }
    graph = {urn: sorted(other for other in others if other in by_urn) for urn, others in needed.items()}
    return [by_urn[urn] for urn in TopologicalSorter(graph).static_order()]


def _read(file: Path) -> Any:  # noqa: ANN401  JSON
    return json.loads(file.read_text())


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
