"""The resources of a fleet in one region, and their order."""

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


class FleetResources:
    """One resource per instance; per wave, a health check before it and a barrier after it.

    Every wave has both, even an empty one, so that no resource comes or goes with what there is to change. The health
    check holds the one rule of a rollout: every recently changed instance is healthy. The last barrier waits for every
    instance, and holds the rule after the last wave.
    """

    def __init__(
        self, fleet: pulumi.Resource, name: str, plan: FleetPlan, region: RegionPlan, aliases: Aliases | None
    ) -> None:
        self._fleet, self._name, self._plan, self._region, self._aliases = fleet, name, plan, region, aliases
        several = len(plan.regions) > 1
        self._owner = f"fleet {name} in {region.region}" if several else f"fleet {name}"
        self._last = len(plan.settings.rollout.waves)
        self.resources = {each.instance_id: self._resource(each, ()) for each in region.without_wave}
        before: list[pulumi.Resource] = [self.resources[each] for each in region.first]
        for number in range(1, self._last):
            check = self._check(number, before)
            before = [check, self._barrier(number, self._wave(number, check))]
        check = self._check(self._last, before)
        self._wave(self._last, check)
        self.barrier = self._last_barrier(check)

    def _check(self, number: int, after: Sequence[pulumi.Resource]) -> MetadataWaveHealthy:
        """Check, before a wave, what was changed before it, in this run or an earlier one."""
        rollout, readiness = self._plan.settings.rollout, self._plan.settings.readiness
        ids = list(self._region.waves.get(number, ()))
        asked_again = [each for each in ids if number > 1 and each in self._region.about_to_require]
        return MetadataWaveHealthy(
            self._wave_name(number),
            targets={each: resource.target for each, resource in self.resources.items()} if ids else {},
            soak_minutes=rollout.soak_minutes,
            days=readiness.days if ids else None,
            unknown=readiness.unknown if ids else None,
            legacy_calls=readiness.legacy_calls if asked_again else None,
            before=ids or None,
            requiring=asked_again or None,
            title=f"before {self._title(number)}",
            region=self._region.region,
            alarms=(rollout.alarms or None) if ids else None,
            insufficient_data=rollout.insufficient_data if ids and rollout.alarms else None,
            opts=pulumi.ResourceOptions(parent=self._fleet, depends_on=after),
        )

    def _wave(self, number: int, check: pulumi.Resource) -> dict[str, InstanceMetadataOptions]:
        """Create the resources of a wave, after its check."""
        ids = self._region.waves.get(number, ())
        resources = {each: self._resource(self._region.by_id[each], [check]) for each in ids}
        self.resources.update(resources)
        return resources

    def _barrier(self, number: int, resources: Mapping[str, InstanceMetadataOptions]) -> MetadataOptionsApplied:
        return MetadataOptionsApplied(
            self._wave_name(number),
            targets={each: resource.target for each, resource in resources.items()},
            region=self._region.region,
            timeout_seconds=self._plan.settings.timeout_seconds,
            title=self._title(number),
            wave=number,
            if_gone="warn",
            opts=pulumi.ResourceOptions(parent=self._fleet),
        )

    def _last_barrier(self, check: pulumi.Resource) -> MetadataOptionsApplied:
        settings, readiness = self._plan.settings, self._plan.settings.readiness
        alarms = self._plan.settings.rollout.alarms or None
        reasons = {each: reason_for(settings.allow_downgrade, each) for each in self.resources}
        return MetadataOptionsApplied(
            self._wave_name(self._last),
            targets={each: resource.target for each, resource in self.resources.items()},
            region=self._region.region,
            timeout_seconds=settings.timeout_seconds,
            title=self._title(self._last),
            owner=self._owner,
            restores=restores(self.resources, settings.on_destroy, reasons, ()),
            if_gone="warn",
            soak_minutes=settings.rollout.soak_minutes,
            days=readiness.days,
            unknown=readiness.unknown,
            alarms=alarms,
            insufficient_data=settings.rollout.insufficient_data if alarms else None,
            opts=pulumi.ResourceOptions(parent=self._fleet, depends_on=[check]),
        )

    def _wave_name(self, number: int) -> str:
        return f"{self._name}-{self._region.region}-wave-{number}"

    def _title(self, number: int) -> str:
        return f"wave {number}/{self._last} of {self._name}"

    def _resource(self, member: Member, after: Sequence[pulumi.Resource]) -> InstanceMetadataOptions:
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
