"""What must hold after a run was killed and repaired."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from localcloud.ec2.instances import MetadataOptions
from tests.kill.kill_points import ACCOUNT, MODIFY, MODIFY_DEFAULTS, OPERATIONS, A, B, Chain, KillPoint
from tests.kill.stack import FOREVER_SECONDS, KillableStack, ViolationError, subject
from tests.support.ec2_options import to_ec2


@dataclass(frozen=True)
class Repaired:
    """A kill point after which everything held.

    ``without_previous`` are the instances, and :data:`ACCOUNT`, whose values from before were never recorded, so that
    they cannot be restored. ``backend_repaired``: the stack could not be opened before.
    """

    kill_point: KillPoint
    seconds_until_all_had_ended: float
    without_previous: list[str]
    backend_repaired: bool


def run_chain(stack: KillableStack, chain: Chain) -> Iterator[Repaired]:
    """Run a stack from its creation to the last operation of the chain, killed and repaired at each kill point.

    Raises :class:`ViolationError`.
    """
    killed_at = {each.operation: each for each in chain}
    for operation in OPERATIONS[: OPERATIONS.index(chain[-1].operation) + 1]:
        stack.plan(operation)
        if operation in killed_at:
            yield _kill_and_repair(stack, killed_at[operation])
        elif (ended := stack.up()).code:
            raise ViolationError(f"the run before failed:\n{ended.text}")


def _kill_and_repair(stack: KillableStack, kill_point: KillPoint) -> Repaired:
    before = stack.truth()
    killed = stack.kill(kill_point)
    found = stack.truth()
    to_keep = {each: in_program(values) for each, values in found.items()} | stack.previous()
    to_send = {each for each, options in found.items() if options != stack.expected[each]}

    killed_at_time = time.time()  # a call that was held is logged later, with the time at which it came
    repaired_backend = repair(stack, after_death_of_engine=kill_point.victim == "engine")
    sent = sorted(
        each["params"].get("InstanceId", ACCOUNT)
        for action in (MODIFY, MODIFY_DEFAULTS)
        for each in stack.cloud.log(action)
        if each["time"] > killed_at_time
    )
    if sent != sorted(to_send):
        raise ViolationError(f"the repair modified {sent}, but what differed were {sorted(to_send)}")
    if kill_point.operation != "delete" and stack.previous() != to_keep:
        raise ViolationError(f"the state would restore {stack.previous()} instead of {to_keep}")
    if kill_point.operation == "delete":
        # A component does not wait for a restore: its delete ends once EC2 has taken the values.
        stack.cloud.advance(FOREVER_SECONDS)
    check(stack)
    preview = stack.pulumi.run("preview", "--expect-no-changes")
    if preview.code:
        raise ViolationError(f"the preview is not empty:\n{preview.text}")
    without_previous = [
        each for each in found if kill_point.operation == "create" and to_keep[each] != in_program(before[each])
    ]
    return Repaired(kill_point, killed.seconds_until_all_had_ended, without_previous, repaired_backend)


def repair(stack: KillableStack, *, after_death_of_engine: bool) -> bool:
    """Do only what Pulumi asks for: `pulumi cancel` if it left its lock, then one `pulumi up`.

    Returns whether its backend had to be repaired first.
    """
    repaired_backend = after_death_of_engine and stack.repair_backend()
    if stack.is_locked() != after_death_of_engine:
        raise ViolationError(f"the stack is {'' if stack.is_locked() else 'not '}locked")
    if after_death_of_engine and (ended := stack.pulumi.run("cancel", "--yes")).code:
        raise ViolationError(f"`pulumi cancel` failed:\n{ended.text}")
    if (ended := stack.up()).code:
        raise ViolationError(f"the repair failed:\n{ended.text}")
    return repaired_backend


def check(stack: KillableStack) -> None:
    """Check that EC2 has what is expected and that the state agrees. Raises :class:`ViolationError`."""
    if stack.truth() != stack.expected:
        raise ViolationError(f"EC2 has {stack.truth()} instead of {stack.expected}")
    if pending := [each["id"] for each in stack.cloud.instances() if each["metadata_state"] != "applied"]:
        raise ViolationError(f"did not wait for {pending}")
    recorded = stack.resources()
    managed = {subject(each["outputs"]) for each in recorded.values() if "previous" in each["outputs"]}
    # After a delete there are none.
    if managed not in ({A, B, ACCOUNT}, set()):
        raise ViolationError(f"the state knows {sorted(managed)} alone")
    for name, resource in recorded.items():
        outputs = resource["outputs"]
        if "appliedIds" in outputs and set(outputs["appliedIds"]) != managed - {ACCOUNT}:
            raise ViolationError(f"{name} has {outputs['appliedIds']} applied")
        if "previous" in outputs and to_ec2(outputs) != stack.expected[subject(outputs)]:
            raise ViolationError(f"the state of {name} is not what EC2 has: {outputs}")


def in_program(options: Mapping[str, object]) -> MetadataOptions:
    """Those of EC2's options that the program manages."""
    return MetadataOptions(
        HttpTokens=str(options["HttpTokens"]), HttpPutResponseHopLimit=int(str(options["HttpPutResponseHopLimit"]))
    )
