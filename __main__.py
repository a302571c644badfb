"""Bring the instances that the stack's configuration names or selects onto the metadata options that it demands."""

from dataclasses import asdict

import pulumi
import pulumi_aws as aws

from imds_components import FleetMetadata, InstanceMetadata, stack_config
from imds_components.fleet_config import fleet_arguments
from imds_provider.options import as_arguments

settings = stack_config.load()
launched = {name: aws.ec2.Instance(name, **asdict(launch)) for name, launch in settings.launch.items()}
instances: dict[str, aws.ec2.Instance | str] = {**settings.instances, **launched}

if instances:
    metadata = InstanceMetadata("instances", instances=instances, metadata_options=as_arguments(settings.options))
    pulumi.export("appliedIds", metadata.applied_ids)
    pulumi.export("pendingStartIds", metadata.pending_start_ids)
if settings.fleets:
    fleets = {
        name: FleetMetadata(name, **fleet_arguments(fleet, settings.options)) for name, fleet in settings.fleets.items()
    }
    pulumi.export("fleets", {name: fleet.report for name, fleet in fleets.items()})
if not instances and not settings.fleets:
    pulumi.log.warn("There is nothing to manage: set imds:instances, imds:launch or imds:fleets.")
