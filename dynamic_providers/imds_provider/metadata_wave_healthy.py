"""The resource ``MetadataWaveHealthy``: what was changed must be healthy before the next wave of a fleet begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, UpdateResult

from .errors import WaveStoppedError
from .host import runtime
from .host.health_watch import require_healthy
from .host.property_bags import is_known
from .host.provider_base import Bag, Provider, Resource, checked, reporting_errors
from .rules import resource_state as p
from .rules import wave_check_state as gate
from .rules.barrier_state import titled
from .rules.readiness import ADVICE, readiness_report


class MetadataWaveHealthyProvider(Provider):
    """Create, update and delete. Its module and name are stored in the state of every stack: never rename it."""

    def check(self, _olds: Bag, news: Bag) -> CheckResult:
        return checked(news, gate.check)

    def diff(self, _id: str, _olds: Bag, _news: Bag) -> DiffResult:
        return DiffResult(changes=gate.changed(_olds, _news, is_known), replaces=[])

    @reporting_errors
    def create(self, props: Bag) -> CreateResult:
        return CreateResult("healthy", _require(props))

    @reporting_errors
    def update(self, _id: str, _olds: Bag, _news: Bag) -> UpdateResult:
        return UpdateResult(_require(_news))

    def delete(self, _id: str, _props: Bag) -> None:
        """Nothing: there is nothing of it outside the state."""


def _require(inputs: Bag) -> dict[str, object]:
    region = str(inputs[p.REGION])
    require_healthy(gate.to_judge(inputs), gate.rule(inputs), region, titled(inputs))
    _require_ready(inputs, region)
    return gate.outputs(inputs, runtime.now())


def _require_ready(inputs: Bag, region: str) -> None:
    """Look for IMDSv1 calls again: the program did so before the first wave, which may be days ago."""
    ids, readiness = gate.requiring(inputs), gate.readiness(inputs)
    if not ids or readiness.legacy_calls == "off":
        return
    end = runtime.ec2(region).now() + timedelta(minutes=1)
    start = end - timedelta(days=readiness.days)
    calls = runtime.aws().fleet(region).imdsv1_usage("MetadataNoToken", ids, start, end, readiness.period_seconds)
    report = readiness_report(ids, calls, readiness)
    if report.blocking:
        lines = [f"{titled(inputs)}rollout stopped:", *report.blocking.values(), ADVICE]
        raise WaveStoppedError("\n  ".join(lines))
    if report.warnings:
        runtime.engine().warn("\n".join(report.warnings.values()))


class MetadataWaveHealthy(Resource, module="imds", name="MetadataWaveHealthy"):
    """Done when the instances of ``targets`` that were changed lately have come through it.

    Each must have had its soak, and must have been healthy since, and for the last ten minutes at least: it may not
    have refused an IMDSv1 call since tokens are required (the CloudWatch metric ``MetadataNoTokenRejected``), nor fail
    a status check of EC2 since it was changed. That no calls were refused is known once CloudWatch has a data point
    from after the change; without one the instance is unknown. Nothing is asked where nothing was changed.
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
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Watch instances, which should be waited for before.

        :param targets: a name for each instance, with the ``target`` of its ``InstanceMetadataOptions``.
        :param soak_minutes: 0 to 1440: for how long after its change an instance is watched before it is judged; by
            default until CloudWatch covers the change, which takes about ten minutes, or one to two with detailed
            monitoring. With 0 only what is known at once counts.
        :param days: 1 to 455: how long ago a change may be to be watched; 14 by default.
        :param unknown: ``warn`` (the default), ``block`` or ``ignore``: what becomes of an instance that CloudWatch has
            no data of.
        :param legacy_calls: ``block`` (the default), ``warn`` or ``off``: what IMDSv1 calls of those ``requiring`` do.
        :param before: the ids of the instances that are changed next. The check is made for as long as there are any.
        :param requiring: those of them that are about to refuse IMDSv1 calls, which are looked for once more.
        :param wave: not used any more.
        :param title: what progress and errors call them.
        :param forbidden: why nothing may be changed: with it the check fails, in a preview too.
        :param region: where all of them are; by default ``aws:region``, then what boto3 finds.
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
                "checked_at": None,
            },
            opts,
        )
