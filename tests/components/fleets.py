"""A fleet of the team web under Pulumi's mocks."""

from __future__ import annotations

from typing import Any

from imds_components import FleetMetadata, Rollout
from imds_components.fleet.waves import assign
from tests.support.mocked_programs import Programs, Run

TEN = [f"i-0000000{digit}" for digit in range(10)]
WAVES = assign(TEN, Rollout())
"""One, none (a tenth of ten is that one) and nine."""


def fleet(name: str = "web", **given: Any) -> FleetMetadata:  # noqa: ANN401  whatever a program passes
    selection: dict[str, Any] = {} if "instances" in given else {"select": {"tag:Team": ["web"]}}
    return FleetMetadata(name, **{**selection, "http_tokens": "required", **given})


def add(programs: Programs, *ids: str, region: str = "eu-west-1") -> None:
    for each in ids:
        programs.aws.fleet(region).add(each, Team="web")


def targets(run: Run, kind: str) -> dict[str, list[str]]:
    return {each.name: sorted(each.inputs["targets"]) for each in run.resources if each.type == kind}
