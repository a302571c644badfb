"""Programs of a few lines, and what the state has of the instances that they manage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.client import LocalCloud
from tests.e2e.fleet import aws_config, instance
from tests.support.engine import Run, Stack

PRELUDE = """
import pulumi
from pulumi import Alias, ResourceOptions
from imds_components import Exemption, FleetMetadata, InstanceMetadata, Readiness, Rollout
from imds_provider import InstanceMetadataOptions

BOTH = {"http_tokens": "required", "http_put_response_hop_limit": 2}
TAGS = {"http_tokens": None, "http_put_response_hop_limit": None, "instance_metadata_tags": "enabled"}
SIMPLY = {"readiness": Readiness("off"), "rollout": Rollout(["100%"]), "preflight": "off"}


def attached(name, instances, **given):
    return InstanceMetadata(name, instances=instances, on_destroy="restore", **{**BOTH, **given})


def fleet(name, instances=None, **given):
    return FleetMetadata(name, instances=instances, on_destroy="restore", **{**BOTH, **SIMPLY, **given})


def direct(name, instance_id, **given):
    return InstanceMetadataOptions(name, instance_id=instance_id, on_destroy="restore", **{**BOTH, **given})


"""
FROM_BEFORE = {"httpTokens": "optional", "httpPutResponseHopLimit": 1}
"""EC2's default values of the options that the programs manage."""
MANAGED = {"httpTokens": "required", "httpPutResponseHopLimit": 2}


def ids(count: int) -> list[str]:
    return [f"i-{number:017x}" for number in range(1, count + 1)]


def program(stack: Stack, *statements: str) -> None:
    """Give the stack a program of these statements."""
    stack.write_program(PRELUDE + "\n".join(statements) + "\n")


def seeded(stack: Stack, cloud: LocalCloud, *instance_ids: str) -> None:
    """Launch these instances, and configure the stack to use this EC2."""
    cloud.seed([instance(each) for each in instance_ids])
    stack.configure(aws_config(cloud))


def options(cloud: LocalCloud, *instance_ids: str) -> dict[str, tuple[str, int]]:
    """The tokens and the hop limit that each instance has."""
    found = {each: cloud.instance(each)["options"] for each in instance_ids}
    return {each: (seen["HttpTokens"], seen["HttpPutResponseHopLimit"]) for each, seen in found.items()}


def previous(stack: Stack) -> dict[str, Mapping[str, Any]]:
    """The values from before that the state has of each resource of an instance, by its name."""
    return {
        name.partition(" ")[2]: each["outputs"]["previous"]
        for name, each in stack.resources().items()
        if name.startswith("InstanceMetadataOptions ")
    }


def warned_of(run: Run, instance_id: str) -> list[str]:
    """The warnings that name the instance."""
    return [each for each in run.messages("warning") if instance_id in each]
