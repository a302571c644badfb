"""Two places in a program that set an option differently: refused before anything is sent."""

from __future__ import annotations

import re

import pytest

from localcloud.client import LocalCloud
from tests.e2e.fleet import errors, modifications
from tests.e2e.programs import ids, program, seeded
from tests.support.engine import Stack

WEB, API = ids(2)
HOPS, DIRECT = "httpPutResponseHopLimit", "InstanceMetadataOptions"
OUTPUT = f'pulumi.Output.from_input("{WEB}")'
NEW = 'import pulumi_aws as aws\nnew = aws.ec2.Instance("new", ami="ami-760aaa0f", instance_type="t3.micro")'

CONTESTED = {
    "literals": (
        [f'attached("a", {{"x": "{WEB}"}})', f'attached("b", {{"y": "{WEB}"}}, http_put_response_hop_limit=1)'],
        f"{WEB}: InstanceMetadata a sets {HOPS} to 2 and InstanceMetadata b sets it to 1.",
    ),
    "an output and a fleet": (
        [f'fleet("f", ["{WEB}"])', f'attached("a", {{"x": {OUTPUT}}}, http_put_response_hop_limit=1)'],
        f"{WEB}: fleet f sets {HOPS} to 2 and InstanceMetadata a sets it to 1.",
    ),
    "an instance that does not exist yet": (
        [NEW, 'attached("a", {"x": new})', 'direct("d", new.id, http_put_response_hop_limit=1)'],
        f"the instance of {DIRECT} d: InstanceMetadata a sets {HOPS} to 2 and {DIRECT} d sets it to 1.",
    ),
}


@pytest.mark.parametrize(("statements", "sentence"), CONTESTED.values(), ids=CONTESTED)
def test_a_preview_fails_with_both_owners_the_option_and_both_values(
    stack: Stack, cloud: LocalCloud, statements: list[str], sentence: str
) -> None:
    seeded(stack, cloud, WEB)
    program(stack, *statements)
    assert f"{sentence} Set it in only one of them." in errors(stack.preview(fails=True))
    assert modifications(cloud) == {}


def test_if_the_id_is_known_only_in_the_run_it_fails_before_the_second_owner_sends_anything(
    stack: Stack, cloud: LocalCloud
) -> None:
    seeded(stack, cloud)
    later = "new.id.apply(lambda known: known)"
    program(
        stack,
        NEW,
        'attached("a", {"x": new})',
        f'attached("b", {{"x": {later}}}, http_put_response_hop_limit=1)',
    )
    stack.preview()
    reported = errors(stack.up(fails=True))
    (launched,) = cloud.instances()
    assert re.search(
        rf"{launched['id']}: InstanceMetadata \w sets {HOPS} to \d and InstanceMetadata \w sets it", reported
    )
    assert len(modifications(cloud)) <= 1, "of the one that is compared first"


def test_equal_values_and_different_options_are_allowed(stack: Stack, cloud: LocalCloud) -> None:
    seeded(stack, cloud, WEB, API)
    program(
        stack,
        f'attached("same", {{"x": "{WEB}", "y": {OUTPUT.replace(WEB, API)}}})',
        f'attached("again", {{"x": {OUTPUT}}})',
        f'direct("tags", "{WEB}", **TAGS)',
        f'direct("hops", "{API}", http_tokens=None)',
    )
    assert stack.preview().messages("error") == []


def test_two_resources_of_the_same_name_are_one_error(stack: Stack, cloud: LocalCloud) -> None:
    seeded(stack, cloud, WEB, API)
    program(stack, f'attached("a", {{"b-c": "{WEB}"}})', f'attached("a-b", {{"c": "{API}"}})')
    assert (
        "InstanceMetadata a and InstanceMetadata a-b both have a resource named a-b-c: rename one of them, or the "
        "instance in it."
    ) in errors(stack.preview(fails=True))
    assert modifications(cloud) == {}
