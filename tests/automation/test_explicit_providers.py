"""An explicit AWS provider is an error that says what to do instead, in whichever way it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws

from imds_components import FleetMetadata, InstanceMetadata
from imds_provider import InstanceMetadataOptions, MetadataOptionsApplied
from localcloud.client import LocalCloud
from tests.automation.conftest import StackOf
from tests.automation.inline import REGION, Program, in_account, seed, sent_to

WEB = f"i-{'a' * 17}"
SENTENCE = (
    "the AWS provider west has no effect here, since its resources use the stack's `aws:` configuration: for another "
    "region give `region=` (`regions=` for a fleet), for another account use a stack (or an inline program) whose "
    "`aws:` configuration names it, and pass neither this provider nor a parent that has it."
)
Options = pulumi.ResourceOptions

MAKES: dict[str, Callable[[str, Options], object]] = {
    "InstanceMetadata": lambda name, opts: InstanceMetadata(name, instances=[WEB], http_tokens="required", opts=opts),
    "FleetMetadata": lambda name, opts: FleetMetadata(name, instances=[WEB], http_tokens="required", opts=opts),
    "InstanceMetadataOptions": lambda name, opts: InstanceMetadataOptions(
        name, instance_id=WEB, http_tokens="required", opts=opts
    ),
    "MetadataOptionsApplied": lambda name, opts: MetadataOptionsApplied(name, targets={}, opts=opts),
}


def west(cloud: LocalCloud) -> aws.Provider:
    keys: dict[str, Any] = {"access_key": "local", "secret_key": "local"}
    return aws.Provider("west", region="us-west-2", endpoints=[{"ec2": cloud.url}], **keys)


def component(name: str, opts: Options) -> pulumi.ComponentResource:
    return pulumi.ComponentResource("tests:index:Parent", name, None, opts)


def ways(provider: aws.Provider) -> dict[str, Options]:
    """All ways in which a resource can get the provider."""
    grandparent = component("grandparent", Options(providers=[provider]))
    return {
        "provider": Options(provider=provider),
        "list": Options(providers=[provider]),
        "mapping": Options(providers={"aws": provider}),
        "parents-provider": Options(parent=component("parent-1", Options(provider=provider))),
        "parents-providers": Options(parent=component("parent-2", Options(providers={"aws": provider}))),
        "grandparents": Options(parent=component("parent-3", Options(parent=grandparent))),
    }


def test_a_provider_given_in_any_way_is_an_error_and_nothing_is_sent(cloud: LocalCloud, stack_of: StackOf) -> None:
    seed(cloud, WEB)
    seed(cloud, f"i-{'b' * 17}", region="us-west-2")
    reported: dict[str, str] = {}

    def program() -> None:
        for way, opts in ways(west(cloud)).items():
            for kind, make in MAKES.items():
                try:
                    make(way, opts)
                except pulumi.RunError as error:
                    reported[f"{kind} {way}"] = str(error)
                else:
                    reported[f"{kind} {way}"] = "nothing"

    stack = stack_of("dev", in_account(cloud), program)
    stack.preview()
    assert len(reported) == 6 * len(MAKES)
    assert reported == {subject: f"{subject}: {SENTENCE}" for subject in reported}
    run = stack.up()
    assert not [each for steps in run.steps.values() for each in steps if "Metadata" in each]
    assert sent_to(cloud) == set()


def test_a_provider_added_by_a_transformation_is_an_error(cloud: LocalCloud, stack_of: StackOf) -> None:
    seed(cloud, WEB)

    def program() -> None:
        provider = west(cloud)

        def give_provider(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
            return pulumi.ResourceTransformationResult(args.props, Options.merge(args.opts, Options(provider=provider)))

        FleetMetadata("fleet", instances=[WEB], http_tokens="required", opts=Options(transformations=[give_provider]))

    refused = stack_of("dev", in_account(cloud), program).preview(fails=True)
    assert f"FleetMetadata fleet: {SENTENCE}" in refused.text
    assert sent_to(cloud) == set()


def program_with_a_provider_of_another_resource(cloud: LocalCloud) -> Program:
    def program() -> None:
        # Its own instance may have the provider.
        aws.ec2.Instance("there", ami="ami-760aaa0f", instance_type="t3.micro", opts=Options(provider=west(cloud)))
        InstanceMetadata("web", instances=[WEB], http_tokens="required", opts=Options(parent=component("p", Options())))

    return program


def test_a_provider_of_other_resources_is_allowed(cloud: LocalCloud, stack_of: StackOf) -> None:
    seed(cloud, WEB)
    preview = stack_of("dev", in_account(cloud), program_with_a_provider_of_another_resource(cloud)).preview()
    assert WEB in "".join(preview.messages("info"))
    assert {call["region"] for call in cloud.log()} == {REGION}
