"""Instances of the embedded EC2, the inputs that manage them, and what EC2 was asked."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import boto3

from localcloud.client import LocalCloud
from localcloud.ec2.instances import MetadataOptions, Seed
from tests.support.dynamic_host import DynamicHost

REGION = "eu-west-1"
ACCOUNT = "123456789012"
DESCRIBE = "DescribeInstances"
MODIFY = "ModifyInstanceMetadataOptions"

SECRETS = {
    "aws:accessKey": "canary-access-key",
    "aws:secretKey": "canary-secret-key",
    "aws:token": "canary-session-token",
}
"""Credentials that must be read nowhere."""

_numbers = count(1)


def new_id() -> str:
    """An ID that no test had before."""
    return f"i-{next(_numbers):017x}"


def launch(cloud: LocalCloud, options: MetadataOptions | None = None, *, state: str = "running", **given: str) -> str:
    """An instance that has been there for long, with EC2's own options but for those that are given."""
    seed: Seed = {"id": new_id(), "region": REGION, "state": state, "options": options or {}}
    seed.update(given)  # type: ignore[typeddict-item]  # account, region and name are texts
    cloud.seed([seed])
    return seed["id"]


def run(cloud: LocalCloud) -> str:
    """An instance that EC2 launches now."""
    ec2 = boto3.client("ec2", **cloud.connection(REGION))
    try:
        launched = ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)
    finally:
        ec2.close()
    return launched["Instances"][0]["InstanceId"]


def inputs(instance_id: str, **given: object) -> dict[str, Any]:
    """Checked inputs, but for the options: those are what a test is about."""
    return {
        "instanceId": instance_id,
        "region": REGION,
        "onDestroy": "retain",
        "wait": True,
        "timeoutSeconds": 20,
        **given,
    }


def target(instance_id: str, wanted: str, change: str = "") -> str:
    """The target of an instance; ``wanted`` is such as ``httpTokens=required``."""
    return f"{instance_id} {wanted} change={change}" if change else f"{instance_id} {wanted}"


def change_of(outputs: Mapping[str, Any]) -> str:
    """The recorded change, in the words of the target."""
    return str(outputs["target"]).partition(" change=")[2]


def sent(cloud: LocalCloud) -> list[dict[str, str]]:
    """The options that each modification named."""
    calls = [call["params"] for call in cloud.log(MODIFY)]
    return [{name: value for name, value in each.items() if name != "InstanceId"} for each in calls]


def described(cloud: LocalCloud) -> list[set[str]]:
    """The instances of each describe."""
    return [set(call["instance_ids"]) for call in cloud.log(DESCRIBE)]


def warnings(host: DynamicHost) -> list[str]:
    """The warnings that stay in the output of the run."""
    return [each.message for each in host.engine.lines() if each.severity == "WARNING" and not each.ephemeral]


def config(cloud: LocalCloud, **given: object) -> Mapping[str, object]:
    """The configuration of a stack that uses the embedded EC2; keys of ``aws:`` without the prefix."""
    endpoints = f'[{{"ec2": "{cloud.url}", "sts": "{cloud.url}", "cloudwatch": "{cloud.url}"}}]'
    return {
        "aws:region": REGION,
        "aws:endpoints": endpoints,
        "aws:maxRetries": "1",
        **SECRETS,
        **{f"aws:{name}": value for name, value in given.items()},
    }
