"""A program's look at AWS, from which it knows a fleet: who is there, who uses IMDSv1, what is permitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TypeVar

from imds_provider.aws import Aws, FleetLookups
from imds_provider.aws.error_advice import DENIED_CODES
from imds_provider.errors import AwsError, ConfigurationError
from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from imds_provider.rules.options import HTTP_TOKENS, modification
from imds_provider.rules.wave_health import HEALTHY_FOR, PUBLISH, Rule, period, refused_calls

from .notes import impaired_before
from .plan import FleetPlan, RegionPlan, plan, with_imdsv1_usage, with_unhealthy
from .settings import FleetSettings

T = TypeVar("T")
R = TypeVar("R")

_MINUTE = timedelta(minutes=1)


def survey(name: str, settings: FleetSettings, aws: Aws, *, preflight: bool) -> FleetPlan:
    """Look at the regions of a fleet, all at a time, and plan for it.

    With ``preflight`` EC2 and CloudWatch are asked as well what the run will need to be permitted. Raises
    :class:`ImdsError` if AWS cannot be asked.
    """
    regions = settings.regions or [_default_region(aws)]
    calls = {region: aws.fleet(region) for region in regions}
    selected = _side_by_side(
        lambda region: list(calls[region].select(settings.select, settings.instances).values()), regions
    )
    # Once AWS has answered, its clock is known. What CloudWatch has is stamped by that clock.
    now = max(each.now() for each in calls.values())
    found = plan(name, settings, dict(zip(regions, selected, strict=True)), now.date())
    problems: list[AwsError] = []
    found = _refusing(_ready(found, calls, now, problems), calls, now, problems)
    # A denial is reported below, where AWS is asked for what is permitted.
    told = [each for each in problems if not preflight or each.code not in DENIED_CODES]
    found = found.with_problems(dict.fromkeys(f"it is not known who still uses IMDSv1, since {each}" for each in told))
    if not preflight:
        return found
    missing = _side_by_side(lambda region: _missing_permissions(region, calls[region.region], now), found.regions)
    found = found.with_problems(dict.fromkeys(sentence for each in missing for sentence in each))
    return found.with_warnings(
        line
        for region, denied in zip(found.regions, missing, strict=True)
        if not denied and region.to_change
        for line in impaired_before(calls[region.region].impaired([each.instance_id for each in region.to_change]))
    )


def _default_region(aws: Aws) -> str:
    region = aws.default_region()
    if region is None:
        raise ConfigurationError("no AWS region: set `regions`, aws:region or AWS_REGION.")
    return region


def _ready(found: FleetPlan, calls: dict[str, FleetLookups], now: datetime, problems: list[AwsError]) -> FleetPlan:
    """The plan, once CloudWatch has told who uses IMDSv1; nobody is asked about who requires tokens already."""
    readiness = found.settings.readiness
    if readiness.legacy_calls == "off":
        return found
    end = now.replace(second=0, microsecond=0) + _MINUTE
    start = end - timedelta(days=readiness.days)

    def look(region: RegionPlan) -> dict[str, Imdsv1Usage | None]:
        ids = region.asked_for_calls
        return calls[region.region].imdsv1_usage("MetadataNoToken", ids, start, end, readiness.period_seconds)

    try:
        counted = _side_by_side(look, found.regions)
    except AwsError as error:
        problems.append(error)
        return found
    return with_imdsv1_usage(
        found, {instance_id: each for seen in counted for instance_id, each in seen.items()}, start
    )


def _refusing(found: FleetPlan, calls: dict[str, FleetLookups], now: datetime, problems: list[AwsError]) -> FleetPlan:
    """The plan, once CloudWatch has told who refuses IMDSv1 calls of those that are changed again.

    Their resources know whether that is because of an earlier change. They alone do, so they come before all waves.
    """
    rule = Rule(timedelta(minutes=found.settings.rollout.soak_minutes or 0), found.settings.readiness.days)
    since, until = now - rule.window - PUBLISH, now + _MINUTE

    def look(region: RegionPlan) -> dict[str, Imdsv1Usage | None]:
        ids, seconds = region.changed_again, period(since, until)
        return calls[region.region].refused_and_heard(ids, [], since, until, seconds)[0] if ids else {}

    try:
        seen = {each: counted for some in _side_by_side(look, found.regions) for each, counted in some.items()}
    except AwsError as error:
        problems.append(error)
        return found
    return with_unhealthy(
        found,
        {each: refused_calls(counted, since, until) for each, counted in seen.items() if counted and counted.count},
    )


def _missing_permissions(region: RegionPlan, calls: FleetLookups, now: datetime) -> list[str]:
    """A sentence for each IAM action that the run would need in the region and that is denied, with AWS's reason."""
    if not region.to_change:
        return []
    first = region.to_change[0]
    instance_id = first.instance_id
    parameters = modification(first.observation.options, first.wanted)
    # Calls are looked for only where they will be refused, or find the endpoint off.
    metrics = any(each.wanted.get(HTTP_TOKENS) == "required" for each in region.to_change) or region.asked_for_calls
    denials = [
        calls.denial_to_modify(instance_id, parameters),
        calls.denial_to_read_status(),
        calls.denial_to_read_metrics(instance_id, now - HEALTHY_FOR, now) if metrics else None,
    ]
    return [each for each in denials if each is not None]


def _side_by_side(look: Callable[[T], R], subjects: Iterable[T]) -> list[R]:
    """What ``look`` finds of each, all at a time, in the same order."""
    each = list(subjects)
    with ThreadPoolExecutor(len(each)) as executor:
        return list(executor.map(look, each))
