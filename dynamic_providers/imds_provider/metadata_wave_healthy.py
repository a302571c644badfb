"""The resource ``MetadataWaveHealthy``: changed instances must be healthy before the next wave of a fleet starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, UpdateResult

from .errors import WaveStoppedError
from .host import runtime
from .host.alarm_watch import AlarmWatch
from .host.health_watch import require_healthy
from .host.property_bags import is_known
from .host.provider_base import Provider, Resource, checked, reporting_errors
from .rules import wave_check_state
from .rules.barrier_state import targets, title
from .rules.readiness import ADVICE, Readiness, readiness_report
from .rules.resource_state import REGION, Properties


class MetadataWaveHealthyProvider(Provider):
    """Create, update and delete. Its module and name are stored in the state of every stack: never rename it."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        return checked(news, wave_check_state.check)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        return DiffResult(changes=wave_check_state.changed(_olds, _news, is_known), replaces=[])

    @reporting_errors
    def create(self, props: Properties) -> CreateResult:
        return CreateResult("healthy", _require(props))

    @reporting_errors
    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        return UpdateResult(_require(_news))

    def delete(self, _id: str, _props: Properties) -> None:
        """Nothing: a check has nothing to delete outside the state."""


def _require(inputs: Properties) -> dict[str, object]:
    region, rule = str(inputs[REGION]), wave_check_state.rule(inputs)
    alarms = AlarmWatch(wave_check_state.alarms(inputs), region, title(inputs))
    require_healthy(targets(inputs).values(), rule, region, title(inputs), alarms)
    ids = wave_check_state.requiring(inputs)
    if ids and rule.readiness.legacy_calls != "off":
        _require_ready(ids, rule.readiness, region, title(inputs))
    return wave_check_state.outputs(inputs, runtime.now())


def _require_ready(ids: Sequence[str], readiness: Readiness, region: str, title: str) -> None:
    """Count IMDSv1 calls again: the program did so before the first wave, which may be days ago."""
    end = runtime.ec2(region).now() + timedelta(minutes=1)
    start = end - timedelta(days=readiness.days)
    calls = runtime.aws().fleet(region).imdsv1_usage("MetadataNoToken", ids, start, end, readiness.period_seconds)
    report = readiness_report(ids, calls, readiness)
    if report.blocking:
        raise WaveStoppedError("\n  ".join([f"{title}rollout stopped:", *report.blocking.values(), ADVICE]))
    if report.warnings:
        runtime.engine().warn("\n".join(report.warnings.values()))


class MetadataWaveHealthy(Resource, module="imds", name="MetadataWaveHealthy"):
    """Waits until the instances of ``targets`` that were changed lately are known to be healthy.

    Each must have completed its soak, and must have been healthy since, for at least ten minutes: it may not have
    refused an IMDSv1 call since tokens are required (the CloudWatch metric ``MetadataNoTokenRejected``), nor fail an
    EC2 status check since its change. That no calls were refused is known once CloudWatch has a data point from after
    the change; without one the instance is unknown. Without changed instances and ``alarms`` nothing is requested.
    """

    targets: pulumi.Output[Mapping[str, str]]
    region: pulumi.Output[str]
    checked_at: pulumi.Output[str]
    """When the last check ended, in UTC."""

    def __init__(
        self,
        name: str,
        *,
        targets: pulumi.Input[Mapping[str, pulumi.Input[str]]],
        soak_minutes: pulumi.Input[float] | None = None,
        days: pulumi.Input[int] | None = None,
        unknown: pulumi.Input[str] | None = None,
        legacy_calls: pulumi.Input[str] | None = None,
        before: pulumi.Input[Sequence[str]] | None = None,
        requiring: pulumi.Input[Sequence[str]] | None = None,
        wave: pulumi.Input[int] | None = None,
        title: pulumi.Input[str] | None = None,
        forbidden: pulumi.Input[str] | None = None,
        region: pulumi.Input[str] | None = None,
        alarms: pulumi.Input[Sequence[str]] | None = None,
        insufficient_data: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Check instances whose changes are applied.

        :param targets: a name for each instance, with the ``target`` of its ``InstanceMetadataOptions``.
        :param soak_minutes: 0 to 1440: how long an instance is watched after its change; by default until CloudWatch
            covers the change, which takes about ten minutes, or one to two with detailed monitoring. With 0 only what
            is known at once counts.
        :param days: 1 to 455: changes older than this are not checked; 14 by default.
        :param unknown: ``warn`` (the default), ``block`` or ``ignore``: what an instance without CloudWatch data does.
        :param legacy_calls: ``block`` (the default), ``warn`` or ``off``: what IMDSv1 calls of those ``requiring`` do.
        :param before: the IDs of the instances that change next. The check is repeated for as long as there are any.
        :param requiring: those of them that will refuse IMDSv1 calls; their calls are counted again.
        :param wave: no longer used.
        :param title: the subject of progress lines and errors.
        :param forbidden: why nothing may be changed: the check fails with it, in a preview too.
        :param region: where all of them are; by default ``aws:region``, then what boto3 finds.
        :param alarms: the names of CloudWatch alarms of the region, metric or composite ones: the check fails if one is
            in ALARM or does not exist, at its beginning or while instances are watched.
        :param insufficient_data: ``warn`` (the default), ``block`` or ``ignore``: what an alarm in INSUFFICIENT_DATA
            does at the end of the check.
        """
        super().__init__(
            MetadataWaveHealthyProvider(),
            name,
            {
                "targets": targets,
                "soak_minutes": soak_minutes,
                "days": days,
                "unknown": unknown,
                "legacy_calls": legacy_calls,
                "before": before,
                "requiring": requiring,
                "wave": wave,
                "title": title,
                "forbidden": forbidden,
                "region": region,
                "alarms": alarms,
                "insufficient_data": insufficient_data,
                "checked_at": None,
            },
            opts,
        )
