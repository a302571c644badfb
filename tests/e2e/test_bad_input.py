"""Mistakes are reported before anything is sent, one line each and without a traceback."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import API, CACHE, WEB, aws_config, errors, instance, managing, modifications
from tests.support.engine import Stack


def test_all_mistakes_in_the_configuration_are_reported_at_once_and_nothing_is_sent_or_recorded(
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
        reported = errors(run)
        assert 'imds:options.httpTokens must be "optional" or "required", got "yes".' in reported
        assert 'imds:options.httpEndpoint must be "disabled" or "enabled", got true.' in reported
        assert 'imds:options.httpProtocolIpv6 must be "disabled" or "enabled", got "on".' in reported
        assert 'imds:options.instanceMetadataTags must be "disabled" or "enabled", got "Enabled".' in reported
        assert 'imds:options.httpPutResponseHopLimit must be a whole number from 1 to 64, got "2".' in reported
        assert "imds:options.httpToken is not a known key; did you mean httpTokens?" in reported
        assert "imds:instance is not a known key; did you mean instances?" in reported
        assert "imds:instances.api must be an instance ID" in reported
        assert f"{WEB} is given twice, as imds:instances.again and as imds:instances.web." in reported
        assert "aws:endpoints: the URL of ec2 must be https, or http on a loopback address" in reported
    assert cloud.counts() == {}
    assert stack.resources() == {}


def test_a_preview_fails_on_instances_that_do_not_exist_or_are_terminated_and_names_each(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([instance(WEB), instance(API)])
    cloud.terminate(API)
    stack.configure(managing(cloud, {"web": WEB, "api": API, "cache": CACHE}, httpTokens="required"))
    reported = errors(stack.preview(fails=True))
    assert f"api: {API} is terminated" in reported
    assert f"cache: {CACHE} does not exist in eu-west-1" in reported
    assert WEB not in reported
    assert modifications(cloud) == {}


def test_a_preview_in_the_wrong_region_fails_and_names_the_region(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(WEB)])
    stack.configure({**managing(cloud, {"web": WEB}, httpTokens="required"), "aws:region": "eu-west-3"})
    assert f"web: {WEB} does not exist in eu-west-3" in errors(stack.preview(fails=True))
    assert modifications(cloud) == {}


def test_a_wrong_value_that_only_the_provider_sees_fails_the_preview(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(WEB)])
    reported = errors_of_program(
        stack, cloud, '{"web": WEB}', 'http_tokens=output("yes"), http_put_response_hop_limit=output(65)'
    )
    assert 'http_tokens must be "optional" or "required", got "yes".' in reported
    assert "http_put_response_hop_limit must be a whole number from 1 to 64, got 65." in reported


def test_an_instance_given_twice_by_outputs_fails_the_preview(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(WEB)])
    reported = errors_of_program(stack, cloud, '{"web": output(WEB), "api": output(WEB)}', 'http_tokens="required"')
    assert f"{WEB} is given twice, as web and as api." in reported


def test_a_wrong_argument_of_a_component_is_reported_with_its_name(stack: Stack, cloud: LocalCloud) -> None:
    reported = errors_of_program(stack, cloud, "[WEB, WEB]", 'http_tokens="required"')
    assert f"InstanceMetadata fleet: {WEB} is given twice, in the same list." in reported
    assert cloud.counts() == {}


def errors_of_program(stack: Stack, cloud: LocalCloud, instances: str, options: str) -> str:
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
    return errors(run)
