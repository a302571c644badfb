"""Bring the instances that the stack names or selects, and its account, onto the metadata options that it demands."""

# Without this the annotations below would load all of pulumi_aws.ec2, which takes longer than the rest of the program.
from __future__ import annotations

from dataclasses import asdict

import pulumi
import pulumi_aws as aws

from imds_components import (
    AccountMetadata,
    FleetMetadata,
    InstanceMetadata,
    launch_defaults,
    planned_defaults,
    stack_config,
)
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

managed: list[pulumi.Resource] = []

if instances:
    metadata = InstanceMetadata(
        "instances",
        instances=instances,
        metadata_options=as_arguments(settings.options),
        allow_downgrade=settings.allow_downgrade,
        aliases={**renamed["instances"], **renamed["launch"]},
    )
    managed.append(metadata)
    pulumi.export("appliedIds", metadata.applied_ids)
    pulumi.export("pendingStartIds", metadata.pending_start_ids)
    pulumi.export("unknownIds", metadata.unknown_ids)
if settings.account_defaults is not None:
    # Though they are set last: a launch after the run finds them.
    planned_defaults.announce(settings.account_defaults.regions, settings.account_defaults.defaults)
if settings.fleets:
    fleets = {
        name: FleetMetadata.from_settings(name, fleet, opts=formerly("fleets", name))
        for name, fleet in settings.fleets.items()
    }
    managed += fleets.values()
    pulumi.export("fleets", {name: fleet.report for name, fleet in fleets.items()})
if settings.account_defaults is not None:
    # After the instances: once IMDSv2 is enforced, none can be changed to optional tokens.
    account = AccountMetadata.from_settings(
        "account", settings.account_defaults, opts=pulumi.ResourceOptions(depends_on=managed)
    )
    pulumi.export("accountDefaults", account.report)
if not managed and settings.account_defaults is None:
    pulumi.log.warn("There is nothing to manage: set imds:instances, imds:launch, imds:fleets or imds:accountDefaults.")
