"""Stacks whose programs are functions of this process, and accounts of the embedded EC2 for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import boto3
from pulumi import automation
from pulumi.automation._stack import StackInitMode

from localcloud.client import LocalCloud
from tests.support.engine import Stack, UnaskedStack, engine_environment

Program = Callable[[], None]

REGION = "eu-west-1"
OURS, ABROAD = "123456789012", "210987654321"


class InlineStack(Stack):
    """A stack with an inline program and a backend of its own. Its configuration is set by the Automation API alone."""

    def __init__(
        self, home: Path, command: automation.PulumiCommand, name: str, config: Mapping[str, object], program: Program
    ) -> None:
        settings = automation.ProjectSettings("inline", "python")
        workspace = automation.LocalWorkspace(
            program=program, project_settings=settings, pulumi_command=command, env_vars=engine_environment(home)
        )
        self._stack = UnaskedStack(name, workspace, StackInitMode.CREATE)
        values = {
            key: automation.ConfigValue(value if isinstance(value, str) else json.dumps(value))
            for key, value in config.items()
        }
        self._stack.set_all_config(values)

    def run(self, program: Program) -> None:
        """Have the runs from now on run another program."""
        self._stack.workspace.program = program


def in_account(cloud: LocalCloud, account: str = OURS, **given: object) -> dict[str, object]:
    """The configuration of a stack that acts in the account; keys of ``aws:`` without the prefix."""
    role = {"roleArn": f"arn:aws:iam::{account}:role/deploy", "sessionName": "deploy"}
    roles = {} if account == OURS else {"assumeRoles": [role]}
    endpoints = [dict.fromkeys(("ec2", "sts", "cloudwatch"), cloud.url)]
    keys = {"accessKey": "local", "secretKey": "local", "region": REGION, "endpoints": endpoints}
    return {f"aws:{name}": value for name, value in {**keys, **roles, **given}.items()}


def environment_of(cloud: LocalCloud, account: str) -> dict[str, str]:
    """Variables by which boto3 finds the embedded EC2, in this account."""
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
    """Put instances of the team ``web`` in, as EC2 launches them."""
    cloud.seed([{"id": each, "region": region, "account": account, "tags": {"Team": "web"}} for each in ids])


def sent_to(cloud: LocalCloud) -> set[tuple[str, str]]:
    """The service and the account of each call since the last reset."""
    return {(call["service"], call["account"]) for call in cloud.log()}
