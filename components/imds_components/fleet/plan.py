"""What a run does to a fleet: its members, the options each gets, in which wave, and what stops the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property

from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from imds_provider.rules.launch_sources import LooserLaunch, looser_lines
from imds_provider.rules.observation import Observation, missing_reason
from imds_provider.rules.options import HTTP_TOKENS
from imds_provider.rules.readiness import ADVICE, about_to_require, readiness_report

from .downgrades import refused_downgrades
from .exemptions import judge_exemptions, merge_options
from .member import Member
from .notes import about_to_disable, calls_to_disabled, launched_before, lowered_hop_limits, unwatched
from .preview import fleet_lines
from .selection import Selection, select
from .settings import FleetSettings
from .waves import assign


@dataclass(frozen=True)
class RegionPlan:
    """The part of a fleet in one region."""

    region: str
    members: Sequence[Member]
    waves: Mapping[int, Sequence[str]]
    """The instances to change in each wave, by its number from 1; empty waves are left out.

    Instances that comply have no wave, so that nothing moves when a fleet grows or shrinks. Those that are loosened
    have none either: the way back waits for nothing.
    """
    service_managed: Sequence[Observation] = ()
    """Instances that an AWS service manages: no members."""
    looser: Sequence[LooserLaunch] = ()
    """What the groups of its instances may launch the next one with."""
    refused: Sequence[str] = ()
    """The instances whose change EC2 refuses, since the account enforces IMDSv2."""

    @cached_property
    def without_wave(self) -> list[Member]:
        """The managed instances that wait for no wave."""
        in_waves = {each for ids in self.waves.values() for each in ids}
        return [each for each in self.members if each.is_managed and each.instance_id not in in_waves]

    @cached_property
    def first(self) -> list[str]:
        """The instances that all waves come after: loosened ones, and those that may have stopped an earlier run."""
        return [each.instance_id for each in self.without_wave if each.is_loosened or each.unhealthy]

    @cached_property
    def changed_again(self) -> list[str]:
        """The running instances to change that already require tokens, so that they may be refusing calls."""
        return [
            each.instance_id
            for each in self.to_change
            if each.observation.instance_state == "running"
            and each.observation.options.get(HTTP_TOKENS) == "required"
            and not each.is_loosened
        ]

    @cached_property
    def by_id(self) -> dict[str, Member]:
        return {each.instance_id: each for each in self.members}

    @cached_property
    def to_change(self) -> list[Member]:
        return [each for each in self.members if each.changes]

    @cached_property
    def about_to_require(self) -> list[str]:
        """The instances whose IMDSv1 calls will be refused."""
        return [each.instance_id for each in self.members if about_to_require(each.observation.options, each.wanted)]

    @cached_property
    def with_usage_to_check(self) -> list[str]:
        """The instances whose IMDSv1 calls will be refused, or find the endpoint disabled."""
        return sorted({*self.about_to_require, *(each.instance_id for each in self.members if about_to_disable(each))})


@dataclass(frozen=True)
class FleetPlan:
    """A fleet in all its regions, with one line for each problem that stops the run, and for each warning."""

    name: str
    settings: FleetSettings
    regions: Sequence[RegionPlan]
    problems: Sequence[str]
    warnings: Sequence[str]
    notes: Sequence[str] = ()
    """What only a preview logs."""

    @property
    def members(self) -> list[Member]:
        """Every selected instance, managed or not."""
        return [each for region in self.regions for each in region.members]

    @property
    def service_managed(self) -> list[Observation]:
        """The instances that are left out, since an AWS service manages them."""
        return [each for region in self.regions for each in region.service_managed]

    def with_refused(self, refused: Iterable[Mapping[str, str]]) -> FleetPlan:
        """Add, for each region, the instances whose change EC2 refuses, and why."""
        pairs = list(zip(self.regions, refused, strict=True))
        plan = replace(self, regions=[replace(each, refused=list(lines)) for each, lines in pairs])
        return plan.with_problems(line for _, lines in pairs for line in lines.values())

    def with_launches(self, looser: Iterable[Sequence[LooserLaunch]]) -> FleetPlan:
        """Add, for each region, what the groups of the fleet may launch the next instance with."""
        regions = [replace(each, looser=found) for each, found in zip(self.regions, looser, strict=True)]
        several = len(regions) > 1
        lines = [
            f"{each.region}: {line}" if several else line for each in regions for line in looser_lines(each.looser)
        ]
        plan = replace(self, regions=regions)
        return plan.with_problems(lines) if self.settings.launch_sources == "block" else plan.with_warnings(lines)

    def with_warnings(self, warnings: Iterable[str]) -> FleetPlan:
        return replace(self, warnings=[*self.warnings, *warnings])

    def with_problems(self, problems: Iterable[str]) -> FleetPlan:
        return replace(self, problems=[*self.problems, *problems])

    def with_usage(self, usage: Mapping[str, Imdsv1Usage | None], since: datetime) -> FleetPlan:
        """Add who has used IMDSv1 since then, of the instances about to require tokens or to lose the endpoint."""
        asked = [instance_id for region in self.regions for instance_id in region.about_to_require]
        report = readiness_report(asked, usage, self.settings.readiness)
        disabled = calls_to_disabled(
            (each for each in self.members if each.instance_id not in asked), usage, self.settings.readiness
        )

        def blocked(region: RegionPlan) -> list[Member]:
            return [replace(each, blocked=each.instance_id in report.blocking) for each in region.members]

        return replace(
            self,
            regions=[replace(region, members=blocked(region)) for region in self.regions],
            problems=[*self.problems, *report.blocking.values(), *([ADVICE] if report.blocking else [])],
            warnings=[*self.warnings, *report.warnings.values(), *disabled],
            notes=launched_before([each for each in self.members if each.instance_id in asked], since),
        )

    def with_unhealthy(self, refused: Mapping[str, str]) -> FleetPlan:
        """Add which instances refuse IMDSv1 calls, of those that are changed again, and why that is unhealthy."""
        regions = [
            _with_waves(
                each,
                [replace(member, unhealthy=refused.get(member.instance_id)) for member in each.members],
                self.settings,
            )
            for each in self.regions
        ]
        return replace(self, regions=regions)

    def lines(self) -> list[str]:
        """The summary for a preview."""
        several = len(self.regions) > 1
        lines = [
            line
            for each in self.regions
            for line in fleet_lines(
                f"{self.name} in {each.region}" if several else self.name,
                each.members,
                each.waves,
                each.service_managed,
            )
        ]
        return [*lines, *self.notes]


def plan(name: str, settings: FleetSettings, found_in: Mapping[str, Iterable[Observation]], today: date) -> FleetPlan:
    """Plan a run from the instances that EC2 found in each region."""
    selections = {
        region: select(found, instance_ids=settings.instances, exclude=settings.exclude)
        for region, found in found_in.items()
    }
    planned = FleetPlan(name, settings, [_region(*each, settings) for each in selections.items()], [], [])
    members, where = planned.members, " or ".join(found_in)
    ids = {each.instance_id for each in members}
    managed = {each.instance_id: each.operator for each in planned.service_managed}
    exemptions = judge_exemptions(settings.exemptions, ids, today, managed)
    problems = [missing_reason(each, where) for each in _in_every(each.not_found for each in selections.values())]
    problems += refused_downgrades(members, settings.allow_downgrade, settings.spelled("allowDowngrade"))
    warnings = [
        f"{each} is excluded, but would not be selected."
        for each in _in_every(each.excluded_nothing for each in selections.values())
    ]
    warnings += [
        f"{each} is listed in instances, but left out: {managed[each]} manages it, and alone can change its options."
        for each in sorted(managed.keys() & set(settings.instances))
    ]
    warnings += [*exemptions.ending, *exemptions.unused]
    warnings += [
        f"{each.instance_id} is left as it is: EC2 does not report its metadata options, so they cannot be compared."
        for each in members
        if each.wanted and not each.is_managed
    ]
    (problems if settings.expired_exemptions == "fail" else warnings).extend(exemptions.expired)
    warnings += unwatched(sum(len(each.about_to_require) for each in planned.regions), settings)
    warnings += lowered_hop_limits(members)
    if managed and not ids:
        warnings.append(f"selects only instances that an AWS service manages in {where}, which are left out.")
    elif not ids:
        warnings.append(f"selects no instance in {where}: check select, instances and the region.")
    return replace(planned, problems=problems, warnings=warnings)


def _region(region: str, selection: Selection, settings: FleetSettings) -> RegionPlan:
    exemptions = {each.instance: each for each in settings.exemptions}
    members = [
        Member(seen, merge_options(settings.options, exemption), exempt=exemption is not None)
        for seen in selection.selected
        for exemption in [exemptions.get(seen.instance_id)]
    ]
    return _with_waves(RegionPlan(region, (), {}, selection.service_managed), members, settings)


def _with_waves(region: RegionPlan, members: Sequence[Member], settings: FleetSettings) -> RegionPlan:
    in_waves = [
        each.instance_id
        for each in members
        if each.is_managed and each.changes and not each.is_loosened and not each.unhealthy
    ]
    return replace(region, members=members, waves=assign(in_waves, settings.rollout))


def _in_every(ids_by_region: Iterable[Iterable[str]]) -> list[str]:
    """The IDs that every region reports."""
    return sorted(set.intersection(*map(set, ids_by_region)))
