"""A look at the live instances while a preview runs, so that it shows what will change on them, not only in the state.

One batched DescribeInstances in each region for all instances of a component. Never done in the run itself: there the
resources look for themselves.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from imds_provider.ec2 import Aws
from imds_provider.errors import ConfigurationError, ImdsError
from imds_provider.options import OPTIONS, decode
from imds_provider.settling import CONFIRM_MISSING_SECONDS, NotSettledError, Observation, judge_found, wait

from .access import region_of
from .attachments import Attachment, duplicates
from .preview_report import report
from .wanted_options import WantedOptions

TIMEOUT_SECONDS = 20


def survey(
    component: pulumi.Resource,
    attached: Sequence[Attachment],
    wanted: WantedOptions,
    region: pulumi.Input[str] | None,
    aws: Aws,
    *,
    may_loosen: bool,
) -> pulumi.Output[None]:
    """Say below the component's row what will change on each instance whose id is known.

    Without ``region`` each is looked for in the region of its resource, or else of the stack. The output fails, and
    with it the preview, if one of them does not exist, is terminated, is given twice or, unless it ``may_loosen``,
    would be loosened. If AWS cannot be asked it warns instead: a preview needs no credentials.
    """
    return pulumi.Output.from_input(_survey(component, attached, wanted, region, aws, may_loosen=may_loosen))


async def _survey(
    component: pulumi.Resource,
    attached: Sequence[Attachment],
    wanted: WantedOptions,
    region: pulumi.Input[str] | None,
    aws: Aws,
    *,
    may_loosen: bool,
) -> None:
    ids = await _known({each.name: each.instance_id for each in attached})
    twice = duplicates((str(instance_id), name) for name, instance_id in ids.items())
    if twice:
        raise pulumi.RunError("\n".join(twice))
    options = await _known({option.name: wanted[option.argument] for option in OPTIONS if option.argument in wanted})
    regions = await _known({each.name: region_of(each, region) for each in attached if each.name in ids})
    if not ids or (region is not None and not regions):
        return
    places: defaultdict[str | None, dict[str, str]] = defaultdict(dict)
    for name, instance_id in ids.items():
        places[str(regions[name]) if name in regions else _default_region(aws)][name] = str(instance_id)
    asked = await asyncio.gather(*(_describe(component, aws, place, some) for place, some in places.items()))
    seen = [each for each in asked if each is not None]
    wishes, to_launch = decode(options), [each.name for each in attached if each.name not in ids]
    # Which region an instance is missing from, each region's own report says.
    problems = [
        problem
        for each in seen
        for problem in report(each.ids, each.found, wishes, each.region, may_loosen=may_loosen).problems
    ]
    if problems:
        raise pulumi.RunError("\n".join(problems))
    if seen:
        described = {name: instance_id for each in seen for name, instance_id in each.ids.items()}
        found = {instance_id: each for one in seen for instance_id, each in one.found.items()}
        in_order = {name: described[name] for name in ids if name in described}
        told = report(in_order, found, wishes, seen[0].region, to_launch, may_loosen=may_loosen)
        pulumi.log.info("\n".join(told.lines), component)


@dataclass(frozen=True)
class _Described:
    """The instances of a region that were asked for, by logical name, and those that were found, by id."""

    region: str
    ids: Mapping[str, str]
    found: Mapping[str, Observation]


def _default_region(aws: Aws) -> str | None:
    try:
        return aws.default_region()
    except ConfigurationError as error:
        raise pulumi.RunError(str(error)) from None


async def _describe(
    component: pulumi.Resource, aws: Aws, region: str | None, ids: Mapping[str, str]
) -> _Described | None:
    """The instances in one region, or None after a warning that AWS cannot be asked there."""
    try:
        return await asyncio.get_running_loop().run_in_executor(None, _look, aws, region, ids)
    except ConfigurationError as error:
        raise pulumi.RunError(str(error)) from None
    except ImdsError as error:
        pulumi.log.warn(f"this preview shows recorded values only, the instances could not be seen: {error}", component)
        return None


def _look(aws: Aws, region: str | None, ids: Mapping[str, str]) -> _Described:
    ec2 = aws.ec2(region)
    deadline = aws.deadline(TIMEOUT_SECONDS)
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
        return _Described(ec2.region, ids, error.observations)
    return _Described(ec2.region, ids, settled.observations)


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
