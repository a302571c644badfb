"""Describe a fleet and look up what its rollout depends on: IMDSv1 usage, health, permissions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from imds_provider.aws import Aws, FleetLookups
from imds_provider.aws.error_advice import DENIED_CODES
from imds_provider.errors import AwsError
from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from imds_provider.rules.options import HTTP_TOKENS, modification
from imds_provider.rules.wave_health import HEALTHY_FOR, PUBLISH, HealthRule, period, refused_calls

from ..access import default_region
from ..concurrently import concurrently
from .alarms import Found, regions_to_watch, with_alarms
from .launch_survey import with_launches
from .notes import impaired_before
from .plan import FleetPlan, RegionPlan, plan
from .settings import FleetSettings

_MINUTE = timedelta(minutes=1)


def survey(name: str, settings: FleetSettings, aws: Aws, *, preview: bool) -> FleetPlan:
    """Survey all regions of a fleet, concurrently, and plan the run.

    A preview also checks that the run will have the permissions it needs, unless ``preflight`` is off. Raises
    :class:`ImdsError` if AWS cannot be reached.
    """
    regions = settings.regions or [default_region(aws)]
    lookups = {region: aws.fleet(region) for region in regions}
    selected = concurrently(
        lambda region: list(lookups[region].select(settings.select, settings.instances).values()), regions
    )
    # AWS's first answer sets its clock, by which CloudWatch stamps its data.
    now = max(each.now() for each in lookups.values())
    planned = plan(name, settings, dict(zip(regions, selected, strict=True)), now.date())
    planned = with_launches(planned, aws, preview=preview)
    return _Survey(lookups, now).complete(planned, preflight=preview and settings.preflight == "on")


class _Survey:
    """The lookups of a plan, all at the same time by AWS's clock."""

    def __init__(self, lookups: dict[str, FleetLookups], now: datetime) -> None:
        self._lookups, self._now = lookups, now
        self._errors: list[AwsError] = []

    def complete(self, plan: FleetPlan, *, preflight: bool) -> FleetPlan:
        """The plan with what CloudWatch and EC2 report."""
        plan = self._with_alarms(self._with_unhealthy(self._with_usage(plan)))
        # A preflight reports denials by itself, with the permission that is missing.
        errors = [each for each in self._errors if not preflight or each.code not in DENIED_CODES]
        plan = plan.with_problems(dict.fromkeys(f"IMDSv1 usage is not known: {each}" for each in errors))
        return self._with_preflight(plan) if preflight else plan

    def _with_usage(self, plan: FleetPlan) -> FleetPlan:
        """The plan with the IMDSv1 usage of the instances that will refuse calls, or lose the endpoint."""
        readiness = plan.settings.readiness
        if readiness.legacy_calls == "off":
            return plan
        end = self._now.replace(second=0, microsecond=0) + _MINUTE
        start = end - timedelta(days=readiness.days)

        def look_up(region: RegionPlan) -> dict[str, Imdsv1Usage | None]:
            return self._lookups[region.region].imdsv1_usage(
                "MetadataNoToken", region.with_usage_to_check, start, end, readiness.period_seconds
            )

        usage = self._usage(plan, look_up)
        return plan if usage is None else plan.with_usage(usage, start)

    def _with_unhealthy(self, plan: FleetPlan) -> FleetPlan:
        """The plan with the instances that refuse IMDSv1 calls, of those that are changed again.

        Only an instance's own resource knows whether an earlier change of this stack caused that, so these instances
        come before all waves.
        """
        rule = HealthRule(timedelta(minutes=plan.settings.rollout.soak_minutes or 0), plan.settings.readiness)
        since, until = self._now - rule.window - PUBLISH, self._now + _MINUTE

        def look_up(region: RegionPlan) -> dict[str, Imdsv1Usage | None]:
            ids, seconds = region.changed_again, period(since, until)
            lookups = self._lookups[region.region]
            return lookups.refused_calls_and_last_data(ids, [], since, until, seconds)[0] if ids else {}

        usage = self._usage(plan, look_up) or {}
        refusing = {each: refused_calls(seen, since, until) for each, seen in usage.items() if seen and seen.count}
        return plan.with_unhealthy(refusing)

    def _with_alarms(self, plan: FleetPlan) -> FleetPlan:
        """The plan with the alarms that are not OK, in each region with instances to change."""
        names, regions = plan.settings.rollout.alarms, [each.region for each in regions_to_watch(plan)]

        def look_up(region: str) -> Found:
            try:
                return self._lookups[region].alarms(names)
            except AwsError as error:
                return error

        if not names or not regions:
            return plan
        return with_alarms(plan, dict(zip(regions, concurrently(look_up, regions), strict=True)))

    def _usage(
        self, plan: FleetPlan, look_up: Callable[[RegionPlan], dict[str, Imdsv1Usage | None]]
    ) -> dict[str, Imdsv1Usage | None] | None:
        """The usage of all regions' instances; None, with the error recorded, if AWS refuses a call."""
        try:
            return {each: seen for found in concurrently(look_up, plan.regions) for each, seen in found.items()}
        except AwsError as error:
            self._errors.append(error)
            return None

    def _with_preflight(self, plan: FleetPlan) -> FleetPlan:
        """The plan with missing permissions, and with instances that already fail a status check."""
        denials = concurrently(self._denials, plan.regions)
        plan = plan.with_problems(dict.fromkeys(each for some in denials for each in some))
        return plan.with_warnings(
            warning
            for region, denied in zip(plan.regions, denials, strict=True)
            if not denied and region.to_change
            for warning in impaired_before(
                self._lookups[region.region].impaired([each.instance_id for each in region.to_change])
            )
        )

    def _denials(self, region: RegionPlan) -> list[str]:
        """One line, with AWS's reason, per IAM action that the run needs in the region and that is denied."""
        if not region.to_change:
            return []
        lookups = self._lookups[region.region]
        # EC2 would refuse a change of the others whatever is permitted.
        first = next((each for each in region.to_change if each.instance_id not in region.refused), None)
        # Metrics are read only where calls will be refused, or find the endpoint disabled.
        requires = any(each.wanted.get(HTTP_TOKENS) == "required" for each in region.to_change)
        metrics = requires or region.with_usage_to_check
        denials = [
            lookups.denial_to_modify(first.instance_id, modification(first.observation.options, first.wanted))
            if first
            else None,
            lookups.denial_to_read_status(),
            lookups.denial_to_read_metrics(region.to_change[0].instance_id, self._now - HEALTHY_FOR, self._now)
            if metrics
            else None,
        ]
        return [each for each in denials if each is not None]
