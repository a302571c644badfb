"""The resource ``MetadataOptionsApplied``: a barrier at which many instances are waited for together.

The dynamic host carries out four operations at a time, so instances that each wait for themselves queue up. With
``wait=False`` a resource only sends its change, and one barrier waits for all of them with batched describes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Literal

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from .aws import Ec2
from .errors import NotAppliedError
from .host import runtime
from .host.alarm_watch import AlarmWatch
from .host.health_watch import require_healthy
from .host.property_bags import is_known
from .host.provider_base import Provider, Resource, checked, reporting_errors
from .rules import barrier_state, wave_check_state
from .rules.alarms import AlarmRule
from .rules.observation import Observation, Verdict, WaitResult, judge
from .rules.released import release_report
from .rules.resource_state import DAYS, DEFAULT_TIMEOUT_SECONDS, IF_GONE, REGION, WARN, WAVE, Properties
from .rules.wave_health import recently_changed
from .waiting.apply import send
from .waiting.clock import Deadline
from .waiting.waiter import wait


class MetadataOptionsAppliedProvider(Provider):
    """Create, read, update and delete. Its module and name are stored in the state of every stack: never rename it."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        result = checked(news, barrier_state.check)
        if is_known(news.get(barrier_state.TARGETS)):
            _report_released(_olds, result.inputs)
        return result

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        return DiffResult(changes=barrier_state.changed(_olds, _news, is_known), replaces=[])

    @reporting_errors
    def create(self, props: Properties) -> CreateResult:
        return CreateResult("applied", _wait(props, recorded={}))

    @reporting_errors
    def read(self, id_: str, props: Properties) -> ReadResult:
        """Describe the instances again that were not in force; the others belong to their own resources."""
        found = {}
        if waiting := barrier_state.not_in_force(props):
            found = _Regions(props).describe(waiting, runtime.deadline(props))
        return ReadResult(id_, barrier_state.refreshed_outputs(props, found))

    @reporting_errors
    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        return UpdateResult(_wait(_news, recorded=_olds))

    def delete(self, _id: str, _props: Properties) -> None:
        """Report what happens to the released instances. A barrier has nothing to delete outside the state."""
        _report_released(_props, {})


class _Regions:
    """EC2 in the regions of a barrier's instances."""

    def __init__(self, properties: Properties) -> None:
        self._region_of = barrier_state.region_of(properties)

    def ec2(self, instance_id: str) -> Ec2:
        return runtime.ec2(self._region_of.get(instance_id))

    def describe(self, instance_ids: Iterable[str], deadline: Deadline) -> dict[str, Observation]:
        """Describe the instances of all regions in parallel."""
        by_region: dict[object, list[str]] = {}
        for each in instance_ids:
            by_region.setdefault(self._region_of.get(each), []).append(each)
        calls = [partial(runtime.ec2(region).describe, ids, deadline) for region, ids in by_region.items()]
        if len(calls) == 1:
            return calls[0]()
        with ThreadPoolExecutor(len(calls)) as executor:
            found = [executor.submit(call) for call in calls]
            return {instance_id: seen for each in found for instance_id, seen in each.result().items()}

    def __str__(self) -> str:
        """The regions as an error names them."""
        return " or ".join(sorted({str(region) for region in self._region_of.values()}))


def _wait(inputs: Properties, recorded: Properties) -> dict[str, object]:
    engine, wanted = runtime.engine(), barrier_state.new_targets(recorded, inputs)
    if not wanted:
        return barrier_state.outputs(inputs, recorded, WaitResult({}, {}, {}), runtime.now())
    deadline, regions = runtime.deadline(inputs), _Regions(inputs)
    result = wait(
        lambda ids: regions.describe(ids, deadline),
        {instance_id: target.wanted for instance_id, target in wanted.items()},
        deadline,
        region=str(regions),
        judge=lambda seen, options: judge(seen, options, changed=wanted[seen.instance_id].change is not None),
        reapply=lambda seen, options: send(regions.ec2(seen.instance_id), seen, options, deadline),
        progress=lambda applied, pending, seconds: engine.show_progress(
            barrier_state.progress(inputs, applied, pending, len(wanted), seconds)
        ),
    )
    accepted = result.gone if inputs.get(IF_GONE) == WARN else []
    failed = {each: str(error) for each, error in result.errors.items() if each not in accepted}
    if failed:
        raise NotAppliedError(barrier_state.failure(failed, len(wanted)))
    # A fleet's last barrier has no wave and all instances: it warns.
    if inputs.get(WAVE) is None:
        if stopped := result.ids(Verdict.PENDING_START):
            engine.warn(f"stopped, so their metadata options apply when they start: {', '.join(stopped)}.")
        if unknown := result.ids(Verdict.UNKNOWN):
            engine.warn(f"not known to comply, since EC2 does not report all wanted options: {', '.join(unknown)}.")
    if gone := result.gone:
        engine.warn(f"terminated, so their metadata options are not waited for: {', '.join(gone)}.")
    if inputs.get(DAYS) is not None:
        _require_healthy(inputs, recorded)
    return barrier_state.outputs(inputs, recorded, result, runtime.now())


