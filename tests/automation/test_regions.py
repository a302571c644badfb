"""An attached instance is described in the region of its resource, which takes precedence over the stack's."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from imds_components import InstanceMetadata
from localcloud.client import LocalCloud
from tests.automation.conftest import StackOf
from tests.automation.inline import REGION, in_account, seed

WEST = "us-west-2"
GIVEN = f"i-{'a' * 17}"


def launch(cloud: LocalCloud) -> dict[str, aws.ec2.Instance | str]:
    """One instance in the stack's region, one in another provider's, and one that the program does not launch."""
    west = aws.Provider("west", region=WEST, endpoints=[{"ec2": cloud.url}], access_key="local", secret_key="local")
    here = aws.ec2.Instance("here", ami="ami-760aaa0f", instance_type="t3.micro")
    there = aws.ec2.Instance(
        "there", ami="ami-760aaa0f", instance_type="t3.micro", opts=pulumi.ResourceOptions(provider=west)
    )
    return {"here": here, "there": there, "given": GIVEN}


def test_a_preview_describes_each_instance_in_its_own_region(cloud: LocalCloud, stack_of: StackOf) -> None:
    seed(cloud, GIVEN)
    stack = stack_of("dev", in_account(cloud), lambda: _drop(launch(cloud)))
    stack.up()
    ids = {view["region"]: view["id"] for view in cloud.instances() if view["id"] != GIVEN}
    cloud.reset()

    def attach() -> None:
        InstanceMetadata("web", instances=launch(cloud), http_tokens="required")

    stack.change_program(attach)
    [reported] = stack.preview().messages("info")
    assert reported.splitlines()[:4] == [
        "3 of 3 instances will change:",
        f"  here   {ids[REGION]}  httpTokens: optional -> required",
        f"  there  {ids[WEST]}  httpTokens: optional -> required",
        f"  given  {GIVEN}  httpTokens: optional -> required",
    ]
    asked = {(call["region"], instance_id) for call in cloud.log() for instance_id in call["instance_ids"]}
    assert asked == {(REGION, ids[REGION]), (REGION, GIVEN), (WEST, ids[WEST])}


def test_a_run_changes_each_instance_in_its_own_region_and_the_next_has_nothing_to_do(
    cloud: LocalCloud, stack_of: StackOf
) -> None:
    seed(cloud, GIVEN)

    def program() -> None:
        InstanceMetadata("web", instances=launch(cloud), http_tokens="required")

    stack = stack_of("dev", in_account(cloud), program)
    stack.up()
    views = cloud.instances()
    assert {(view["region"], view["options"]["HttpTokens"]) for view in views} == {
        (REGION, "required"),
        (WEST, "required"),
    }
    assert len(views) == 3
    again = stack.preview()
    assert again.steps == {}
    assert "3 of 3 already have httpTokens=required: here, there, given" in again.messages("info")


def test_a_region_argument_takes_precedence_over_the_region_of_the_resource(
    cloud: LocalCloud, stack_of: StackOf
) -> None:
    stack = stack_of("dev", in_account(cloud), lambda: _drop(launch(cloud)))
    stack.up()

    def attach() -> None:
        instances = launch(cloud)
        del instances["given"], instances["there"]
        InstanceMetadata("web", instances=instances, http_tokens="required", region=WEST)

    stack.change_program(attach)
    assert f"does not exist in {WEST}" in stack.preview(fails=True).text


def _drop(_resources: object) -> None:
    """Drop them, since an inline program returns nothing."""
