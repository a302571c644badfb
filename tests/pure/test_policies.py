"""The rules of the policy pack: what they report of a resource or a stack, and what they accept."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence

import pytest
import yaml

from imds_provider.errors import InvalidInputError
from imds_provider.rules.policies.catalog import RESOURCE_POLICIES, STACK_POLICIES, Policy
from imds_provider.rules.policies.resources import (
    ACCOUNT_DEFAULTS,
    CONFIGURATION,
    GROUP,
    INSTANCE,
    INSTANCE_OPTIONS,
    SPOT_REQUEST,
    TEMPLATE,
    UNKNOWN,
    DeclaredResource,
)
from tools.sandbox import ROOT

ALL: Mapping[str, Policy] = {each.name: each for each in (*RESOURCE_POLICIES, *STACK_POLICIES)}
INSTANCE_ID = "i-00000000000000001"
REQUIRED = {"httpTokens": "required"}
OPTIONAL = {"httpTokens": "optional"}


def resource(
    type_: str, name: str = "web", dependencies: Mapping[str, Sequence[str]] | None = None, /, **properties: object
) -> DeclaredResource:
    urn = f"urn:pulumi:test::imds::{type_}::{name}"
    return DeclaredResource(type_, name, urn, properties, dependencies or {})


def launcher(type_: str, name: str = "web", /, **options: object) -> DeclaredResource:
    return resource(type_, name, metadataOptions=options or None)


def judged(policy: str, found: DeclaredResource, **config: object) -> list[str]:
    """What a policy for single resources reports."""
    (each,) = (each for each in RESOURCE_POLICIES if each.name == policy)
    assert found.type in each.types
    return list(each.judge(found, each.settings(config)))


def judged_stack(policy: str, *found: DeclaredResource, **config: object) -> dict[str, str]:
    """What a policy for stacks reports, by the names of the resources."""
    (each,) = (each for each in STACK_POLICIES if each.name == policy)
    findings = list(each.judge(found, each.settings(config)))
    return {finding.urn.rpartition("::")[2]: finding.message for finding in findings}


@pytest.mark.parametrize("type_", [TEMPLATE, CONFIGURATION])
def test_a_template_or_configuration_must_set_required_tokens(type_: str) -> None:
    assert judged("launch-requires-imdsv2", launcher(type_, **REQUIRED)) == []
    for options in ({}, {"httpPutResponseHopLimit": 2}, OPTIONAL, {"httpTokens": "Required"}):
        (message,) = judged("launch-requires-imdsv2", launcher(type_, **options))
        assert 'set http_tokens="required" in its metadata_options' in message


@pytest.mark.parametrize("type_", [INSTANCE, SPOT_REQUEST])
def test_an_instance_may_leave_tokens_to_the_stack_but_not_launch_with_optional_ones(type_: str) -> None:
    assert judged("launch-requires-imdsv2", launcher(type_)) == []
    assert judged("launch-requires-imdsv2", launcher(type_, **REQUIRED)) == []
    assert len(judged("launch-requires-imdsv2", launcher(type_, **OPTIONAL))) == 1


@pytest.mark.parametrize("policy", [each.name for each in RESOURCE_POLICIES])
def test_what_a_preview_does_not_know_is_left_to_the_run(policy: str) -> None:
    options = dict.fromkeys(("httpTokens", "httpPutResponseHopLimit", "httpEndpoint"), UNKNOWN)
    (each,) = (each for each in RESOURCE_POLICIES if each.name == policy)
    for type_ in each.types:
        found = resource(type_, metadataOptions=options, **options)
        assert list(each.judge(found, each.settings({}))) == []
        assert list(each.judge(resource(type_, metadataOptions=UNKNOWN), each.settings({}))) == []


@pytest.mark.parametrize("tokens", ["optional", "no-preference"])
@pytest.mark.parametrize("type_", [INSTANCE_OPTIONS, ACCOUNT_DEFAULTS])
def test_optional_tokens_need_a_reason_that_is_not_blank(type_: str, tokens: str) -> None:
    for reason in (None, "", " "):
        (message,) = judged("exemption-has-reason", resource(type_, httpTokens=tokens, allowDowngrade=reason))
        assert f"web wants httpTokens={tokens} and gives no reason" in message
    assert judged("exemption-has-reason", resource(type_, httpTokens=tokens, allowDowngrade="agent of 2019")) == []
    assert judged("exemption-has-reason", resource(type_, **REQUIRED)) == []
    assert judged("exemption-has-reason", resource(type_, httpPutResponseHopLimit=2.0)) == []


@pytest.mark.parametrize(("limit", "accepted"), [(None, True), (1.0, True), (2.0, True), (3.0, False), (64.0, False)])
def test_hop_limits_that_are_set_are_judged_by_default_from_1_to_2(limit: object, accepted: bool) -> None:  # noqa: FBT001
    for found in (
        launcher(TEMPLATE, httpPutResponseHopLimit=limit),
        resource(INSTANCE_OPTIONS, httpPutResponseHopLimit=limit),
    ):
        assert (judged("hop-limit-in-range", found) == []) is accepted


def test_the_range_of_the_hop_limit_is_configured() -> None:
    found = launcher(INSTANCE, httpPutResponseHopLimit=1.0)
    assert judged("hop-limit-in-range", found, minimum=2.0, maximum=3.0) == [
        "aws.ec2.Instance web: http_put_response_hop_limit must be a whole number from 2 to 3, got 1."
    ]
    assert judged("hop-limit-in-range", launcher(INSTANCE, httpPutResponseHopLimit=3.0), maximum=3.0) == []


def test_an_account_that_has_no_default_hop_limit_is_not_judged() -> None:
    assert judged("hop-limit-in-range", resource(ACCOUNT_DEFAULTS, httpPutResponseHopLimit=-1.0)) == []


def test_the_endpoint_is_judged_only_if_the_configuration_names_one() -> None:
    disabled, enabled = (launcher(TEMPLATE, httpEndpoint=each) for each in ("disabled", "enabled"))
    assert judged("endpoint-as-configured", disabled) == judged("endpoint-as-configured", enabled) == []
    assert len(judged("endpoint-as-configured", disabled, endpoint="enabled")) == 1
    assert len(judged("endpoint-as-configured", enabled, endpoint="disabled")) == 1
    assert judged("endpoint-as-configured", launcher(TEMPLATE), endpoint="enabled") == []
    assert len(judged("endpoint-as-configured", launcher(TEMPLATE), endpoint="disabled")) == 1
    assert judged("endpoint-as-configured", launcher(INSTANCE), endpoint="disabled") == []


def attached(instance: DeclaredResource, **properties: object) -> DeclaredResource:
    """The resource of an instance whose ID a preview does not know."""
    return resource(
        INSTANCE_OPTIONS, "row", {"instanceId": [instance.urn]}, **{"instanceId": UNKNOWN, **REQUIRED, **properties}
    )


def test_an_instance_requires_tokens_itself_or_by_a_resource_of_the_same_stack() -> None:
    bare = launcher(INSTANCE)
    assert "web" in judged_stack("instance-requires-imdsv2", bare)
    assert judged_stack("instance-requires-imdsv2", launcher(INSTANCE, **REQUIRED)) == {}
    assert judged_stack("instance-requires-imdsv2", bare, attached(bare)) == {}
    assert "web" in judged_stack("instance-requires-imdsv2", bare, attached(launcher(INSTANCE, "other")))


def test_an_attached_instance_counts_only_if_the_configuration_lets_it() -> None:
    bare = launcher(INSTANCE)
    found = judged_stack("instance-requires-imdsv2", bare, attached(bare), attachedCounts=False)
    assert "attach" not in found["web"]


@pytest.mark.parametrize("tokens", [None, UNKNOWN, "optional"])
def test_an_attached_resource_that_does_not_require_tokens_covers_nothing(tokens: object) -> None:
    bare = launcher(INSTANCE)
    assert "web" in judged_stack("instance-requires-imdsv2", bare, attached(bare, httpTokens=tokens))


def test_an_instance_with_a_recorded_exemption_passes() -> None:
    bare = launcher(INSTANCE)
    exempt = attached(bare, httpTokens="optional", allowDowngrade="agent of 2019")
    assert judged_stack("instance-requires-imdsv2", bare, exempt) == {}


def test_the_resource_of_a_fleet_covers_an_instance_by_its_id() -> None:
    arn = f"arn:aws:ec2:eu-west-1:123456789012:instance/{INSTANCE_ID}"
    known = resource(INSTANCE, arn=arn, metadataOptions=OPTIONAL)
    row = resource(INSTANCE_OPTIONS, "fleet", instanceId=INSTANCE_ID, **REQUIRED)
    assert judged_stack("instance-requires-imdsv2", known, row) == {}
    assert "web" in judged_stack("instance-requires-imdsv2", resource(INSTANCE, metadataOptions=UNKNOWN), row)


def test_an_instance_without_options_has_those_of_its_launch_template() -> None:
    strict, loose = launcher(TEMPLATE, "strict", **REQUIRED), launcher(TEMPLATE, "loose")
    for template, accepted in ((strict, True), (loose, False)):
        source = {"launchTemplate": {"id": UNKNOWN}}
        unset = resource(INSTANCE, "web", {"launchTemplate": [template.urn]}, **source)
        own = resource(INSTANCE, "web", {"launchTemplate": [template.urn]}, metadataOptions=OPTIONAL, **source)
        assert (judged_stack("instance-requires-imdsv2", strict, loose, unset) == {}) is accepted
        assert "web" in judged_stack("instance-requires-imdsv2", strict, loose, own)


def test_a_resource_that_names_no_instance_covers_none() -> None:
    row = resource(INSTANCE_OPTIONS, "row", instanceId="", **REQUIRED)
    assert "web" in judged_stack("instance-requires-imdsv2", launcher(INSTANCE), row)


def test_the_options_of_a_spot_request_do_not_count_since_they_never_reach_ec2() -> None:
    spot = launcher(SPOT_REQUEST, **REQUIRED)
    assert "EC2 takes none with it" in judged_stack("instance-requires-imdsv2", spot)["web"]
    assert judged_stack("instance-requires-imdsv2", spot, attached(spot)) == {}
    fulfilled = resource(SPOT_REQUEST, spotInstanceId=INSTANCE_ID)
    row = resource(INSTANCE_OPTIONS, "row", instanceId=INSTANCE_ID, **REQUIRED)
    assert judged_stack("instance-requires-imdsv2", fulfilled, row) == {}


def group_of(template: DeclaredResource, version: object = "$Latest") -> DeclaredResource:
    return resource(
        GROUP, "group", {"launchTemplate": [template.urn]}, launchTemplate={"id": UNKNOWN, "version": version}
    )


def test_a_group_passes_if_its_template_requires_tokens() -> None:
    strict, loose = launcher(TEMPLATE, **REQUIRED), launcher(TEMPLATE)
    assert judged_stack("group-requires-imdsv2", strict, group_of(strict)) == {}
    assert (
        "web, which does not require tokens" in judged_stack("group-requires-imdsv2", loose, group_of(loose))["group"]
    )


def test_a_template_is_known_by_its_id_and_not_by_what_the_id_depends_on() -> None:
    strict = launcher(TEMPLATE, **REQUIRED)
    group = resource(GROUP, "group", {"launchTemplate": [strict.urn]}, launchTemplate={"id": "lt-9"})
    found = judged_stack("group-requires-imdsv2", strict, group)
    assert "launch template lt-9, which is not in this stack" in found["group"]
    excused = {"exceptions": [{"resource": "group", "reason": "the platform team's template"}]}
    assert judged_stack("group-requires-imdsv2", strict, group, **excused) == {}


def existing(latest: float = 2.0, default: float = 1.0, **more: object) -> DeclaredResource:
    """A template whose latest version requires tokens, with the outputs of a run."""
    properties = {
        "arn": "arn:aws:ec2:eu-west-1:123456789012:launch-template/lt-1",
        "name": "web-1234567",
        "latestVersion": latest,
        "defaultVersion": default,
        "metadataOptions": REQUIRED,
    }
    return resource(TEMPLATE, **{**properties, **more})


@pytest.mark.parametrize("reference", [{"id": "lt-1"}, {"name": "web-1234567"}])
@pytest.mark.parametrize(
    ("version", "accepted"),
    [("$Latest", True), ("2", True), (UNKNOWN, True), ("1", False), ("$Default", False), (None, False)],
)
def test_a_group_may_not_launch_from_a_version_that_the_stack_does_not_describe(
    reference: dict[str, object],
    version: object,
    accepted: bool,  # noqa: FBT001
) -> None:
    group = resource(GROUP, "group", launchTemplate={**reference, "version": version})
    found = judged_stack("group-requires-imdsv2", existing(), group)
    assert (found == {}) is accepted
    if not accepted:
        assert "launches from version 1 of aws.ec2.LaunchTemplate web" in found["group"]


def test_the_default_version_is_accepted_if_it_is_or_becomes_the_latest() -> None:
    group = resource(GROUP, "group", launchTemplate={"id": "lt-1"})
    for template in (
        existing(latest=2.0, default=2.0),
        existing(updateDefaultVersion=True),
    ):
        assert judged_stack("group-requires-imdsv2", template, group) == {}


@pytest.mark.parametrize(
    "source",
    [
        {"launchTemplate": {"name": "of-another-stack"}},
        {"launchConfiguration": "of-another-stack"},
        {"launchTemplate": UNKNOWN},
        {"mixedInstancesPolicy": UNKNOWN},
    ],
)
def test_what_is_not_in_the_stack_is_not_known_and_so_reported(source: dict[str, object]) -> None:
    group = DeclaredResource(GROUP, "group", "urn:group", source)
    (message,) = judged_stack("group-requires-imdsv2", group, launcher(TEMPLATE, **REQUIRED)).values()
    assert "which is not in this stack" in message


def test_a_group_is_judged_by_its_launch_configuration_and_by_each_template_of_a_mixed_policy() -> None:
    configuration = resource(CONFIGURATION, "old", name="old-1", metadataOptions=REQUIRED)
    group = resource(GROUP, "group", launchConfiguration="old-1")
    assert judged_stack("group-requires-imdsv2", configuration, group) == {}

    overrides = [{"instanceType": "t3.micro"}, {"launchTemplateSpecification": {"launchTemplateName": "elsewhere"}}]
    template = {"launchTemplateSpecification": {"launchTemplateId": "lt-1", "version": "2"}, "overrides": overrides}
    mixed = resource(GROUP, "group", mixedInstancesPolicy={"launchTemplate": template})
    found = judged_stack("group-requires-imdsv2", existing(), mixed)
    assert "launch template elsewhere, which is not in this stack" in found["group"]


@pytest.mark.parametrize("pattern", ["web", "w*", "*::aws:ec2/instance:Instance::web", "*"])
def test_an_exception_names_resources_by_name_or_urn(pattern: str) -> None:
    config = {"exceptions": [{"resource": pattern, "reason": "agent of 2019"}]}
    assert judged_stack("instance-requires-imdsv2", launcher(INSTANCE), **config) == {}
    assert ALL["hop-limit-in-range"].settings(config).excuse(launcher(INSTANCE)) == "agent of 2019"
    assert (ALL["hop-limit-in-range"].settings(config).excuse(launcher(TEMPLATE, "api")) is None) is (pattern != "*")


def test_only_the_asterisk_of_an_exception_stands_for_something_else() -> None:
    settings = ALL["hop-limit-in-range"].settings({"exceptions": [{"resource": "web[0].?", "reason": "agent of 2019"}]})
    assert settings.excuse(launcher(TEMPLATE, "web[0].?")) == "agent of 2019"
    assert settings.excuse(launcher(TEMPLATE, "web0.x")) is None


@pytest.mark.parametrize("policy", sorted(ALL))
@pytest.mark.parametrize(
    "wrong",
    [{"exceptions": [{"resource": "web"}]}, {"exceptions": [{"resource": "web", "reason": " "}]}, {"exception": []}],
)
def test_no_policy_takes_an_exception_without_a_reason_or_a_misspelt_key(policy: str, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError, match=rf"^{policy}\."):
        ALL[policy].settings(wrong)


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(
        InvalidInputError, match=r"hop-limit-in-range\.minimum must not be above maximum, got 3 and 2\."
    ):
        ALL["hop-limit-in-range"].settings({"minimum": 3.0})


def test_the_rules_can_be_imported_without_pulumi_and_boto3() -> None:
    program = """
import sys
sys.modules.update(pulumi=None, boto3=None, botocore=None)
import imds_provider.rules.policies.catalog
assert set(imds_provider.__all__) <= set(dir(imds_provider))
"""
    subprocess.run([sys.executable, "-c", program], check=True)


README = (ROOT / "policy" / "README.md").read_text("utf-8")


def test_the_pack_has_the_version_of_the_project() -> None:
    pack = yaml.safe_load((ROOT / "policy" / "PulumiPolicy.yaml").read_text("utf-8"))
    (version,) = re.findall(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert pack["version"] == version


def test_the_readme_describes_every_policy_and_every_key() -> None:
    for policy in ALL.values():
        assert f"| `{policy.name}` |" in README
        assert [key.name for key in policy.keys if f"`{key.name}`" not in README] == []


def test_the_example_of_a_configuration_in_the_readme_is_allowed() -> None:
    (example,) = re.findall(r"^```json\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    for name, config in json.loads(example).items():
        if isinstance(config, dict):
            ALL[name].settings({key: value for key, value in config.items() if key != "enforcementLevel"})
        else:
            assert name in {*ALL, "all"}
