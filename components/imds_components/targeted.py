"""Warn of a run with ``--target`` that leaves out the barrier."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from imds_provider import InstanceMetadataOptions, MetadataOptionsApplied
from imds_provider.rules.target import Target
from imds_provider.rules.wording import instances, shorten


def warn_of_not_waited(
    component: pulumi.Resource, resources: Mapping[str, InstanceMetadataOptions], barrier: MetadataOptionsApplied
) -> pulumi.Output[None]:
    """Log a warning on the component if a run changed instances that its barrier did not wait for.

    Neither a program nor a provider learns of ``--target``. A barrier that was left out shows by its outputs: they are
    those of an earlier run, or missing.
    """
    if pulumi.runtime.is_dry_run():
        return pulumi.Output.from_input(None)
    return pulumi.Output.from_input(_warn(component, resources, barrier))


async def _warn(
    component: pulumi.Resource, resources: Mapping[str, InstanceMetadataOptions], barrier: MetadataOptionsApplied
) -> None:
    is_recorded = await barrier.applied_ids.is_known()
    waited_for = (await barrier.targets.future() if is_recorded else None) or {}
    missing = [
        name
        for name, resource in resources.items()
        if await resource.target.is_known()
        and Target.parse(await resource.target.future()) != Target.parse(waited_for.get(name))
    ]
    if missing:
        pulumi.log.warn(
            f"{instances(len(missing))} changed without a wait, since --target left out the barrier "
            f"{barrier.pulumi_resource_name}: {shorten(missing)}. Run `pulumi up` without --target to know that the "
            "options are applied.",
            component,
        )
