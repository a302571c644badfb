"""What a run is to do to a fleet: who is in it, what each is to have, in which wave, and what forbids it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from imds_provider.inventory import Inventoried
from imds_provider.legacy_calls import LegacyCalls
from imds_provider.options import Options
from imds_provider.settling import missing_reason

from .downgrades import downgrades, guard
from .exemptions import Exemption, judge_exemptions, merge_options
from .fleet_config import FleetSettings
from .fleet_report import Member, fleet_lines
from .readiness import about_to_require, readiness_report, verdicts
from .selection import select
from .waves import assign

ADVICE = "Mend what runs there, or exempt or exclude it, or set readiness.legacyCalls to warn."


@dataclass(frozen=True)
class RegionPlan:
    """The part of a fleet that is in one region."""

    region: str
    members: Sequence[Member]
    waves: Mapping[int, Sequence[str]]
    """The managed instances of each wave by its number, from 1; empty waves are left out."""

    @cached_property
    def wanted(self) -> dict[str, Options]:
        """The options of each managed instance: all but those that an exemption leaves as they are."""
        return {each.observation.instance_id: each.wanted for each in self.members if each.wanted}

    @cached_property
    def to_change(self) -> list[Member]:
        return [each for each in self.members if each.changes]

    @cached_property
    def about_to_require(self) -> list[str]:
        """The instances whose IMDSv1 calls will be refused."""
        return [
            each.observation.instance_id
            for each in self.members
            if about_to_require(each.observation.options, each.wanted)
        ]


@dataclass(frozen=True)
class FleetPlan:
    """A fleet in all its regions, with a sentence for each thing that forbids the run, or that should be known."""

    name: str
    settings: FleetSettings
    regions: Sequence[RegionPlan]
    problems: Sequence[str]
    warnings: Sequence[str]

    @property
    def ids(self) -> list[str]:
        """Every selected instance, managed or not."""
        return [each.observation.instance_id for region in self.regions for each in region.members]

    @property
    def exemptions(self) -> list[Exemption]:
        """The exemptions of instances that are selected."""
        selected = set(self.ids)
        return [each for each in self.settings.exemptions if each.instance in selected]

    def with_problems(self, problems: Iterable[str]) -> FleetPlan:
        return replace(self, problems=[*self.problems, *problems])

    def lines(self) -> list[str]:
        """The summary for a preview."""
        several = len(self.regions) > 1
        return [
            line
            for each in self.regions
            for line in fleet_lines(f"{self.name} in {each.region}" if several else self.name, each.members, each.waves)
        ]


def plan(
    name: str, settings: FleetSettings, inventories: Mapping[str, Iterable[Inventoried]], today: date
) -> FleetPlan:
    """Plan for a fleet from everything that lives in its regions. ``settings.options`` are all that it is to have."""
    exempt = {each.instance: each for each in settings.exemptions}
    selections = {
        region: select(found, filters=settings.select, ids=settings.instances, exclude=settings.exclude)
        for region, found in inventories.items()
    }
    regions = []
    for region, selection in selections.items():
        members = [_member(each, settings.options, exempt) for each in selection.selected]
        managed = [each.observation.instance_id for each in members if each.wanted]
        regions.append(RegionPlan(region, members, assign(managed, settings.rollout)))
    selected = {each.observation.instance_id for region in regions for each in region.members}
    judged = judge_exemptions(settings.exemptions, selected, today)
    loosened = {
        each.observation.instance_id: downgrades(each.observation.options, each.wanted)
        for region in regions
        for each in region.members
    }
    not_found = _everywhere(each.not_found for each in selections.values())
    problems = [missing_reason(each, " or ".join(inventories)) for each in not_found]
    problems += guard(loosened, settings.allow_downgrade)
    excluded_nothing = _everywhere(each.excluded_nothing for each in selections.values())
    warnings = [f"{each} is excluded, but would not be selected." for each in excluded_nothing]
    warnings += [*judged.ending, *judged.unused]
    (problems if settings.expired_exemptions == "fail" else warnings).extend(judged.expired)
    if not selected:
        warnings.append(f"selects no instance in {' or '.join(inventories)}: check select, instances and the region.")
    return FleetPlan(name, settings, regions, problems, warnings)


def with_legacy_calls(found: FleetPlan, calls: Mapping[str, LegacyCalls | None]) -> FleetPlan:
    """The plan once it is known who still uses IMDSv1 of those that are about to be required not to."""
    asked = [instance_id for region in found.regions for instance_id in region.about_to_require]
    judged = verdicts(asked, calls)
    told = readiness_report(judged, found.settings.readiness)
    blocking = {*judged.legacy} if found.settings.readiness.legacy_calls == "block" else set()
    blocking |= {*judged.unknown} if found.settings.readiness.unknown == "block" else set()
    return replace(
        found,
        regions=[
            replace(
                region,
                members=[replace(each, blocked=each.observation.instance_id in blocking) for each in region.members],
            )
            for region in found.regions
        ],
        problems=[*found.problems, *told.blocking, *([ADVICE] if told.blocking else [])],
        warnings=[*found.warnings, *told.warnings],
    )


def _member(found: Inventoried, options: Options, exempt: Mapping[str, Exemption]) -> Member:
    exemption = exempt.get(found.observation.instance_id)
    return Member(found.observation, merge_options(options, {}, exemption), exempt=exemption is not None)


def _everywhere(ids_of_regions: Iterable[Iterable[str]]) -> list[str]:
    """The ids that came to nothing in every region."""
    return sorted(set.intersection(*map(set, ids_of_regions)))
