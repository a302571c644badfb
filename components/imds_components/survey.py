"""Describe the live instances of an ``InstanceMetadata``, in previews and runs: its resources get what differs."""

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
from .preview import Report, report
from .wanted_options import WantedOptions


@dataclass(frozen=True)
class PlannedChange:
    """What the survey adds to the inputs of an ``InstanceMetadataOptions``: its ``change`` and ``found``."""

    change: pulumi.Input[str | None]
    found: pulumi.Input[str | None]


@dataclass(frozen=True)
class _Described:
    """One instance: the region where it was described, and the observation; None if EC2 does not know it."""

    region: str | None
    instance_id: str
    observation: Observation | None


def survey(
    component: pulumi.Resource,
    attached: Sequence[Attachment],
    wanted: WantedOptions,
    region: pulumi.Input[str] | None,
    aws: Aws,
    *,
    may_loosen: bool,
) -> Mapping[str, PlannedChange]:
    """Describe each instance once its ID is known, and return what its resource is to change, by logical name.

    Without ``region``, an instance is described in the region of its resource, or else of the stack. A preview also
    reports on the component what will change. It fails if an instance does not exist, is terminated, is given twice or,
    unless it ``may_loosen``, would be loosened. If AWS cannot be reached, the preview only warns: it needs no
    credentials.
    """
    running = _Survey(component, attached, wanted, region, aws)
    if pulumi.runtime.is_dry_run():
        # A preview fails with an output that does, whether anybody uses it or not.
        _: pulumi.Output[None] = pulumi.Output.from_input(running.report(may_loosen=may_loosen))
    return {each.name: running.planned_change(each) for each in attached}


class _Survey:
    """The describes of one component, which run while the program goes on."""

    def __init__(
        self,
        component: pulumi.Resource,
        attached: Sequence[Attachment],
        wanted: WantedOptions,
        region: pulumi.Input[str] | None,
        aws: Aws,
    ) -> None:
        self._component, self._attached, self._region, self._aws = component, attached, region, aws
        self._live = live_instances.of_this_program()
        options = {option.name: wanted[option.argument] for option in OPTIONS if option.argument in wanted}
        self._outputs = [value for value in options.values() if isinstance(value, pulumi.Output)]
        self._wanted = asyncio.ensure_future(_known(options))
        self._described = {each.name: asyncio.ensure_future(self._describe(each)) for each in attached}

    def planned_change(self, attachment: Attachment) -> PlannedChange:
        """What one resource is to change; unknown in a preview for as long as its ID or a wanted option is.

        An update plan then leaves it open. So ``found`` is set only where the program knows both.
        """
        unknown = [*self._outputs] if attachment.known_id else [*self._outputs, attachment.instance_id]

        async def line(of: Callable[[Observation, Options], str | None]) -> str | None:
            described = await self._described[attachment.name]
            if described is None or described.observation is None:
                return None
            return of(described.observation, decode(await self._wanted))

        change: pulumi.Output[str | None] = pulumi.Output.from_input(line(change_line))
        if unknown:
            return PlannedChange(pulumi.Output.all(change, *unknown).apply(lambda found: found[0]), None)
        return PlannedChange(change, pulumi.Output.from_input(line(found_line)))

    async def report(self, *, may_loosen: bool) -> None:
        """Report what will change on the instances whose IDs are known. Raises :class:`ProgramError`."""
        ids = await _known({each.name: each.instance_id for each in self._attached})
        if twice := duplicates((str(instance_id), name) for name, instance_id in ids.items()):
            raise ProgramError("\n".join(twice))
        found = {name: each for name, future in self._described.items() if (each := await future) is not None}
        if self._live.problem is not None:
            raise ProgramError(self._live.problem)
        wanted = decode(await self._wanted)
        # A missing instance is reported with its region, so each region has a report of its own.
        reports = [
            _compare(
                {name: each for name, each in found.items() if each.region == region}, wanted, may_loosen=may_loosen
            )
            for region in dict.fromkeys(each.region for each in found.values())
        ]
        if problems := [problem for each in reports for problem in each.problems]:
            raise ProgramError("\n".join(problems))
        if found:
            to_launch = [each.name for each in self._attached if each.name not in ids]
            pulumi.log.info("\n".join(_compare(found, wanted, to_launch, may_loosen=may_loosen).lines), self._component)

    async def _describe(self, attachment: Attachment) -> _Described | None:
        """Describe one instance; None where its ID or region is not known, or AWS cannot be reached."""
        known = await _known({"id": attachment.instance_id, "region": region_of(attachment, self._region)})
        if "id" not in known or (self._region is not None and "region" not in known):
            return None
        region = str(known["region"]) if "region" in known else self._default_region()
        instance_id = str(known["id"])
        found = await self._live.describe(self._component, self._aws, region, instance_id)
        return None if found is None else _Described(region, instance_id, found.get(instance_id))

    def _default_region(self) -> str | None:
        try:
            return self._aws.default_region()
        except ConfigurationError:
            return None  # the reason is reported when the connection is made


def _compare(
    found: Mapping[str, _Described],
    wanted: Options,
    to_launch: Sequence[str] = (),
    *,
    may_loosen: bool,
) -> Report:
    return report(
        {name: each.instance_id for name, each in found.items()},
        {each.instance_id: each.observation for each in found.values() if each.observation is not None},
        wanted,
        str(next(iter(found.values())).region),
        to_launch,
        may_loosen=may_loosen,
    )


async def _known(values: Mapping[str, object]) -> dict[str, object]:
    """The values that are known now, with outputs resolved."""
    known: dict[str, object] = {}
    for name, value in values.items():
        output: pulumi.Output[object] = pulumi.Output.from_input(value)
        if await output.is_known():
            resolved = await output.future()
            if resolved is not None:
                known[name] = resolved
    return known
