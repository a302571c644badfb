"""The resource ``MetadataWaveHealthy``: a wave of a fleet is watched, and must be well, before the next one begins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, UpdateResult

from . import barrier, runtime, wave_health
from . import properties as p
from .bags import is_known
from .dynamic_base import Bag, Provider, Resource, checked, told
from .errors import WaveStoppedError
from .legacy_calls import period_seconds

PROGRESS_SECONDS = 5.0


class MetadataWaveHealthyProvider(Provider):
    """Create, update and delete. Its module and name are stored in the state of every stack: never rename it."""

    def check(self, _olds: Bag, news: Bag) -> CheckResult:
        return checked(news, wave_health.check)

    def diff(self, _id: str, _olds: Bag, _news: Bag) -> DiffResult:
        return DiffResult(changes=barrier.changed(_olds, _news, is_known, runtime.RUN), replaces=[])

    @told
    def create(self, props: Bag) -> CreateResult:
        return CreateResult("healthy", _watch(props, recorded={}))

    @told
    def update(self, _id: str, _olds: Bag, _news: Bag) -> UpdateResult:
        return UpdateResult(_watch(_news, recorded=_olds))

    def delete(self, _id: str, _props: Bag) -> None:
        """Nothing: there is nothing of it outside the state."""


def _watch(inputs: Bag, recorded: Bag) -> dict[str, object]:
    changed = wave_health.to_check(recorded, inputs, runtime.RUN)
    if not changed:
        return wave_health.outputs(inputs, runtime.now())
    watch = wave_health.watch(changed, float(inputs[wave_health.SOAK_MINUTES]), runtime.now())
    _soak(inputs, len(changed), watch.until)
    calls = runtime.aws().fleet(str(inputs[p.REGION]))
    ids = [instance_id for instance_id, target in changed.items() if wave_health.requires_tokens(target)]
    seconds = (watch.until - watch.since).total_seconds()
    refused = calls.legacy_calls("MetadataNoTokenRejected", ids, watch.since, runtime.now(), period_seconds(seconds))
    if reason := wave_health.verdict(inputs, refused, calls.impaired(changed)):
        raise WaveStoppedError(reason)
    return wave_health.outputs(inputs, runtime.now())


def _soak(inputs: Bag, count: int, until: datetime) -> None:
    engine = runtime.engine()
    while (left := (until - runtime.now()).total_seconds()) > 0:
        engine.show_progress(wave_health.progress_line(inputs, count, left))
        engine.sleep(min(PROGRESS_SECONDS, left))


class MetadataWaveHealthy(Resource, module="imds", name="MetadataWaveHealthy"):
    """Done when the instances of ``targets`` whose options were changed have come through it.

    They are left to themselves for the soak. Then none of them may have refused an IMDSv1 call (the CloudWatch metric
    ``MetadataNoTokenRejected``) in that time, or the last five minutes if that is longer, and none may fail a status
    check of EC2. Nothing is asked, and nothing waited for, where no options were changed.
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
        soak_minutes: pulumi.Input[float] = 0,
        wave: pulumi.Input[int] | None = None,
        title: pulumi.Input[str] | None = None,
        forbidden: pulumi.Input[str] | None = None,
        region: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Watch instances, which should be waited for before.

        :param targets: a name for each instance, with the ``target`` of its ``InstanceMetadataOptions``.
        :param soak_minutes: 0 to 1440: for how long after its change an instance is watched before it is judged.
        :param wave: the number of a wave of a fleet, whose instances come from, and go to, others: those are checked
            that were changed in this one.
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
                "wave": wave,
                "title": title,
                "forbidden": forbidden,
                "region": region,
                "checked_at": None,
            },
            opts,
        )
