"""Who decides what in a program, and what its barriers know of instances that will leave."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from imds_components import FleetMetadata, InstanceMetadata, Rollout
from imds_provider import InstanceMetadataOptions
from tests.support.mocked_programs import Programs

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"

# An output of Pulumi is several futures, which all fail with it, and of which it retrieves one.
logging.getLogger("asyncio").addFilter(lambda record: "exception was never retrieved" not in record.getMessage())

Program = Callable[[], InstanceMetadata | FleetMetadata]


def attached(name: str, instances: Any, **given: Any) -> InstanceMetadata:  # noqa: ANN401  whatever a program passes
    return InstanceMetadata(name, instances=instances, **{"http_put_response_hop_limit": 2, **given})


def direct(name: str, instance_id: pulumi.Input[str], limit: pulumi.Input[int]) -> None:
    InstanceMetadataOptions(name, instance_id=instance_id, http_put_response_hop_limit=limit)


def launched() -> aws.ec2.Instance:
    return aws.ec2.Instance("new", ami="ami-1a2b3c4d", instance_type="t3.micro")


def output(value: Any) -> pulumi.Output[Any]:  # noqa: ANN401  whatever a program passes
    return pulumi.Output.from_input(value)


def literals() -> InstanceMetadata:
    attached("a", {"x": WEB})
    return attached("b", {"y": WEB}, http_put_response_hop_limit=1)


def literal_and_output() -> InstanceMetadata:
    attached("a", {"x": WEB})
    return attached("b", {"y": output(WEB)}, http_put_response_hop_limit=1)


def outputs() -> InstanceMetadata:
    attached("a", {"x": output(WEB)})
    return attached("b", {"y": output(WEB)}, http_put_response_hop_limit=1)


def value_that_is_an_output() -> InstanceMetadata:
    attached("a", {"x": WEB})
    return attached("b", {"y": WEB}, http_put_response_hop_limit=output(1))


def after_a_direct_one() -> InstanceMetadata:
    direct("d", WEB, 1)
    return attached("a", {"x": WEB})


def before_a_direct_one() -> InstanceMetadata:
    component = attached("a", {"x": WEB})
    direct("d", output(WEB), 1)
    return component


def with_a_fleet() -> FleetMetadata:
    attached("a", {"x": output(WEB)})
    return FleetMetadata("f", instances=[WEB], http_put_response_hop_limit=1, rollout=Rollout(["100%"]))


def of_a_new_instance() -> InstanceMetadata:
    new = launched()
    attached("a", new)
    return attached("b", {"y": new.id}, http_put_response_hop_limit=1)


A_AND_B = (("InstanceMetadata a", 2), ("InstanceMetadata b", 1))
CONTESTED: dict[str, tuple[Program, tuple[tuple[str, int], tuple[str, int]]]] = {
    "literals": (literals, A_AND_B),
    "a literal and an output": (literal_and_output, A_AND_B),
    "outputs": (outputs, A_AND_B),
    "a value that is an output": (value_that_is_an_output, A_AND_B),
    "a resource": (of_a_new_instance, A_AND_B),
    "a direct one first": (after_a_direct_one, (("InstanceMetadataOptions d", 1), ("InstanceMetadata a", 2))),
    "a direct one later": (before_a_direct_one, (("InstanceMetadata a", 2), ("InstanceMetadataOptions d", 1))),
    "a fleet": (with_a_fleet, (("InstanceMetadata a", 2), ("fleet f", 1))),
}


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "run"])
@pytest.mark.parametrize(("program", "wishes"), CONTESTED.values(), ids=CONTESTED)
def test_two_owners_of_an_option_end_the_program_with_both_names_and_values(
    programs: Programs, program: Program, wishes: tuple[tuple[str, int], tuple[str, int]], *, preview: bool
) -> None:
    programs.ec2.add(WEB)
    programs.aws.fleet("eu-west-1").add(WEB)
    with pytest.raises(pulumi.RunError) as caught:
        programs.run(program, preview=preview)
    error = str(caught.value)
    assert any(
        f": {one} sets httpPutResponseHopLimit to {first} and {other} sets it to {second}." in error
        for (one, first), (other, second) in permutations(wishes)
    )
    assert error.endswith("Set it in only one of them.")


def test_equal_values_and_different_options_of_an_instance_are_allowed(programs: Programs) -> None:
    def program() -> InstanceMetadata:
        direct("same", WEB, output(2))
        InstanceMetadataOptions("tokens", instance_id=output(WEB), http_tokens="required")
        return attached("a", {"x": WEB, "y": API})

    assert set(programs.run(program).rows()) == {"same", "tokens", "a-x", "a-y"}


def test_another_program_of_the_process_may_set_other_values(programs: Programs) -> None:
    programs.run(lambda: attached("a", {"x": WEB}))
    programs.run(lambda: attached("b", {"y": WEB}, http_put_response_hop_limit=1))


def same_name() -> InstanceMetadata:
    attached("a", {"b-c": WEB})
    return attached("a-b", {"c": API})


def test_two_resources_of_the_same_name_end_the_program_with_both_names(programs: Programs) -> None:
    sentence = "InstanceMetadata a and InstanceMetadata a-b both have a resource named a-b-c: rename one of them"
    with pytest.raises(pulumi.RunError, match=sentence):
        programs.run(same_name)


def test_a_barrier_has_what_is_restored_when_an_instance_is_released(programs: Programs) -> None:
    def program() -> InstanceMetadata:
        return attached("a", {"new": launched(), "web": WEB}, on_destroy="restore", allow_downgrade="a lab")

    inputs = programs.run(program).barrier().inputs
    assert inputs["owner"] == "InstanceMetadata a"
    assert inputs["restores"] == {"new": "allowDowngrade withResource", "web": "allowDowngrade"}
    assert "restores" not in programs.run(lambda: attached("a", {"web": WEB})).barrier().inputs


def test_the_last_barrier_of_a_fleet_has_what_is_restored_for_all_instances(programs: Programs) -> None:
    for each in (WEB, API):
        programs.aws.fleet("eu-west-1").add(each)
    run = programs.run(
        lambda: FleetMetadata(
            "web",
            instances=[WEB, API],
            http_tokens="required",
            on_destroy="restore",
            allow_downgrade={API: "a lab"},
            rollout=Rollout([1, "100%"]),
        )
    )
    first, last = run.barriers()
    assert {"owner", "restores"}.isdisjoint(first.inputs)
    assert (last.inputs["owner"], last.inputs["restores"]) == ("fleet web", {WEB: "", API: "allowDowngrade"})
    reasons = {name: row.inputs.get("allowDowngrade") for name, row in run.rows().items()}
    assert reasons == {f"web-{WEB}": None, f"web-{API}": "a lab"}
