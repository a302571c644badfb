"""`launch_defaults` in programs under Pulumi's mocks, which run transformations and no transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from imds_components import launch_defaults
from tests.support.mocked_programs import Programs, Registered

IMAGE = "ami-760aaa0f"
REASONS = "the reason why the options may be loosened, or a mapping from resource names to such reasons"


def launched(programs: Programs, *, preview: bool = False, **options: Any) -> Registered:  # noqa: ANN401  wrong too
    """A run in which an instance is launched after ``launch_defaults`` with hop limit 2."""

    def program() -> pulumi.Resource:
        launch_defaults(http_put_response_hop_limit=2)
        return aws.ec2.Instance("web", ami=IMAGE, **options)

    (resource,) = programs.run(program, preview=preview).resources
    return resource


def refused(programs: Programs, body: Callable[[], pulumi.Resource]) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        programs.run(body)
    return str(caught.value)


def call(**arguments: Any) -> Callable[[], pulumi.Resource]:  # noqa: ANN401  wrong too
    def program() -> pulumi.Resource:
        launch_defaults(**arguments)
        return aws.ec2.Instance("web", ami=IMAGE)

    return program


BOTH = {"httpTokens": "required", "httpPutResponseHopLimit": 2}
FIVE_HOPS = {"httpTokens": "required", "httpPutResponseHopLimit": 5}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, BOTH),
        ({"metadata_options": {}}, BOTH),
        ({"metadata_options": aws.ec2.InstanceMetadataOptionsArgs(http_put_response_hop_limit=5)}, FIVE_HOPS),
        ({"metadata_options": {"http_put_response_hop_limit": 5}}, FIVE_HOPS),
        ({"metadata_options": {"httpPutResponseHopLimit": 5}}, FIVE_HOPS),
        ({"metadata_options": {"http_endpoint": "disabled"}}, {"httpEndpoint": "disabled", "httpTokens": "required"}),
    ],
)
def test_an_instance_gets_what_it_does_not_set(
    programs: Programs, options: dict[str, Any], expected: dict[str, object]
) -> None:
    assert launched(programs, **options).inputs["metadataOptions"] == expected
    assert launched(programs, preview=True, **options).inputs["metadataOptions"] == expected


def test_an_option_that_is_an_output_counts_as_set(programs: Programs) -> None:
    def program() -> pulumi.Resource:
        launch_defaults(http_put_response_hop_limit=2)
        hops = pulumi.Output.from_input(7)
        return aws.ec2.Instance("web", ami=IMAGE, metadata_options={"http_put_response_hop_limit": hops})

    (web,) = programs.run(program).resources
    assert web.inputs["metadataOptions"] == {"httpTokens": "required", "httpPutResponseHopLimit": 7}


def test_everything_that_launches_is_filled_in_also_inside_components(programs: Programs) -> None:
    class Workers(pulumi.ComponentResource):
        def __init__(self) -> None:
            super().__init__("test:index:Workers", "workers")
            child = pulumi.ResourceOptions(parent=self)
            aws.ec2.LaunchTemplate("template", image_id=IMAGE, opts=child)
            aws.ec2.LaunchConfiguration("configuration", image_id=IMAGE, instance_type="t3.micro", opts=child)
            aws.ec2.SpotInstanceRequest("spot", ami=IMAGE, opts=child)
            aws.ec2.Eip("address", opts=child)

    def program() -> pulumi.Resource:
        launch_defaults(instance_metadata_tags="enabled")
        return Workers()

    run = programs.run(program)
    every = {"httpTokens": "required", "instanceMetadataTags": "enabled"}
    assert {each.name: each.inputs.get("metadataOptions") for each in run.resources} == {
        "template": every,
        "configuration": {"httpTokens": "required"},
        "spot": every,
        "address": None,
    }
    assert [line.partition(":")[0] for line in run.log] == ["warning"]


def test_an_instance_that_the_program_only_reads_is_neither_filled_in_nor_judged(programs: Programs) -> None:
    def program() -> pulumi.Resource:
        launch_defaults()
        return aws.ec2.Instance.get("web", "i-0123456789abcdef0", metadata_options={"http_tokens": "optional"})

    programs.run(program)


@pytest.mark.parametrize("given", [str, pulumi.Output.from_input], ids=["plain", "output"])
def test_a_looser_resource_fails_the_program_by_name(
    programs: Programs, given: Callable[[str], pulumi.Input[str]]
) -> None:
    def program() -> pulumi.Resource:
        launch_defaults(allow_downgrade={"other": "agent of 2019"})
        return aws.ec2.LaunchTemplate("web", image_id=IMAGE, metadata_options={"http_tokens": given("optional")})

    assert refused(programs, program).startswith("aws.ec2.LaunchTemplate web would launch with looser options")


@pytest.mark.parametrize("reason", ["agent of 2019", {"web": "agent of 2019"}])
def test_a_looser_resource_with_a_reason_is_logged_with_it(programs: Programs, reason: str | dict[str, str]) -> None:
    def program() -> pulumi.Resource:
        launch_defaults(allow_downgrade=reason)
        return aws.ec2.Instance("web", ami=IMAGE, metadata_options={"http_tokens": "optional"})

    run = programs.run(program)
    assert run.resources[0].inputs["metadataOptions"] == {"httpTokens": "optional"}
    assert run.log == [
        "info: aws.ec2.Instance web launches with httpTokens: optional instead of required: agent of 2019"
    ]


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        (
            {"http_tokens": "Required", "http_put_response_hop_limit": 65, "allow_downgrade": " "},
            [
                'http_tokens must be "optional" or "required", got "Required".',
                "http_put_response_hop_limit must be a whole number from 1 to 64, got 65.",
                f'allow_downgrade must be {REASONS}, got " ".',
            ],
        ),
        (
            {"allow_downgrade": {"web": ""}},
            ['allow_downgrade.web must be the reason why the options may be loosened, got "".'],
        ),
        (
            {"metadata_options": {"http_tokens": "optional"}},
            ["http_tokens is given twice, by itself and in metadata_options."],
        ),
        (
            {"http_put_response_hop_limit": 0},
            ["http_put_response_hop_limit must be a whole number from 1 to 64, got 0."],
        ),
    ],
)
def test_bad_input_fails_at_once_with_every_violation(
    programs: Programs, arguments: dict[str, object], problems: list[str]
) -> None:
    assert refused(programs, call(**arguments)).splitlines() == ["launch_defaults cannot be used:", *problems]


def test_an_output_cannot_be_a_default(programs: Programs) -> None:
    def program() -> pulumi.Resource:
        launch_defaults(http_tokens=pulumi.Output.from_input("required"))  # type: ignore[arg-type]  # wrong on purpose
        return aws.ec2.Instance("web", ami=IMAGE)

    assert "http_tokens must be a plain value, not an output." in refused(programs, program)


def test_the_same_defaults_may_be_set_again_and_others_may_not(programs: Programs) -> None:
    def program() -> pulumi.Resource:
        launch_defaults()
        launch_defaults(metadata_options={"http_tokens": "required"})
        return aws.ec2.Instance("web", ami=IMAGE)

    programs.run(program)

    def with_others() -> pulumi.Resource:
        launch_defaults()
        return call(http_put_response_hop_limit=2)()

    assert refused(programs, with_others) == (
        "launch_defaults is called with httpTokens=required httpPutResponseHopLimit=2, after a call with "
        "httpTokens=required: call it once, before the first resource."
    )


def test_each_program_of_a_process_has_defaults_of_its_own(programs: Programs) -> None:
    for hops in (2, 3):
        (web,) = programs.run(call(http_put_response_hop_limit=hops)).resources
        assert web.inputs["metadataOptions"] == {"httpTokens": "required", "httpPutResponseHopLimit": hops}
    (web,) = programs.run(lambda: aws.ec2.Instance("web", ami=IMAGE)).resources
    assert "metadataOptions" not in web.inputs
