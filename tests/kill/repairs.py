"""What must hold after a run was cut off and repaired."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from localcloud.ec2.instances import MetadataOptions
from tests.kill.kill_points import MODIFY, OPERATIONS, A, B, Boundary, Chain
from tests.kill.stack import FOREVER_SECONDS, Scene, ViolationError, in_ec2s_words


@dataclass(frozen=True)
class Repaired:
    """A boundary at which everything held.

    ``forgotten`` are the instances that EC2 had changed before anybody recorded what they had been before, so that
    `restore` can never put that back. ``backend_mended`` is true where the stack could not be opened before.
    """

    boundary: Boundary
    seconds_until_all_had_ended: float
    forgotten: list[str]
    backend_mended: bool


def lead_through(scene: Scene, chain: Chain) -> Iterator[Repaired]:
    """Lead a stack from its creation to the last operation of the chain, cut off and repaired at each boundary.

    Raises :class:`ViolationError`.
    """
    cut_at = {each.operation: each for each in chain}
    for operation in OPERATIONS[: OPERATIONS.index(chain[-1].operation) + 1]:
        scene.want(operation)
        if operation in cut_at:
            yield _cut_and_repair(scene, cut_at[operation])
        elif (ended := scene.up()).code:
            raise ViolationError(f"the run before failed:\n{ended.text}")


def _cut_and_repair(scene: Scene, boundary: Boundary) -> Repaired:
    before = scene.truth()
    cut = scene.cut(boundary)
    found = scene.truth()
    to_keep = {each: in_program(values) for each, values in found.items()} | scene.previous()
    to_send = {each for each, options in found.items() if options != scene.expected[each]}

    cut_off = time.time()  # what was held then is logged later, by the time at which it came
    mended = repair(scene, after_death_of_engine=boundary.victim == "engine")
    sent = {each["params"]["InstanceId"] for each in scene.cloud.log(MODIFY) if each["time"] > cut_off}
    if sent != to_send:
        raise ViolationError(f"the repair modified {sorted(sent)}, but what differed were {sorted(to_send)}")
    if boundary.operation != "delete" and scene.previous() != to_keep:
        raise ViolationError(f"the state would put back {scene.previous()} instead of {to_keep}")
    if boundary.operation == "delete":
        # Nobody waits for what a component restores: it ends once EC2 has taken the values.
        scene.cloud.advance(FOREVER_SECONDS)
    check(scene)
    preview = scene.pulumi.run("preview", "--expect-no-changes")
    if preview.code:
        raise ViolationError(f"the preview is not empty:\n{preview.text}")
    forgotten = [each for each in found if boundary.operation == "create" and to_keep[each] != in_program(before[each])]
    return Repaired(boundary, cut.seconds_until_all_had_ended, forgotten, mended)


def repair(scene: Scene, *, after_death_of_engine: bool) -> bool:
    """Do what Pulumi asks for, and no more: `pulumi cancel` where it left its lock, then one `pulumi up`.

    Returns whether its backend had to be mended before.
    """
    mended = after_death_of_engine and scene.mend_backend()
    if scene.is_locked() != after_death_of_engine:
        raise ViolationError(f"the stack is {'' if scene.is_locked() else 'not '}locked")
    if after_death_of_engine and (ended := scene.pulumi.run("cancel", "--yes")).code:
        raise ViolationError(f"`pulumi cancel` failed:\n{ended.text}")
    if (ended := scene.up()).code:
        raise ViolationError(f"the repair failed:\n{ended.text}")
    return mended


def check(scene: Scene) -> None:
    """EC2 is as it is to be, and the state says so. Raises :class:`ViolationError`."""
    if scene.truth() != scene.expected:
        raise ViolationError(f"EC2 has {scene.truth()} instead of {scene.expected}")
    if unsettled := [each["id"] for each in scene.cloud.instances() if each["metadata_state"] != "applied"]:
        raise ViolationError(f"nobody waited for {unsettled}")
    recorded = scene.resources()
    managed = {each["outputs"]["instanceId"] for each in recorded.values() if "previous" in each["outputs"]}
    # After a delete there are none.
    if managed not in ({A, B}, set()):
        raise ViolationError(f"the state knows {sorted(managed)} alone")
    for name, resource in recorded.items():
        outputs = resource["outputs"]
        if "appliedIds" in outputs and set(outputs["appliedIds"]) != managed:
            raise ViolationError(f"{name} has {outputs['appliedIds']} applied")
        if "previous" in outputs and in_ec2s_words(outputs) != scene.expected[outputs["instanceId"]]:
            raise ViolationError(f"the state of {name} is not what EC2 has: {outputs}")


def in_program(options: Mapping[str, object]) -> MetadataOptions:
    """Of EC2's options those that the program manages."""
    return MetadataOptions(
        HttpTokens=str(options["HttpTokens"]), HttpPutResponseHopLimit=int(str(options["HttpPutResponseHopLimit"]))
    )
