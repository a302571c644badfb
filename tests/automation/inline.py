"""Stacks whose programs are functions of this process, and accounts of the embedded EC2 for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import boto3
from pulumi import automation

from localcloud.client import LocalCloud
from tests.support.engine import EngineStack, engine_environment

Program = Callable[[], None]

PROJECT = "inline"
REGION = "eu-west-1"
OURS, ABROAD = "123456789012", "210987654321"


class InlineStack(EngineStack):
    """A stack with an inline program and a backend of its own, configured by the Automation API alone.

    ``variables`` override the environment of its runs, for a stack whose backend is elsewhere.
    """

    def __init__(
        self,
        home: Path,
        command: automation.PulumiCommand,
        name: str,
        config: Mapping[str, object],
        program: Program,
        *,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        settings = automation.ProjectSettings(PROJECT, "python")
        workspace = automation.LocalWorkspace(
            program=program,
            project_settings=settings,
            pulumi_command=command,
            env_vars={**engine_environment(home), **(variables or {})},
        )
        super().__init__(name, workspace)
        values = {
            key: automation.ConfigValue(value if isinstance(value, str) else json.dumps(value))
            for key, value in config.items()
        }
        self._stack.set_all_config(values)

    def change_program(self, program: Program) -> None:
        """Have later runs use another program."""
        self._stack.workspace.program = program


def in_account(cloud: LocalCloud, account: str = OURS, **given: object) -> dict[str, object]:
    """The configuration of a stack that acts in the account; ``given`` are ``aws:`` keys without the prefix."""
    role = {"roleArn": f"arn:aws:iam::{account}:role/deploy", "sessionName": "deploy"}
    roles = {} if account == OURS else {"assumeRoles": [role]}
    endpoints = [dict.fromkeys(("ec2", "sts", "cloudwatch"), cloud.url)]
    keys = {"accessKey": "local", "secretKey": "local", "region": REGION, "endpoints": endpoints}
    return {f"aws:{name}": value for name, value in {**keys, **roles, **given}.items()}


def environment_of(cloud: LocalCloud, account: str) -> dict[str, str]:
    """Variables with which boto3 uses the embedded EC2 in this account."""
    sts = boto3.client("sts", **cloud.connection(REGION))
    role = f"arn:aws:iam::{account}:role/deploy"
    try:
        credentials = sts.assume_role(RoleArn=role, RoleSessionName="environment")["Credentials"]
    finally:
        sts.close()
    return {
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }


def seed(cloud: LocalCloud, *ids: str, account: str = OURS, region: str = REGION) -> None:
    """Add instances of the team ``web`` with EC2's default options."""
    cloud.seed([{"id": each, "region": region, "account": account, "tags": {"Team": "web"}} for each in ids])


def sent_to(cloud: LocalCloud) -> set[tuple[str, str]]:
    """The service and the account of each call since the last reset."""
    return {(call["service"], call["account"]) for call in cloud.log()}
