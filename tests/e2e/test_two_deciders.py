"""Two places in a program that set an option differently: refused before anything is sent."""

from __future__ import annotations

import re

import pytest

from localcloud.client import LocalCloud
from tests.e2e.fleet import complaints, modifications
from tests.e2e.owners import ids, program, seeded
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
def test_a_preview_fails_with_both_names_the_option_and_both_values(
    stack: Stack, cloud: LocalCloud, statements: list[str], sentence: str
) -> None:
    seeded(stack, cloud, WEB)
    program(stack, *statements)
    assert f"{sentence} Set it in only one of them." in complaints(stack.preview(fails=True))
    assert modifications(cloud) == {}


def test_an_id_that_is_known_only_in_the_run_fails_it_before_anything_is_sent_for_the_second(
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
    said = complaints(stack.up(fails=True))
    (launched,) = cloud.instances()
    assert re.search(rf"{launched['id']}: InstanceMetadata \w sets {HOPS} to \d and InstanceMetadata \w sets it", said)
    assert len(modifications(cloud)) <= 1, "of the one that is compared first"


def test_the_same_value_twice_and_different_options_pass(stack: Stack, cloud: LocalCloud) -> None:
    seeded(stack, cloud, WEB, API)
    program(
        stack,
        f'attached("same", {{"x": "{WEB}", "y": {OUTPUT.replace(WEB, API)}}})',
        f'attached("again", {{"x": {OUTPUT}}})',
        f'direct("tags", "{WEB}", **TAGS)',
        f'direct("hops", "{API}", http_tokens=None)',
    )
    assert stack.preview().said("error") == []


def test_two_resources_of_the_same_name_are_refused_in_a_sentence(stack: Stack, cloud: LocalCloud) -> None:
    seeded(stack, cloud, WEB, API)
    program(stack, f'attached("a", {{"b-c": "{WEB}"}})', f'attached("a-b", {{"c": "{API}"}})')
    assert (
        "InstanceMetadata a and InstanceMetadata a-b both have a resource named a-b-c: rename one of them, or the "
        "instance in it."
    ) in complaints(stack.preview(fails=True))
    assert modifications(cloud) == {}
