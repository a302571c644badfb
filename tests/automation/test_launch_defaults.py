"""Inline programs with launch defaults of their own, in threads of one process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pulumi
from pulumi_aws.ec2 import Instance  # loaded before the threads are, since pulumi-aws loads a module only once used

from imds_components import launch_defaults
from localcloud.client import LocalCloud
from tests.automation.conftest import StackOf
from tests.automation.inline import Program, in_account


def launching(name: str, hops: int) -> Program:
    def program() -> None:
        launch_defaults(http_put_response_hop_limit=hops)
        web = Instance("web", ami="ami-760aaa0f", instance_type="t3.micro", tags={"Name": name})
        # The generic resource passes the transform alone, as those of remote components do.
        plain = {"ami": "ami-760aaa0f", "instanceType": "t3.micro", "tags": {"Name": f"{name}-plain"}}
        pulumi.CustomResource("aws:ec2/instance:Instance", "plain", plain, pulumi.ResourceOptions(depends_on=[web]))

    return program


def test_each_program_launches_with_its_own_defaults(cloud: LocalCloud, stack_of: StackOf) -> None:
    wanted = {"one": 2, "two": 3}
    stacks = [stack_of(name, in_account(cloud), launching(name, hops)) for name, hops in wanted.items()]
    with ThreadPoolExecutor(len(stacks)) as threads:
        runs = list(threads.map(lambda stack: stack.up(), stacks))
    assert all(run.steps == {"create": {"Instance web", "Instance plain"}} for run in runs)
    found = {view["tags"]["Name"]: view["options"] for view in cloud.instances()}
    assert {name: options["HttpTokens"] for name, options in found.items()} == dict.fromkeys(found, "required")
    assert {name: options["HttpPutResponseHopLimit"] for name, options in found.items()} == {
        "one": 2,
        "one-plain": 2,
        "two": 3,
        "two-plain": 3,
    }
    assert all(stack.preview().steps == {} for stack in stacks)
