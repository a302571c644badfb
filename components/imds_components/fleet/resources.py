"""The resources of a fleet in one region, and in which order they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from imds_provider import InstanceMetadataOptions, MetadataOptionsApplied, MetadataWaveHealthy
from imds_provider.rules.options import as_arguments
from imds_provider.rules.planned_change import change_line, found_line

from ..moves import Aliases, renamed_from, restores
from .downgrades import reason_for
from .member import Member
from .plan import FleetPlan, RegionPlan


class FleetPart:
    """The fleet in one region: a resource for each instance, and for each wave a check before it and a barrier after.

    Every wave has both, even an empty one, so that they neither come nor go with what there is to change. The check
    before a wave is the one rule of a rollout: all that was changed lately is healthy. The last barrier has every
    instance, and holds the rule after the last wave.
    """

    def __init__(
        self, fleet: pulumi.Resource, name: str, plan: FleetPlan, region: RegionPlan, aliases: Aliases | None
    ) -> None:
        self._fleet, self._name, self._plan, self._region, self._aliases = fleet, name, plan, region, aliases
        several = len(plan.regions) > 1
        self._owner = f"fleet {name} in {region.region}" if several else f"fleet {name}"
        self._last = len(plan.settings.rollout.waves)
        self.rows = {each.instance_id: self._row(each, ()) for each in region.without_wave}
        before: list[pulumi.Resource] = [self.rows[each] for each in region.first]
        for number in range(1, self._last):
            check = self._check(number, before)
            before = [check, self._barrier(number, self._wave(number, check))]
        check = self._check(self._last, before)
        self._wave(self._last, check)
        self.barrier = self._last_barrier(check)

    def _check(self, number: int, after: Sequence[pulumi.Resource]) -> MetadataWaveHealthy:
        """What must be healthy before a wave begins: whatever was changed before, in this run or an earlier one."""
        rollout, readiness = self._plan.settings.rollout, self._plan.settings.readiness
        ids = list(self._region.waves.get(number, ()))
        asked_again = [each for each in ids if number > 1 and each in self._region.about_to_require]
        return MetadataWaveHealthy(
            self._wave_name(number),
            targets={each: row.target for each, row in self.rows.items()} if ids else {},
            soak_minutes=rollout.soak_minutes,
            days=readiness.days if ids else None,
            unknown=readiness.unknown if ids else None,
            legacy_calls=readiness.legacy_calls if asked_again else None,
            before=ids or None,
            requiring=asked_again or None,
            title=f"before {self._title(number)}",
            region=self._region.region,
            opts=pulumi.ResourceOptions(parent=self._fleet, depends_on=after),
        )

    def _wave(self, number: int, check: pulumi.Resource) -> dict[str, InstanceMetadataOptions]:
        """Make the resources of a wave, which begins after its check."""
        ids = self._region.waves.get(number, ())
        rows = {each: self._row(self._region.by_id[each], [check]) for each in ids}
        self.rows.update(rows)
        return rows

    def _barrier(self, number: int, rows: Mapping[str, InstanceMetadataOptions]) -> MetadataOptionsApplied:
        return MetadataOptionsApplied(
            self._wave_name(number),
            targets={each: row.target for each, row in rows.items()},
            region=self._region.region,
            timeout_seconds=self._plan.settings.timeout_seconds,
            title=self._title(number),
            wave=number,
            if_gone="warn",
            opts=pulumi.ResourceOptions(parent=self._fleet),
        )

    def _last_barrier(self, check: pulumi.Resource) -> MetadataOptionsApplied:
        settings, readiness = self._plan.settings, self._plan.settings.readiness
        reasons = {each: reason_for(settings.allow_downgrade, each) for each in self.rows}
        return MetadataOptionsApplied(
            self._wave_name(self._last),
            targets={each: row.target for each, row in self.rows.items()},
            region=self._region.region,
            timeout_seconds=settings.timeout_seconds,
            title=self._title(self._last),
            owner=self._owner,
            restores=restores(self.rows, settings.on_destroy, reasons, ()),
            if_gone="warn",
            soak_minutes=settings.rollout.soak_minutes,
            days=readiness.days,
            unknown=readiness.unknown,
            opts=pulumi.ResourceOptions(parent=self._fleet, depends_on=[check]),
        )

    def _wave_name(self, number: int) -> str:
        return f"{self._name}-{self._region.region}-wave-{number}"

    def _title(self, number: int) -> str:
        return f"wave {number}/{self._last} of {self._name}"

    def _row(self, member: Member, after: Sequence[pulumi.Resource]) -> InstanceMetadataOptions:
        settings, instance_id = self._plan.settings, member.instance_id
        return InstanceMetadataOptions(
            f"{self._name}-{instance_id}",
            instance_id=instance_id,
            region=self._region.region,
            on_destroy=settings.on_destroy,
            wait=False,
            timeout_seconds=settings.timeout_seconds,
            allow_downgrade=reason_for(settings.allow_downgrade, instance_id),
            change=change_line(member.observation, member.wanted),
            found=found_line(member.observation, member.wanted),
            unhealthy=member.unhealthy,
            days=settings.readiness.days if member.unhealthy else None,
            if_gone="warn",
            opts=pulumi.ResourceOptions(
                parent=self._fleet,
                depends_on=after,
                aliases=renamed_from(self._name, instance_id, self._aliases),
            ),
            **as_arguments(member.wanted),  # type: ignore[arg-type]  # options by their argument's name, checked before
        )
