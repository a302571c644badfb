"""Bring the instances that the stack's configuration names or selects onto the metadata options that it demands."""

# Without this the annotations below would load all of pulumi_aws.ec2, which takes longer than the rest of the program.
from __future__ import annotations

from dataclasses import asdict

import pulumi
import pulumi_aws as aws

from imds_components import FleetMetadata, InstanceMetadata, launch_defaults, stack_config
from imds_provider.rules.options import as_arguments

settings = stack_config.load()
renamed = {section: settings.aliases.get(section, {}) for section in ("instances", "launch", "fleets")}


def formerly(section: str, name: str) -> pulumi.ResourceOptions:
    """The resource options of something that may have had another name."""
    before = renamed[section].get(name)
    return pulumi.ResourceOptions(aliases=[pulumi.Alias(name=before)] if before else None)


if settings.launch:
    launch_defaults(
        http_tokens=None, metadata_options=as_arguments(settings.options), allow_downgrade=settings.allow_downgrade
    )
launched = {
    name: aws.ec2.Instance(name, **asdict(launch), opts=formerly("launch", name))
    for name, launch in settings.launch.items()
}
instances: dict[str, aws.ec2.Instance | str] = {**settings.instances, **launched}

if instances:
    metadata = InstanceMetadata(
        "instances",
        instances=instances,
        metadata_options=as_arguments(settings.options),
        allow_downgrade=settings.allow_downgrade,
        aliases={**renamed["instances"], **renamed["launch"]},
    )
    pulumi.export("appliedIds", metadata.applied_ids)
    pulumi.export("pendingStartIds", metadata.pending_start_ids)
    pulumi.export("unknownIds", metadata.unknown_ids)
if settings.fleets:
    fleets = {
        name: FleetMetadata.from_settings(name, fleet, opts=formerly("fleets", name))
        for name, fleet in settings.fleets.items()
    }
    pulumi.export("fleets", {name: fleet.report for name, fleet in fleets.items()})
if not instances and not settings.fleets:
    pulumi.log.warn("There is nothing to manage: set imds:instances, imds:launch or imds:fleets.")
