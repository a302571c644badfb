"""The component in a preview: what it logs about the live instances, and what ends the preview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from imds_components import InstanceMetadata
from imds_provider.errors import AwsError, ConfigurationError, DeadlinePassedError
from imds_provider.rules.observation import Observation
from tests.support.fakes import LAX, FakeEc2
from tests.support.mocked_programs import Programs, Run

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OLD = "i-1a2b3c4d"


def unknown_id() -> pulumi.Output[str]:
    return aws.ec2.Instance("new", ami="ami-1a2b3c4d", instance_type="t3.micro").id


def preview(programs: Programs, instances: Any, **given: Any) -> Run:  # noqa: ANN401  whatever a program passes
    """Preview a program; what is given as a function is called inside it."""

    def program() -> InstanceMetadata:
        attached = instances() if callable(instances) else instances
        arguments = {name: value() if callable(value) else value for name, value in given.items()}
        return InstanceMetadata("fleet", instances=attached, **{"http_tokens": "required", **arguments})

    return programs.run(program, preview=True)


def test_a_preview_logs_how_each_instance_differs_after_one_describe(programs: Programs) -> None:
    programs.ec2.add(WEB)
    programs.ec2.add(API, {**LAX, "httpTokens": "required"})
    run = preview(programs, {"web": WEB, "api": API})
    (message,) = run.log
    assert message.splitlines() == [
        "info: 1 of 2 instances will change:",
        f"  web  {WEB}  httpTokens: optional -> required",
        "1 of 2 already have httpTokens=required: api",
    ]
    assert [sorted(ids) for ids in programs.ec2.describes] == [sorted([WEB, API])]
    assert programs.ec2.modifications == []


def test_a_preview_of_new_instances_describes_nothing_and_leaves_unknown_ids_unknown(programs: Programs) -> None:
    run = preview(programs, lambda: {"a": unknown_id()})
    assert run.row().inputs["instanceId"] is not None
    assert not isinstance(run.row().inputs["instanceId"], str)
    assert run.outputs == {}
    assert (programs.regions, run.log) == ([], [])


def test_only_known_instances_are_described(programs: Programs) -> None:
    programs.ec2.add(WEB)
    run = preview(programs, lambda: {"new": unknown_id(), "web": WEB})
    assert programs.ec2.describes == [(WEB,)]
    assert run.log[0].splitlines() == [
        "info: 1 of 2 instances will change:",
        f"  web  {WEB}  httpTokens: optional -> required",
        "1 of 2 will get httpTokens=required once launched: new",
    ]
    assert set(run.barrier().inputs["targets"]) == {"new", "web"}


def test_an_option_that_is_not_known_yet_is_left_out_of_the_comparison(programs: Programs) -> None:
    programs.ec2.add(WEB)
    run = preview(programs, WEB, http_endpoint=unknown_id)
    assert run.log[0].splitlines() == [
        "info: 1 of 1 instances will change:",
        f"  {WEB}  {WEB}  httpTokens: optional -> required",
    ]


def test_instances_are_described_in_the_region_of_the_component(programs: Programs) -> None:
    programs.ec2.add(WEB)
    preview(programs, WEB, region="us-east-1")
    assert programs.regions == ["us-east-1"]


def test_a_region_that_is_not_known_yet_is_not_guessed(programs: Programs) -> None:
    run = preview(programs, WEB, region=unknown_id)
    assert (programs.regions, run.log) == ([], [])


def test_an_instance_whose_options_ec2_does_not_report_is_not_known_to_comply(programs: Programs) -> None:
    programs.ec2.add(WEB, {"httpEndpoint": "enabled"})
    programs.ec2.add(API, {**LAX, "httpTokens": "required"})
    (message,) = preview(programs, {"web": WEB, "api": API}).log
    assert message.splitlines() == [
        "info: 1 of 2 are not known to comply:",
        f"  web  {WEB}  EC2 does not report httpTokens there",
        "1 of 2 already have httpTokens=required: api",
    ]


def test_loosening_ends_the_preview_unless_there_is_a_reason(programs: Programs) -> None:
    programs.ec2.add(WEB, {**LAX, "httpTokens": "required"})
    with pytest.raises(pulumi.RunError, match=rf"web: {WEB} would be loosened \(httpTokens: required -> optional\): "):
        preview(programs, {"web": WEB}, http_tokens="optional")
    run = preview(programs, {"web": WEB}, http_tokens="optional", allow_downgrade="an old agent")
    assert f"  web  {WEB}  httpTokens: required -> optional" in run.log[0].splitlines()


@pytest.mark.parametrize("instance_state", ["shutting-down", "terminated"])
def test_a_terminated_instance_ends_the_preview(programs: Programs, instance_state: str) -> None:
    programs.ec2.add(WEB, instance_state=instance_state)
    with pytest.raises(pulumi.RunError, match=f"web: {WEB} is {instance_state}: "):
        preview(programs, {"web": WEB})


def test_instances_that_do_not_exist_end_the_preview_with_a_line_each(programs: Programs) -> None:
    programs.ec2.add(API)
    with pytest.raises(pulumi.RunError) as caught:
        preview(programs, {"web": WEB, "api": API, "old": OLD})
    sentences = str(caught.value).splitlines()
    assert len(sentences) == 2
    assert sentences[0].startswith(f"web: {WEB} does not exist in eu-west-1: check the ID, the region")
    assert sentences[1].startswith(f"old: {OLD} does not exist in eu-west-1: ")


def test_an_instance_is_described_more_than_once_before_it_counts_as_missing(programs: Programs) -> None:
    programs.ec2.add(WEB, appears_after=0.5)
    assert "1 of 1 instances will change" in preview(programs, WEB).log[0]


@pytest.mark.parametrize(
    "instances",
    [
        lambda: {"a": pulumi.Output.from_input(WEB), "b": WEB},
        lambda: {"a": pulumi.Output.from_input(WEB), "b": pulumi.Output.from_input(WEB)},
    ],
    ids=["output and id", "two outputs"],
)
def test_an_id_given_twice_by_an_output_ends_the_preview(programs: Programs, instances: Any) -> None:  # noqa: ANN401
    programs.ec2.add(WEB)
    with pytest.raises(pulumi.RunError, match=f"{WEB} is given twice, as a and as b."):
        preview(programs, instances)


def test_where_ec2_refuses_the_describe_the_preview_continues_with_a_warning(programs: Programs) -> None:
    programs.error = AwsError("EC2 refused DescribeInstances.", "UnauthorizedOperation")
    run = preview(programs, WEB)
    (message,) = run.log
    assert message.startswith(
        "warning: this preview compares recorded values only, the instances could not be described: "
    )
    assert message.endswith("EC2 refused DescribeInstances.")
    assert run.row().inputs["instanceId"] == WEB


class SilentEc2(FakeEc2):
    def describe(self, *_: object) -> Mapping[str, Observation]:
        raise DeadlinePassedError("EC2 did not answer in time.")


def test_where_ec2_does_not_answer_in_time_the_preview_continues_with_a_warning(programs: Programs) -> None:
    programs.ec2 = SilentEc2(programs.clock)
    (message,) = preview(programs, WEB).log
    assert message.startswith("warning: this preview compares recorded values only")
    assert message.endswith("EC2 in eu-west-1 did not answer within 20 s.")


def test_a_wrong_configuration_ends_the_preview(programs: Programs) -> None:
    programs.error = ConfigurationError("aws:profile names no profile.")
    with pytest.raises(pulumi.RunError, match=r"aws:profile names no profile\."):
        preview(programs, WEB)


def test_a_preview_without_instances_describes_nothing(programs: Programs) -> None:
    run = preview(programs, [])
    assert programs.regions == []
    assert run.log == ["warning: there are no instances to manage."]
