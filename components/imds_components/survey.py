"""A look at the live instances while a preview runs, so that it shows what will change on them, not only in the state.

One batched DescribeInstances for all instances of a component. Never done in the run itself: there the resources look
for themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pulumi

from imds_provider import runtime
from imds_provider.errors import ConfigurationError, ImdsError
from imds_provider.options import OPTIONS, decode
from imds_provider.settling import CONFIRM_MISSING_SECONDS, NotSettledError, Observation, judge_found, wait

from .attachments import Attachment, duplicates
from .preview_report import report
from .wanted_options import WantedOptions

TIMEOUT_SECONDS = 20


def survey(
    component: pulumi.Resource,
    attached: Sequence[Attachment],
    wanted: WantedOptions,
    region: pulumi.Input[str] | None,
) -> pulumi.Output[None]:
    """Say below the component's row what will change on each instance whose id is known.

    The output fails, and with it the preview, if one of them does not exist, is terminated or is given twice. If AWS
    cannot be asked it warns instead: a preview needs no credentials.
    """
    return pulumi.Output.from_input(_survey(component, attached, wanted, region))


async def _survey(
    component: pulumi.Resource,
    attached: Sequence[Attachment],
    wanted: WantedOptions,
    region: pulumi.Input[str] | None,
) -> None:
    ids = await _known({each.name: each.instance_id for each in attached})
    twice = duplicates((str(instance_id), name) for name, instance_id in ids.items())
    if twice:
        raise pulumi.RunError("\n".join(twice))
    options = await _known({option.name: wanted[option.argument] for option in OPTIONS if option.argument in wanted})
    where = (await _known({"region": region})).get("region")
    if not ids or (region is not None and where is None):
        return
    instance_ids = {name: str(instance_id) for name, instance_id in ids.items()}
    try:
        found, place = await asyncio.get_running_loop().run_in_executor(None, _look, instance_ids, where)
    except ConfigurationError as error:
        raise pulumi.RunError(str(error)) from None
    except ImdsError as error:
        pulumi.log.warn(f"this preview shows recorded values only, the instances could not be seen: {error}", component)
        return
    to_launch = [each.name for each in attached if each.name not in ids]
    told = report(instance_ids, found, decode(options), place, to_launch)
    if told.problems:
        raise pulumi.RunError("\n".join(told.problems))
    pulumi.log.info("\n".join(told.lines), component)


def _look(ids: Mapping[str, str], region: object) -> tuple[Mapping[str, Observation], str]:
    ec2 = runtime.ec2(region)
    deadline = runtime.deadline(TIMEOUT_SECONDS, TIMEOUT_SECONDS)
    try:
        settled = wait(
            lambda pending: ec2.describe(pending, deadline),
            {instance_id: {} for instance_id in ids.values()},
            deadline,
            place=ec2.region,
            judge=judge_found,
            missing_grace_seconds=CONFIRM_MISSING_SECONDS,
            patient=False,
        )
    except NotSettledError as error:
        if any(each.kind == "timeout" for each in error.unsettled.values()):
            raise ImdsError(f"EC2 in {ec2.region} did not answer within {TIMEOUT_SECONDS} s.") from None
        return error.observations, ec2.region
    return settled.observations, ec2.region


async def _known(values: Mapping[str, object]) -> dict[str, object]:
    """Those of the values that are known now, with outputs resolved."""
    known: dict[str, object] = {}
    for name, value in values.items():
        output: pulumi.Output[object] = pulumi.Output.from_input(value)
        if await output.is_known():
            resolved = await output.future()
            if resolved is not None:
                known[name] = resolved
    return known
