"""What a run with ``--target`` leaves out: the barrier, if only resources of instances are targeted."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from imds_provider import InstanceMetadataOptions, MetadataOptionsApplied
from imds_provider.rules.wording import cut, instances


def warn_of_not_waited(
    component: pulumi.Resource, rows: Mapping[str, InstanceMetadataOptions], barrier: MetadataOptionsApplied
) -> pulumi.Output[None]:
    """Warn below the component's row if a run has changed instances that its barrier has not waited for.

    Pulumi tells neither a program nor a provider of targets. A barrier that is left out shows by what it recorded: the
    targets from before, or nothing at all.
    """
    if pulumi.runtime.is_dry_run():
        return pulumi.Output.from_input(None)
    return pulumi.Output.from_input(_warn(component, rows, barrier))


async def _warn(
    component: pulumi.Resource, rows: Mapping[str, InstanceMetadataOptions], barrier: MetadataOptionsApplied
) -> None:
    is_recorded = await barrier.applied_ids.is_known()
    waited_for = (await barrier.targets.future() if is_recorded else None) or {}
    missing = [
        name
        for name, row in rows.items()
        if await row.target.is_known() and await row.target.future() != waited_for.get(name)
    ]
    if missing:
        pulumi.log.warn(
            f"{instances(len(missing))} changed without being waited for, since this run leaves out the barrier "
            f"{barrier.pulumi_resource_name}: {cut(missing)}. Run `pulumi up` without --target to know that the "
            "options are applied.",
            component,
        )
