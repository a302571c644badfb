"""What a run is to do to a fleet: who is in it, what each is to have, in which wave, and what forbids it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property

from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from imds_provider.rules.observation import Observation, missing_reason
from imds_provider.rules.options import HTTP_TOKENS, Options
from imds_provider.rules.readiness import ADVICE, about_to_require, readiness_report, verdicts

from .downgrades import guard
from .exemptions import Exemption, judge_exemptions, merge_options
from .member import Member
from .notes import about_to_disable, calls_to_disabled, launched_before, lowered_hop_limits, unwatched
from .preview import fleet_lines
from .selection import Selection, select
from .settings import FleetSettings
from .waves import assign


@dataclass(frozen=True)
class RegionPlan:
    """The part of a fleet that is in one region."""

    region: str
    members: Sequence[Member]
    waves: Mapping[int, Sequence[str]]
    """The instances to change of each wave by its number, from 1; empty waves are left out.

    Those that are right have no wave, so that nothing moves when a fleet grows or shrinks. Those that are loosened have
    none either: the way back waits for nobody.
    """

    @cached_property
    def without_wave(self) -> list[Member]:
        """The managed instances that wait for no other."""
        in_waves = {each for ids in self.waves.values() for each in ids}
        return [each for each in self.members if each.is_managed and each.instance_id not in in_waves]

    @cached_property
    def first(self) -> list[str]:
        """Those of them that all waves come after: the way back, and what may have stopped an earlier run."""
        return [each.instance_id for each in self.without_wave if each.is_loosened or each.unhealthy]

    @cached_property
    def changed_again(self) -> list[str]:
        """The running instances to change that require tokens already, so that they may refuse calls by now."""
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
    def asked_for_calls(self) -> list[str]:
        """The instances whose IMDSv1 calls matter: those will be refused, or find the endpoint off."""
        return sorted({*self.about_to_require, *(each.instance_id for each in self.members if about_to_disable(each))})

    @cached_property
    def about_to_require(self) -> list[str]:
        """The instances whose IMDSv1 calls will be refused."""
        return [each.instance_id for each in self.members if about_to_require(each.observation.options, each.wanted)]


@dataclass(frozen=True)
class FleetPlan:
    """A fleet in all its regions, with a sentence for each thing that forbids the run, or that should be known."""

    name: str
    settings: FleetSettings
    regions: Sequence[RegionPlan]
    problems: Sequence[str]
    warnings: Sequence[str]
    notes: Sequence[str] = ()
    """What only a preview says."""

    @property
    def members(self) -> list[Member]:
        """Every selected instance, managed or not."""
        return [each for region in self.regions for each in region.members]

    def with_warnings(self, warnings: Iterable[str]) -> FleetPlan:
        return replace(self, warnings=[*self.warnings, *warnings])

    def with_problems(self, problems: Iterable[str]) -> FleetPlan:
        return replace(self, problems=[*self.problems, *problems])

    def lines(self) -> list[str]:
        """The summary for a preview."""
        several = len(self.regions) > 1
        lines = [
            line
            for each in self.regions
            for line in fleet_lines(f"{self.name} in {each.region}" if several else self.name, each.members, each.waves)
        ]
        return [*lines, *self.notes]


def plan(name: str, settings: FleetSettings, found_in: Mapping[str, Iterable[Observation]], today: date) -> FleetPlan:
    """Plan for a fleet from what EC2 found of it in its regions. ``settings.options`` are all that it is to have."""
    selections = {
        region: select(each, instance_ids=settings.instances, exclude=settings.exclude)
        for region, each in found_in.items()
    }
    found = FleetPlan(name, settings, [_region(*each, settings) for each in selections.items()], [], [])
    where = " or ".join(found_in)
    ids = {each.instance_id for each in found.members}
    judged = judge_exemptions(settings.exemptions, ids, today)
    not_found = _everywhere(each.not_found for each in selections.values())
    problems = [missing_reason(each, where) for each in not_found]
    problems += guard(((each.observation, each.wanted) for each in found.members), settings.allow_downgrade)
    excluded_nothing = _everywhere(each.excluded_nothing for each in selections.values())
    warnings = [f"{each} is excluded, but would not be selected." for each in excluded_nothing]
    warnings += [*judged.ending, *judged.unused]
    warnings += [
        f"{each.instance_id} is left as it is: EC2 reports no metadata options of it, so they cannot be compared."
        for each in found.members
        if each.wanted and not each.is_managed
    ]
    (problems if settings.expired_exemptions == "fail" else warnings).extend(judged.expired)
    warnings += unwatched(sum(len(each.about_to_require) for each in found.regions), settings.rollout)
    warnings += lowered_hop_limits(found.members)
    if not ids:
        warnings.append(f"selects no instance in {where}: check select, instances and the region.")
    return replace(found, problems=problems, warnings=warnings)


def with_imdsv1_usage(found: FleetPlan, calls: Mapping[str, Imdsv1Usage | None], since: datetime) -> FleetPlan:
    """The plan once it is known who has used IMDSv1 since then, of those that are about to be required not to."""
    asked = [instance_id for region in found.regions for instance_id in region.about_to_require]
    told = readiness_report(verdicts(asked, calls), found.settings.readiness)
    regions = [
        replace(region, members=[replace(each, blocked=each.instance_id in told.blocking) for each in region.members])
        for region in found.regions
    ]
    return replace(
        found,
        regions=regions,
        problems=[*found.problems, *told.blocking.values(), *([ADVICE] if told.blocking else [])],
        warnings=[
            *found.warnings,
            *told.warnings.values(),
            *calls_to_disabled(
                (each for each in found.members if each.instance_id not in asked), calls, found.settings.readiness
            ),
        ],
        notes=launched_before([each for each in found.members if each.instance_id in asked], since),
    )


def with_unhealthy(found: FleetPlan, refused: Mapping[str, str]) -> FleetPlan:
    """The plan once it is known which instances, of those that are changed again, refuse IMDSv1 calls."""
    regions = [
        _with_waves(
            each.region,
            [replace(member, unhealthy=refused.get(member.instance_id)) for member in each.members],
            found.settings,
        )
        for each in found.regions
    ]
    return replace(found, regions=regions)


def _region(region: str, selection: Selection, settings: FleetSettings) -> RegionPlan:
    exemptions = {each.instance: each for each in settings.exemptions}
    members = [_member(each, settings.options, exemptions.get(each.instance_id)) for each in selection.selected]
    return _with_waves(region, members, settings)


def _with_waves(region: str, members: Sequence[Member], settings: FleetSettings) -> RegionPlan:
    in_waves = [
        each.instance_id
        for each in members
        if each.is_managed and each.changes and not each.is_loosened and not each.unhealthy
    ]
    return RegionPlan(region, members, assign(in_waves, settings.rollout))


def _member(seen: Observation, options: Options, exemption: Exemption | None) -> Member:
    return Member(seen, merge_options(options, exemption), exempt=exemption is not None)


def _everywhere(ids_of_regions: Iterable[Iterable[str]]) -> list[str]:
    """The ids that came to nothing in every region."""
    return sorted(set.intersection(*map(set, ids_of_regions)))
