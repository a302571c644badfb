"""Manage the instances that the configuration names, those that do not wait for themselves behind a barrier."""

from collections import Counter

import pulumi

from imds_components import InstanceMetadata
from imds_provider import InstanceMetadataOptions, MetadataOptionsApplied
from imds_provider.rules.options import as_arguments, decode

config = pulumi.Config()
in_components = config.require_bool("inComponents")
timeout_seconds = config.require_int("timeoutSeconds")
barriers: list[dict[str, pulumi.Output[str]]] = []
turns: Counter[str] = Counter()
for name, row in config.require_object("rows").items():
    given = {
        **as_arguments(decode(row["options"])),
        "on_destroy": row["end"],
        "allow_downgrade": row["reason"],
        "timeout_seconds": timeout_seconds,
        "opts": pulumi.ResourceOptions(aliases=[pulumi.Alias(name=each) for each in row["aliases"]]),
    }
    if in_components:
        InstanceMetadata(name, instances={"it": row["instance"]}, **given)
        continue
    managed = InstanceMetadataOptions(name, instance_id=row["instance"], wait=row["wait"], **given)
    if not row["wait"]:
        # A barrier takes an instance once.
        turn = turns[row["instance"]]
        turns[row["instance"]] += 1
        barriers += [{}] * (turn == len(barriers))
        barriers[turn][name] = managed.target
for number, targets in enumerate(barriers, 1):
    MetadataOptionsApplied(f"barrier-{number}", targets=targets, timeout_seconds=timeout_seconds)
