"""What cannot be carried out: said before anything is sent, in sentences, and without a traceback."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import API, CACHE, WEB, aws_config, complaints, instance, managing, modifications
from tests.support.engine import Stack


def test_every_mistake_in_the_configuration_is_named_in_one_go_and_nothing_is_sent_or_recorded(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([instance(WEB)])
    stack.configure(
        managing(
            cloud,
            {"web": WEB, "again": WEB, "api": "i-12345"},
            httpTokens="yes",
            httpEndpoint=True,
            httpProtocolIpv6="on",
            instanceMetadataTags="Enabled",
            httpPutResponseHopLimit="2",
            httpToken="required",
        )
        | {"aws:endpoints": [{"ec2": "http://ec2.example.com"}], "imds:instance": {"web": WEB}}
    )
    for run in (stack.preview(fails=True), stack.up(fails=True)):
        said = complaints(run)
        assert 'imds:options.httpTokens must be "optional" or "required", got "yes".' in said
        assert 'imds:options.httpEndpoint must be "disabled" or "enabled", got true.' in said
        assert 'imds:options.httpProtocolIpv6 must be "disabled" or "enabled", got "on".' in said
        assert 'imds:options.instanceMetadataTags must be "disabled" or "enabled", got "Enabled".' in said
        assert 'imds:options.httpPutResponseHopLimit must be a whole number from 1 to 64, got "2".' in said
        assert "imds:options.httpToken is not a known key; did you mean httpTokens?" in said
        assert "imds:instance is not a known key; did you mean instances?" in said
        assert "imds:instances.api must be an instance ID" in said
        assert f"{WEB} is given twice, as imds:instances.again and as imds:instances.web." in said
        assert "aws:endpoints: the URL of ec2 must be https, or http on a loopback address" in said
    assert cloud.counts() == {}
    assert stack.resources() == {}


def test_a_preview_fails_on_instances_that_do_not_exist_or_are_terminated_and_names_each(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([instance(WEB), instance(API)])
    cloud.terminate(API)
    stack.configure(managing(cloud, {"web": WEB, "api": API, "cache": CACHE}, httpTokens="required"))
    said = complaints(stack.preview(fails=True))
    assert f"api: {API} is terminated" in said
    assert f"cache: {CACHE} does not exist in eu-west-1" in said
    assert WEB not in said
    assert modifications(cloud) == {}


def test_a_preview_in_the_wrong_region_fails_and_names_the_region(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(WEB)])
    stack.configure({**managing(cloud, {"web": WEB}, httpTokens="required"), "aws:region": "eu-west-3"})
    assert f"web: {WEB} does not exist in eu-west-3" in complaints(stack.preview(fails=True))
    assert modifications(cloud) == {}


def test_what_only_the_provider_can_see_is_refused_in_the_preview(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(WEB)])
    said = complaints_about(
        stack, cloud, '{"web": WEB}', 'http_tokens=output("yes"), http_put_response_hop_limit=output(65)'
    )
    assert 'http_tokens must be "optional" or "required", got "yes".' in said
    assert "http_put_response_hop_limit must be a whole number from 1 to 64, got 65." in said


def test_an_instance_given_twice_by_outputs_is_refused_in_the_preview(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(WEB)])
    said = complaints_about(stack, cloud, '{"web": output(WEB), "api": output(WEB)}', 'http_tokens="required"')
    assert f"{WEB} is given twice, as web and as api." in said


def test_a_mistake_in_the_arguments_of_a_component_is_a_sentence_with_its_name(stack: Stack, cloud: LocalCloud) -> None:
    said = complaints_about(stack, cloud, "[WEB, WEB]", 'http_tokens="required"')
    assert f"InstanceMetadata fleet: {WEB} is given twice, in the same list." in said
    assert cloud.counts() == {}


def complaints_about(stack: Stack, cloud: LocalCloud, instances: str, options: str) -> str:
    """The errors in the preview of a program with these arguments of the component, in Python."""
    stack.write_program(
        "import pulumi\n"
        "from imds_components import InstanceMetadata\n"
        "output = pulumi.Output.from_input\n"
        f"WEB = {WEB!r}\n"
        f"InstanceMetadata('fleet', instances={instances}, {options})\n"
    )
    stack.configure(aws_config(cloud))
    run = stack.preview(fails=True)
    assert modifications(cloud) == {}
    return complaints(run)