def _require_healthy(inputs: Properties, recorded: Properties) -> None:
    """Watch the instances that were changed lately, and the alarms if any of these changes is not recorded yet."""
    region, title, rule = str(inputs[REGION]), barrier_state.title(inputs), wave_check_state.rule(inputs)
    new = recently_changed(barrier_state.newly_changed(recorded, inputs), rule, runtime.ec2(region).now())
    alarms = wave_check_state.alarms(inputs) if new else AlarmRule()
    require_healthy(barrier_state.targets(inputs).values(), rule, region, title, AlarmWatch(alarms, region, title))


def _report_released(olds: Properties, news: Properties) -> None:
    """Report which instances are released, as far as it is known at this point of a preview or run."""
    owner, region_of = olds.get(barrier_state.OWNER), barrier_state.region_of(olds)

    def managed(instance_id: str) -> frozenset[str]:
        return runtime.state().managed((region_of[instance_id], instance_id))

    found = barrier_state.released_instances(olds, news, managed)
    if not isinstance(owner, str) or not found:
        return
    report = release_report(
        owner,
        len(barrier_state.targets(olds)),
        found,
        managed=managed,
        before=lambda each: runtime.state().before((region_of[each], each)),
    )
    for instance_id in report.covered:
        runtime.state().report_once((region_of[instance_id], instance_id))
    if report.lines:
        log = runtime.engine().warn if report.is_warning else runtime.engine().inform
        log("\n".join(report.lines))


class MetadataOptionsApplied(Resource, module="imds", name="MetadataOptionsApplied"):
    """Waits until every instance of ``targets`` has its wanted options applied, or will at its next start."""

    targets: pulumi.Output[Mapping[str, str]]
    region: pulumi.Output[str]
    applied_ids: pulumi.Output[list[str]]
    pending_start_ids: pulumi.Output[list[str]]
    unknown_ids: pulumi.Output[list[str] | None]
    """Instances of which EC2 does not report all wanted options; not set where there are none."""

    def __init__(
        self,
        name: str,
        *,
        targets: pulumi.Input[Mapping[str, pulumi.Input[str]]],
        region: pulumi.Input[str] | None = None,
        timeout_seconds: pulumi.Input[float] = DEFAULT_TIMEOUT_SECONDS,
        title: pulumi.Input[str] | None = None,
        wave: pulumi.Input[int] | None = None,
        owner: pulumi.Input[str] | None = None,
        restores: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        regions: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        if_gone: pulumi.Input[Literal["fail", "warn"]] | None = None,
        soak_minutes: pulumi.Input[float] | None = None,
        days: pulumi.Input[int] | None = None,
        unknown: pulumi.Input[str] | None = None,
        alarms: pulumi.Input[Sequence[str]] | None = None,
        insufficient_data: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Wait for instances.

        :param targets: a name for each instance, with the ``target`` of its :class:`InstanceMetadataOptions`. Only
            those whose target has changed are waited for.
        :param region: where all of them are; by default ``aws:region``, then what boto3 finds.
        :param timeout_seconds: 1 to 3600: how long to wait.
        :param title: the subject of progress lines and errors.
        :param wave: the number of a fleet's wave, which has the instances that a run changes: one that is missing is
            not a difference.
        :param owner: the component that the instances belong to. With it, a preview or run reports which instances are
            released, and what is restored on them.
        :param restores: what is restored on each instance when it is released
            (:func:`imds_provider.rules.released.restore_line`), by its name in ``targets``; those without
            stay unchanged.
        :param regions: the regions of instances that are not in ``region``, by their name in ``targets``.
        :param if_gone: ``fail`` (the default) or ``warn``: what a terminated or missing instance does.
        :param days: if given, the instances that were changed in the last ``days`` must be healthy as well, with the
            ``soak_minutes`` and ``unknown`` of :class:`MetadataWaveHealthy`.
        :param alarms: with ``days``, the names of CloudWatch alarms that must be OK after a change, with the
            ``insufficient_data`` of :class:`MetadataWaveHealthy`.
        """
        super().__init__(
            MetadataOptionsAppliedProvider(),
            name,
            {
                "targets": targets,
                "region": region,
                "timeout_seconds": timeout_seconds,
                "title": title,
                "wave": wave,
                "owner": owner,
                "restores": restores,
                "regions": regions,
                "if_gone": if_gone,
                "soak_minutes": soak_minutes,
                "days": days,
                "unknown": unknown,
                "alarms": alarms,
                "insufficient_data": insufficient_data,
                "applied_ids": None,
                "pending_start_ids": None,
                "unknown_ids": None,
            },
            opts,
        )
