"""Manage the instances that the configuration names, those that do not wait for themselves behind a barrier."""

import pulumi

from imds_provider import InstanceMetadataOptions, MetadataOptionsApplied
from imds_provider.options import as_arguments, decode

config = pulumi.Config()
timeout_seconds = config.require_int("timeoutSeconds")
targets = {}
for name, row in config.require_object("rows").items():
    managed = InstanceMetadataOptions(
        name,
        instance_id=row["instance"],
        **as_arguments(decode(row["options"])),  # type: ignore[arg-type]  # by the names of the arguments
        on_destroy=row["end"],
        wait=row["wait"],
        timeout_seconds=timeout_seconds,
    )
    if not row["wait"]:
        targets[name] = managed.target
if targets:
    MetadataOptionsApplied("barrier", targets=targets, timeout_seconds=timeout_seconds)
