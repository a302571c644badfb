"""The policy pack of policy/, run by the real engine."""

from __future__ import annotations

import pytest
from pulumi.automation import CommandError

from localcloud.client import LocalCloud
from tests.e2e.fleet import aws_config
from tests.e2e.fleet import instance as seed
from tests.e2e.programs import PRELUDE
from tests.support.engine import Run, Stack
from tools.sandbox import ROOT
from tools.setup_environment import ENVIRONMENTS

IMPORTS = f"""{PRELUDE}
import pulumi_aws as aws
from imds_provider import AccountMetadataDefaults

BASE = {{"instance_type": "t3.micro"}}
SIZES = {{"availability_zones": ["eu-west-1a"], "min_size": 0, "max_size": 1}}


def instance(name, **options):
    return aws.ec2.Instance(name, ami="ami-760aaa0f", metadata_options=options or None, **BASE)


def template(name, **options):
    return aws.ec2.LaunchTemplate(name, image_id="ami-760aaa0f", metadata_options=options or None, **BASE)


def configuration(name, **options):
    return aws.ec2.LaunchConfiguration(name, image_id="ami-760aaa0f", metadata_options=options or None, **BASE)


def spot(name):
    return aws.ec2.SpotInstanceRequest(name, ami="ami-760aaa0f", spot_price="0.03", **BASE)


def group(name, **source):
    return aws.autoscaling.Group(name, **source, **SIZES)

"""
PACK = ROOT / "policy"


@pytest.fixture(autouse=True)
def _configured(stack: Stack, cloud: LocalCloud) -> None:
    assert ENVIRONMENTS["policy"].venv.exists(), "set up the environment of the policy pack: make policy"
    stack.configure(aws_config(cloud))


def program(stack: Stack, *statements: str) -> None:
    stack.write_program(IMPORTS + "\n".join(statements) + "\n")


LOOSE = """
old = template("old")
group("workers", launch_template={"id": old.id, "version": "$Latest"})
group("elsewhere", launch_template={"name": "of-another-stack"})
configuration("legacy", http_tokens="optional")
instance("bare")
instance("open", http_tokens="optional", http_put_response_hop_limit=5, http_endpoint="disabled")
spot("cheap")
direct("direct", "i-00000000000000001", http_tokens="optional")
AccountMetadataDefaults("defaults", http_tokens="optional")
"""


def tags(run: Run) -> set[tuple[str, str]]:
    """The policy and resource of each violation."""
    return {(each.policy, each.resource) for each in run.violations}


VIOLATIONS = {
    ("launch-requires-imdsv2", "LaunchTemplate old"),
    ("launch-requires-imdsv2", "LaunchConfiguration legacy"),
    ("launch-requires-imdsv2", "Instance open"),
    ("instance-requires-imdsv2", "Instance bare"),
    ("instance-requires-imdsv2", "Instance open"),
    ("instance-requires-imdsv2", "SpotInstanceRequest cheap"),
    ("group-requires-imdsv2", "Group workers"),
    ("group-requires-imdsv2", "Group elsewhere"),
    ("exemption-has-reason", "InstanceMetadataOptions direct"),
    ("exemption-has-reason", "AccountMetadataDefaults defaults"),
    ("hop-limit-in-range", "Instance open"),
    ("endpoint-as-configured", "Instance open"),
}
EXCEPTIONS = {
    policy: {
        "exceptions": [
            {"resource": resource.partition(" ")[2], "reason": "agent of 2019"}
            for found, resource in VIOLATIONS
            if found == policy
        ]
    }
    for policy in {policy for policy, _ in VIOLATIONS}
}
ENABLED = {"endpoint": "enabled"}


def test_each_violation_fails_the_preview_with_what_to_do(stack: Stack) -> None:
    stack.apply_policies(PACK, {"endpoint-as-configured": ENABLED})
    program(stack, LOOSE)
    run = stack.preview(fails=True)
    assert tags(run) == VIOLATIONS
    assert {each.level for each in run.violations} == {"mandatory"}
    (attach,) = (each.message for each in run.violations if each.resource == "Instance bare")
    assert attach == (
        'aws.ec2.Instance bare does not require tokens, so IMDSv1 calls may be answered: set http_tokens="required" in '
        "its metadata_options, or call launch_defaults() before the first resource, or attach InstanceMetadata to it."
    )


def test_exceptions_with_a_reason_pass_and_a_policy_that_is_advisory_only_warns(stack: Stack) -> None:
    endpoint = {**EXCEPTIONS["endpoint-as-configured"], **ENABLED}
    stack.apply_policies(PACK, {**EXCEPTIONS, "endpoint-as-configured": endpoint})
    program(stack, LOOSE)
    assert stack.preview().violations == []

    advisory = {"all": "advisory", "hop-limit-in-range": {"maximum": 5}, "instance-requires-imdsv2": "disabled"}
    stack.apply_policies(PACK, {**advisory, "endpoint-as-configured": ENABLED})
    run = stack.preview()
    off = {"hop-limit-in-range", "instance-requires-imdsv2"}
    assert tags(run) == {each for each in VIOLATIONS if each[0] not in off}
    assert {each.level for each in run.violations} == {"advisory"}


def test_nothing_is_created_of_a_resource_that_violates_a_policy(stack: Stack, cloud: LocalCloud) -> None:
    stack.apply_policies(PACK, {})
    program(stack, 'instance("open", http_tokens="optional")')
    assert ("launch-requires-imdsv2", "Instance open") in tags(stack.up(fails=True))
    assert cloud.instances() == []


COMPLIANT = """
new = template("new", http_tokens="required", http_put_response_hop_limit=2)
group("workers", launch_template={"id": new.id, "version": "$Latest"})
old = configuration("old", http_tokens="required")
group("legacy", launch_configuration=old.name)
instance("born", http_tokens="required")
attached("web", {"web": instance("web"), "cheap": spot("cheap").spot_instance_id})
direct("agent", "i-00000000000000001", http_tokens="optional", allow_downgrade="agent of 2019")
AccountMetadataDefaults("defaults", http_tokens="required")
"""


def test_a_compliant_stack_passes_and_its_state_can_be_analyzed_later(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([seed("i-00000000000000001")])
    stack.apply_policies(PACK, {})
    program(stack, COMPLIANT)
    assert stack.preview().violations == []
    run = stack.up()
    assert run.violations == []
    assert "InstanceMetadataOptions web-web" in run.steps["create"]
    assert "imds@v" in stack.analyze().stdout

    stack.apply_policies(PACK, {"instance-requires-imdsv2": {"attachedCounts": False}})
    with pytest.raises(CommandError) as caught:
        stack.analyze()
    assert "aws.ec2.Instance web does not require tokens" in str(caught.value)
    assert "aws.ec2.Instance born" not in str(caught.value)


def test_a_configuration_that_is_not_allowed_is_refused(stack: Stack) -> None:
    program(stack)
    stack.apply_policies(PACK, {"hop-limit-in-range": {"maximum": 65, "exceptions": [{"resource": "web"}]}})
    text = stack.preview(fails=True).text
    assert "hop-limit-in-range: maximum: Must be less than or equal to 64" in text
    assert "hop-limit-in-range: exceptions.0: reason is required" in text

    stack.apply_policies(PACK, {"hop-limit-in-range": {"maxmum": 2}})
    assert "hop-limit-in-range.maxmum is not a known key; did you mean maximum?" in stack.preview(fails=True).text
