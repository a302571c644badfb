"""The component in a run of its program: what it makes for one instance, for many, and for none."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from imds_components import InstanceMetadata
from imds_provider.errors import AwsError
from imds_provider.rules.options import OPTIONS
from imds_provider.rules.planned_change import parse_found_line
from imds_provider.waiting.clock import Deadline
from tests.support.fakes import LAX
from tests.support.mocked_programs import BARRIER, COMPONENT, ROW, Programs

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OLD = "i-1a2b3c4d"


def instance(name: str) -> aws.ec2.Instance:
    return aws.ec2.Instance(name, ami="ami-1a2b3c4d", instance_type="t3.micro")


def component(instances: Any, **given: Any) -> InstanceMetadata:  # noqa: ANN401  whatever a program passes
    options: dict[str, Any] = {} if given.keys() & {"http_tokens", "metadata_options"} else {"http_tokens": "required"}
    return InstanceMetadata("fleet", instances=instances, **options, **given)


@pytest.mark.parametrize("instances", [WEB, [WEB], (WEB,), {WEB: WEB}], ids=["id", "list", "tuple", "mapping"])
def test_one_instance_is_waited_for_at_a_barrier_like_many(programs: Programs, instances: object) -> None:
    run = programs.run(lambda: component(instances))
    assert list(run.rows()) == [f"fleet-{WEB}"]
    assert run.row().inputs["wait"] is False
    assert run.barrier().inputs["targets"] == {WEB: f"{WEB} httpTokens=required change=first"}
    assert (run.outputs["applied_ids"], run.outputs["pending_start_ids"]) == ([WEB], [])


def test_several_instances_are_waited_for_at_one_barrier(programs: Programs) -> None:
    run = programs.run(lambda: component({"web": WEB, "api": API, "old": OLD}))
    assert [row.inputs["wait"] for row in run.rows().values()] == [False] * 3
    assert run.barrier().name == "fleet"
    assert run.barrier().inputs["targets"] == {
        name: f"{instance_id} httpTokens=required change=first"
        for name, instance_id in [("web", WEB), ("api", API), ("old", OLD)]
    }
    assert run.outputs["applied_ids"] == sorted([WEB, API, OLD])


def test_the_names_of_the_targets_reach_the_barrier_as_they_were_given(programs: Programs) -> None:
    names = {"web_1": WEB, "web1": API, "blueGreen": OLD}
    run = programs.run(lambda: component(names))
    targets = run.barrier().inputs["targets"].items()
    assert {name: target.split(" ")[0] for name, target in targets} == names


def test_without_instances_there_is_a_warning_and_a_barrier_that_reports_released_instances(programs: Programs) -> None:
    run = programs.run(lambda: component([]))
    assert [each.type for each in run.resources] == [COMPONENT, BARRIER]
    assert (run.barrier().inputs["targets"], run.barrier().inputs["owner"]) == ({}, "InstanceMetadata fleet")
    assert run.outputs == {"options": {}, "applied_ids": [], "pending_start_ids": []}
    assert run.log == ["warning: there are no instances to manage."]


def test_an_instance_of_the_program_is_attached_by_its_id_and_named_after_itself(programs: Programs) -> None:
    run = programs.run(lambda: component(instance("web")))
    assert list(run.rows()) == ["fleet-web"]
    assert run.row().inputs["instanceId"] == "i-00000000000776562"
    assert run.row().deleted_with.endswith("aws:ec2/instance:Instance::web")


def test_a_resource_of_an_instance_given_by_its_id_is_deleted_with_nothing(programs: Programs) -> None:
    assert programs.run(lambda: component(WEB)).row().deleted_with == ""


def test_instances_and_ids_mix_in_a_list(programs: Programs) -> None:
    run = programs.run(lambda: component([instance("web"), OLD]))
    assert {name: row.inputs["instanceId"] for name, row in run.rows().items()} == {
        "fleet-web": "i-00000000000776562",
        f"fleet-{OLD}": OLD,
    }


def test_a_mapping_names_instances_ids_and_outputs(programs: Programs) -> None:
    run = programs.run(
        lambda: component({"a": instance("web"), "b": WEB, "c": pulumi.Output.from_input(API), "d": instance("x").id})
    )
    assert {name: row.inputs["instanceId"] for name, row in run.rows().items()} == {
        "fleet-a": "i-00000000000776562",
        "fleet-b": WEB,
        "fleet-c": API,
        "fleet-d": "i-00000000000000078",
    }


def test_logical_names_do_not_depend_on_the_order(programs: Programs) -> None:
    for order in itertools.permutations([WEB, API, OLD]):
        rows = programs.run(partial(component, list(order))).rows()
        assert {name: row.inputs["instanceId"] for name, row in rows.items()} == {
            f"fleet-{each}": each for each in (WEB, API, OLD)
        }


def test_adding_an_instance_renames_none(programs: Programs) -> None:
    before = programs.run(lambda: component([WEB, OLD])).rows()
    after = programs.run(lambda: component([API, WEB, OLD])).rows()
    assert set(after) - set(before) == {f"fleet-{API}"}
    assert set(before) <= set(after)


def test_children_belong_to_the_component(programs: Programs) -> None:
    run = programs.run(lambda: component([WEB, API]))
    (parent,) = {each.parent for each in run.resources if each.type in (ROW, BARRIER)}
    assert parent.endswith(f"{COMPONENT}::fleet")


def test_the_component_has_the_parent_that_the_program_gives(programs: Programs) -> None:
    def program() -> InstanceMetadata:
        parent = pulumi.ComponentResource("team:index:Web", "web")
        return component(WEB, opts=pulumi.ResourceOptions(parent=parent))

    (own,) = [each for each in programs.run(program).resources if each.type == COMPONENT]
    assert own.parent.endswith("team:index:Web::web")


def test_the_outputs_hold_the_observed_options_by_instance_id_and_are_registered(programs: Programs) -> None:
    run = programs.run(lambda: component([WEB, OLD], http_tokens="required", http_put_response_hop_limit=3))
    observed = {
        "httpTokens": "required",
        "httpPutResponseHopLimit": 3,
        "httpEndpoint": "enabled",
        "httpProtocolIpv6": "disabled",
        "instanceMetadataTags": "disabled",
    }
    assert run.outputs == {
        "options": {WEB: observed, OLD: observed},
        "applied_ids": [WEB, OLD],
        "pending_start_ids": [],
    }
    assert run.registered_outputs == [{"appliedIds": [WEB, OLD], "pendingStartIds": [], "unknownIds": []}]


def test_every_option_and_setting_reaches_each_instance(programs: Programs) -> None:
    given = {
        "http_tokens": "optional",
        "http_put_response_hop_limit": 64,
        "http_endpoint": "enabled",
        "http_protocol_ipv6": "enabled",
        "instance_metadata_tags": "enabled",
        "region": "us-east-1",
        "on_destroy": "restore",
        "timeout_seconds": 7,
        "allow_downgrade": "an old agent",
    }
    run = programs.run(lambda: component([WEB, OLD], **given))
    inputs = {
        name: {key: value for key, value in row.inputs.items() if key not in ("__provider", "instanceId")}
        for name, row in run.rows().items()
    }
    expected = {
        "httpTokens": "optional",
        "httpPutResponseHopLimit": 64,
        "httpEndpoint": "enabled",
        "httpProtocolIpv6": "enabled",
        "instanceMetadataTags": "enabled",
        "region": "us-east-1",
        "onDestroy": "restore",
        "timeoutSeconds": 7,
        "allowDowngrade": "an old agent",
        "wait": False,
    }
    assert inputs == {f"fleet-{WEB}": expected, f"fleet-{OLD}": expected}
    assert (run.barrier().inputs["region"], run.barrier().inputs["timeoutSeconds"]) == ("us-east-1", 7)


def test_arguments_that_are_not_given_are_no_inputs_and_destroying_retains(programs: Programs) -> None:
    inputs = programs.run(lambda: component(WEB)).row().inputs
    assert {name: value for name, value in inputs.items() if name != "__provider" and value is not None} == {
        "instanceId": WEB,
        "httpTokens": "required",
        "onDestroy": "retain",
        "timeoutSeconds": 120,
        "wait": False,
    }


@pytest.mark.parametrize(
    "given",
    [
        lambda: aws.ec2.InstanceMetadataOptionsArgs(http_tokens="required", http_put_response_hop_limit=2),
        lambda: {"http_tokens": "required", "http_put_response_hop_limit": 2},
    ],
    ids=["class", "dictionary"],
)
def test_the_options_may_be_those_of_pulumi_aws(programs: Programs, given: Any) -> None:  # noqa: ANN401  see above
    inputs = programs.run(lambda: component(WEB, metadata_options=given())).row().inputs
    assert (inputs["httpTokens"], inputs["httpPutResponseHopLimit"]) == ("required", 2)


def test_an_option_may_be_an_output(programs: Programs) -> None:
    run = programs.run(lambda: component(WEB, http_tokens=pulumi.Output.from_input("required")))
    assert run.row().inputs["httpTokens"] == "required"


def test_instances_of_the_same_name_under_different_parents_may_be_named_by_a_mapping(programs: Programs) -> None:
    def program() -> InstanceMetadata:
        parents = [pulumi.ComponentResource("team:index:Web", name) for name in ("blue", "green")]
        blue, green = (
            aws.ec2.Instance("web", ami="ami-1a2b3c4d", opts=pulumi.ResourceOptions(parent=parent))
            for parent in parents
        )
        return component({"blue": blue, "green": green})

    assert set(programs.run(program).rows()) == {"fleet-blue", "fleet-green"}


def test_two_instances_of_the_same_name_in_a_list_are_an_error(programs: Programs) -> None:
    def program() -> InstanceMetadata:
        parents = [pulumi.ComponentResource("team:index:Web", name) for name in ("blue", "green")]
        return component(
            [
                aws.ec2.Instance("web", ami="ami-1a2b3c4d", opts=pulumi.ResourceOptions(parent=parent))
                for parent in parents
            ]
        )

    with pytest.raises(pulumi.RunError, match=r"2 instances are named web: give a mapping of names to instances\."):
        programs.run(program)
    assert programs.last.rows() == {}


DUPLICATES: dict[str, tuple[Any, str]] = {
    "id in a list": (lambda: [WEB, API, WEB], f"{WEB} is given twice, in the same list."),
    "id in a mapping": (lambda: {"a": WEB, "b": WEB}, f"{WEB} is given twice, as a and as b."),
}


@pytest.mark.parametrize(("instances", "problem"), DUPLICATES.values(), ids=DUPLICATES)
def test_an_id_given_twice_is_an_error(programs: Programs, instances: Any, problem: str) -> None:  # noqa: ANN401
    with pytest.raises(pulumi.RunError) as caught:
        programs.run(lambda: component(instances()))
    assert str(caught.value) == f"InstanceMetadata fleet: {problem}"
    assert programs.last.rows() == {}


def test_an_instance_of_the_program_given_twice_is_an_error(programs: Programs) -> None:
    def in_a_list() -> InstanceMetadata:
        web = instance("web")
        return component([web, web])

    def in_a_mapping() -> InstanceMetadata:
        web = instance("web")
        return component({"a": web, "b": web})

    for program, where in ((in_a_list, "in the same list"), (in_a_mapping, "as a and as b")):
        with pytest.raises(pulumi.RunError, match=f"the instance web is given twice, {where}."):
            programs.run(program)
        assert programs.last.rows() == {}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            {"instances": "web"},
            'instances.web must be an instance ID ("i-" and 8 or 17 hexadecimal digits), got "web".',
        ),
        (
            {"metadata_options": {"http_tokens": "required"}, "http_tokens": "required"},
            "http_tokens is given twice, by itself and in metadata_options.",
        ),
        ({"metadata_options": {}, "region": "eu-west-1"}, "set at least one option to manage: http_tokens,"),
    ],
)
def test_a_bad_argument_ends_the_program_with_one_line_before_anything_is_registered(
    programs: Programs, given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        programs.run(lambda: component(**{"instances": WEB, **given}))
    assert str(caught.value).startswith(f"InstanceMetadata fleet: {problem}")
    assert programs.last.rows() == {}


def test_all_bad_options_are_listed_in_one_error(programs: Programs) -> None:
    bad = dict.fromkeys((option.argument for option in OPTIONS), "on")
    with pytest.raises(pulumi.RunError) as caught:
        programs.run(lambda: component(WEB, **bad))
    lines = str(caught.value).removeprefix("InstanceMetadata fleet: ").splitlines()
    assert [line.split(" must be ")[0].strip() for line in lines] == list(bad)


def test_a_wrong_aws_configuration_ends_the_program_before_anything_is_registered(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.connects = True
    monkeypatch.setenv("PULUMI_CONFIG", '{"aws:endpoints": "[{\\"ec2\\": \\"http://203.0.113.7\\"}]"}')
    programs.connects = True
    with pytest.raises(pulumi.RunError, match="InstanceMetadata fleet: aws:endpoints: the URL of ec2 must be https"):
        programs.run(lambda: component(WEB))
    assert programs.last.rows() == {}


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "run"])
def test_one_describe_finds_the_planned_change_of_every_resource(programs: Programs, *, preview: bool) -> None:
    programs.ec2.add(WEB)
    programs.ec2.add(API, {**LAX, "httpTokens": "required"})
    rows = programs.run(lambda: component({"web": WEB, "api": API}), preview=preview).rows()
    assert programs.ec2.describes == [tuple(sorted([WEB, API]))]
    assert rows["fleet-web"].inputs["change"] == "httpTokens: optional -> required"
    assert "found" not in rows["fleet-web"].inputs
    assert "change" not in rows["fleet-api"].inputs
    seen = parse_found_line(API, rows["fleet-api"].inputs["found"], {"httpTokens": "required"})
    assert seen == programs.ec2.describe([API], Deadline(programs.clock, 1))[API]


def test_a_run_updates_the_resource_of_a_terminated_instance_so_that_it_fails(programs: Programs) -> None:
    programs.ec2.add(WEB, instance_state="terminated")
    assert programs.run(lambda: component(WEB)).row().inputs["change"] == "terminated"


def test_a_run_that_cannot_describe_the_instances_warns_and_compares_recorded_values(programs: Programs) -> None:
    programs.error = AwsError("EC2 refused DescribeInstances.", "UnauthorizedOperation")
    run = programs.run(lambda: component({"web": WEB, "api": API}))
    (warning,) = run.log
    assert warning.startswith(
        "warning: this run compares recorded values only, the instances could not be described: EC2"
    )
    assert not any("change" in row.inputs or "found" in row.inputs for row in run.rows().values())
