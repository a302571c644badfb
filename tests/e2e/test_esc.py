"""A stack whose configuration comes partly from an ESC environment, merged by the real engine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from pulumi.automation import LocalWorkspace, PulumiCommand

from localcloud.client import ACCOUNT, LocalCloud
from tests.e2e.fleet import API, WEB, aws_config, errors, fleet_rows, member, modifications
from tests.support.engine import EngineStack, copy_project, engine_environment, without_plugin_search
from tests.support.pulumi_cloud import PulumiCloud
from tools.sandbox import ROOT


@dataclass(frozen=True)
class EscStack:
    """A stack of this project with the ESC environment ``imds``."""

    run: EngineStack
    cloud: PulumiCloud
    config_file: Path

    def configure(self, environment: Mapping[str, object], stack_file: Mapping[str, object]) -> None:
        """Give ``pulumiConfig`` of the environment, and the stack file, this configuration and no other."""
        self.cloud.environment = {**self.cloud.environment, "pulumiConfig": environment}
        salt = next(line for line in self.config_file.read_text().splitlines() if "encryptionsalt" in line)
        # JSON is YAML.
        self.config_file.write_text(f"{salt}\nenvironment: [imds]\nconfig: {json.dumps(stack_file)}\n")


@pytest.fixture
def stack(engine: PulumiCommand, tmp_path: Path) -> Iterator[EscStack]:
    project = copy_project(ROOT, tmp_path / "project")
    with PulumiCloud.serving() as cloud:
        variables = {"PULUMI_BACKEND_URL": cloud.url, "PULUMI_ACCESS_TOKEN": "made up"}
        workspace = LocalWorkspace(
            work_dir=str(project),
            pulumi_command=engine,
            secrets_provider="passphrase",
            env_vars={**without_plugin_search(engine_environment(tmp_path)), **variables},
        )
        yield EscStack(EngineStack("test", workspace), cloud, project / "stacks" / "Pulumi.test.yaml")


FLEET = {"select": {"tag:Team": ["web"]}, "options": {"httpTokens": "required", "httpPutResponseHopLimit": 2}}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": {"fn::secret": "made-up-too"}}
REASON = "ticket 4711"


def test_a_fleet_and_its_credentials_come_partly_from_the_environment_and_partly_from_the_stack_file(
    stack: EscStack, cloud: LocalCloud
) -> None:
    cloud.seed([member(WEB), member(API)])
    aws = {name: value for name, value in aws_config(cloud).items() if name not in ("aws:accessKey", "aws:secretKey")}
    exempt = {"instance": API, "reason": {"fn::secret": REASON}, "until": "2099-12-31"}
    stack.cloud.environment = {"environmentVariables": CREDENTIALS}
    stack.configure(
        {**aws, "aws:allowedAccountIds": [int(ACCOUNT)], "imds:fleets": {"web": {**FLEET, "exemptions": [exempt]}}},
        {"imds:fleets": {"web": {"options": {"httpPutResponseHopLimit": 3}, "rollout": {"soakMinutes": 0}}}},
    )
    preview = stack.run.preview()
    assert stack.cloud.opened[-1] == {"imports": ["imds"]}
    assert "to change  1  httpTokens: optional -> required 1, httpPutResponseHopLimit: 1 -> 3 1" in preview.text

    up = stack.run.up()
    assert fleet_rows(WEB) <= up.steps["create"]
    sent = {"HttpTokens": "required", "HttpPutResponseHopLimit": "3", "HttpEndpoint": "enabled"}
    assert modifications(cloud) == {WEB: sent}
    assert REASON not in up.text
    assert REASON in json.dumps(stack.cloud.deployment), "masked when shown, but recorded as it is"


def test_a_value_of_the_wrong_type_is_reported_with_its_key_wherever_it_comes_from(
    stack: EscStack, cloud: LocalCloud
) -> None:
    stack.configure(
        {
            **aws_config(cloud),
            "imds:options": {"httpTokens": True, "httpPutResponseHopLimit": "2"},
            "imds:instances": {"web": WEB},
        },
        {"imds:instances": {"api": None}},
    )
    reported = errors(stack.run.preview(fails=True))
    for line in (
        'imds:options.httpTokens must be "optional" or "required", got true.',
        'imds:options.httpPutResponseHopLimit must be a whole number from 1 to 64, got "2".',
        "imds:instances.api must be an instance ID",
    ):
        assert f"- {line}" in reported
    assert cloud.counts() == {}
