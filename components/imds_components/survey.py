"""A look at the live instances of a component, in previews and runs alike: each resource is given what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from imds_provider.aws import Aws
from imds_provider.errors import ConfigurationError
from imds_provider.program.errors import ProgramError
from imds_provider.rules.observation import Observation
from imds_provider.rules.options import OPTIONS, Options, decode
from imds_provider.rules.planned_change import change_line, found_line

from . import live_instances
from .access import region_of
from .attachments import Attachment, duplicates
from .live_instances import LiveInstances
from .preview import Report, report
from .wanted_options import WantedOptions


@dataclass(frozen=True)
class Seen:
    """What a resource is given of the look: the inputs ``change`` and ``found`` of ``InstanceMetadataOptions``."""

    change: pulumi.Input[str | None]
    found: pulumi.Input[str | None]


@dataclass(frozen=True)
class _Live:
    """One instance: where it was looked for, and what was seen of it; None if EC2 does not know it."""

    region: str | None
    instance_id: str
    observation: Observation | None


Look = asyncio.Future["_Live | None"]
Wishes = asyncio.Future[dict[str, object]]


def survey(
    component: pulumi.Resource,
    attached: Sequence[Attachment],
    wanted: WantedOptions,
    region: pulumi.Input[str] | None,
    aws: Aws,
    *,
    may_loosen: bool,
) -> Mapping[str, Seen]:
    """Look at each instance once its ID is known, and give what was seen of it, by its logical name.

    Without ``region`` each is looked for in the region of its resource, or else of the stack. A preview also reports
    below the component's row what will change, and fails if an instance does not exist, is terminated, is given twice
    or, unless it ``may_loosen``, would be loosened. If AWS cannot be asked that is a warning: a preview needs no
    credentials.
    """
    live = live_instances.of_this_program()
    options = {option.name: wanted[option.argument] for option in OPTIONS if option.argument in wanted}
    wishes = asyncio.ensure_future(_known(options))
    looks = {each.name: asyncio.ensure_future(_look(component, each, region, live, aws)) for each in attached}
    if pulumi.runtime.is_dry_run():
        # A preview fails with an output that does, whether anybody uses it or not.
        _: pulumi.Output[None] = pulumi.Output.from_input(
            _report(component, attached, looks, wishes, live, may_loosen=may_loosen)
        )
    outputs = [value for value in options.values() if isinstance(value, pulumi.Output)]
    return {each.name: _seen(each, looks[each.name], wishes, outputs) for each in attached}


def _seen(
    attachment: Attachment,
    look: Look,
    wishes: Wishes,
    options: Sequence[pulumi.Output[object]],
) -> Seen:
    """What is seen of one instance: unknown in a preview for as long as its ID or a wanted option is.

    An update plan then leaves it open. So ``found`` is given only where the program knows both for itself.
    """
    unknown = [*options] if attachment.known_id else [*options, attachment.instance_id]

    async def line(of: Callable[[Observation, Options], str | None]) -> str | None:
        live = await look
        return of(live.observation, decode(await wishes)) if live and live.observation else None

    change: pulumi.Output[str | None] = pulumi.Output.from_input(line(change_line))
    if unknown:
        return Seen(pulumi.Output.all(change, *unknown).apply(lambda found: found[0]), None)
    return Seen(change, pulumi.Output.from_input(line(found_line)))


async def _look(
    component: pulumi.Resource,
    attachment: Attachment,
    region: pulumi.Input[str] | None,
    live: LiveInstances,
    aws: Aws,
) -> _Live | None:
    """The live instance; None where it could not be looked for."""
    known = await _known({"id": attachment.instance_id, "region": region_of(attachment, region)})
    if "id" not in known or (region is not None and "region" not in known):
        return None
    place = str(known["region"]) if "region" in known else _default_region(aws)
    instance_id = str(known["id"])
    described = await live.describe(component, aws, place, instance_id)
    return None if described is None else _Live(place, instance_id, described.get(instance_id))


def _default_region(aws: Aws) -> str | None:
    try:
        return aws.default_region()
    except ConfigurationError:
        return None  # whose reason is known once a connection is made


async def _report(
    component: pulumi.Resource,
    attached: Sequence[Attachment],
    looks: Mapping[str, Look],
    wishes: Wishes,
    live: LiveInstances,
    *,
    may_loosen: bool,
) -> None:
    """Report what will change on the instances whose IDs are known. Raises :class:`ProgramError` for what cannot."""
    ids = await _known({each.name: each.instance_id for each in attached})
    if twice := duplicates((str(instance_id), name) for name, instance_id in ids.items()):
        raise ProgramError("\n".join(twice))
    found = {name: seen for name, look in looks.items() if (seen := await look) is not None}
    if live.problem is not None:
        raise ProgramError(live.problem)
    wanted, to_launch = decode(await wishes), [each.name for each in attached if each.name not in ids]
    # Which region an instance is missing from, the report of each region says.
    regions = dict.fromkeys(each.region for each in found.values())
    problems = [
        problem
        for region in regions
        for problem in _compare(
            {name: each for name, each in found.items() if each.region == region}, wanted, may_loosen=may_loosen
        ).problems
    ]
    if problems:
        raise ProgramError("\n".join(problems))
    if found:
        compared = _compare(found, wanted, to_launch, may_loosen=may_loosen)
        pulumi.log.info("\n".join(compared.lines), component)


def _compare(found: Mapping[str, _Live], wanted: Options, to_launch: Sequence[str] = (), *, may_loosen: bool) -> Report:
    return report(
        {name: each.instance_id for name, each in found.items()},
        {each.instance_id: each.observation for each in found.values() if each.observation is not None},
        wanted,
        str(next(iter(found.values())).region),
        to_launch,
        may_loosen=may_loosen,
    )


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
