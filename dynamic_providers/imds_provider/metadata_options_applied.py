"""The resource ``MetadataOptionsApplied``: a barrier that many instances are waited for at.

The dynamic host carries out four operations at a time, so instances that each wait for themselves queue up. With
``wait=False`` they only hand in their change, and one barrier then waits for all of them with batched describes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Literal

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from .aws import Ec2
from .errors import NotAppliedError
from .host import runtime
from .host.health_watch import require_healthy
from .host.property_bags import is_known
from .host.provider_base import Bag, Provider, Resource, checked, told
from .rules import barrier_state as barrier
from .rules import released as leaving
from .rules import resource_state as p
from .rules import wave_check_state as gate
from .rules.observation import Observation, Settled, Verdict, judge
from .waiting.apply import send
from .waiting.clock import Deadline
from .waiting.waiter import NotSettledError, wait


class MetadataOptionsAppliedProvider(Provider):
    """Create, read, update and delete. Its module and name are stored in the state of every stack: never rename it."""

    def check(self, _olds: Bag, news: Bag) -> CheckResult:
        result = checked(news, barrier.check)
        if is_known(news.get(barrier.TARGETS)):
            _report_leaving(_olds, result.inputs)
        return result

    def diff(self, _id: str, _olds: Bag, _news: Bag) -> DiffResult:
        return DiffResult(changes=barrier.changed(_olds, _news, is_known), replaces=[])

    @told
    def create(self, props: Bag) -> CreateResult:
        return CreateResult("applied", _wait(props, recorded={}))

    @told
    def read(self, id_: str, props: Bag) -> ReadResult:
        """Describe those again that were not in force: everything else is up to the resources waited for."""
        waiting = barrier.not_in_force(props)
        if not waiting:
            return ReadResult(id_, props)
        deadline = runtime.deadline(props.get(p.TIMEOUT_SECONDS), p.DEFAULT_TIMEOUT_SECONDS)
        return ReadResult(id_, barrier.after_another_look(props, _Places(props).describe(waiting, deadline)))

    @told
    def update(self, _id: str, _olds: Bag, _news: Bag) -> UpdateResult:
        return UpdateResult(_wait(_news, recorded=_olds))

    def delete(self, _id: str, _props: Bag) -> None:
        """Say what becomes of its instances: there is nothing of it outside the state."""
        _report_leaving(_props, {})


class _Places:
    """EC2 in the regions of a barrier's instances."""

    def __init__(self, bag: Bag) -> None:
        self._region_of = barrier.region_of(bag)

    def ec2(self, instance_id: str) -> Ec2:
        return runtime.ec2(self._region_of.get(instance_id))

    def describe(self, instance_ids: Iterable[str], deadline: Deadline) -> dict[str, Observation]:
        """Describe the instances, one call for each region and 200 of them, the regions side by side."""
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
        """The regions, for the person who reads an error."""
        return " or ".join(sorted({str(region) for region in self._region_of.values()}))


def _wait(inputs: Bag, recorded: Bag) -> dict[str, object]:
    engine = runtime.engine()
    wanted = barrier.to_wait_for(recorded, inputs)
    if not wanted:
        return barrier.outputs(inputs, recorded, Settled({}, {}), runtime.now())
    deadline = runtime.deadline(inputs.get(p.TIMEOUT_SECONDS), p.DEFAULT_TIMEOUT_SECONDS)
    places = _Places(inputs)
    try:
        settled = wait(
            lambda ids: places.describe(ids, deadline),
            {instance_id: target.wanted for instance_id, target in wanted.items()},
            deadline,
            place=str(places),
            may_go=inputs.get(p.IF_GONE) == p.WARN,
            judge=lambda seen, options: judge(seen, options, changed=bool(wanted[seen.instance_id].change)),
            reapply=lambda seen, options: send(places.ec2(seen.instance_id), seen, options, deadline),
            progress=lambda done, total, seconds: engine.show_progress(
                barrier.progress_line(inputs, done, total, seconds)
            ),
        )
    except NotSettledError as error:
        raise NotAppliedError(
            barrier.failure({each: why.reason for each, why in error.unsettled.items()}, len(wanted))
        ) from None
    # The last barrier of a fleet stands for no wave and has all its instances: it warns.
    if inputs.get(p.WAVE) is None:
        if stopped := settled.ids(Verdict.PENDING_START):
            engine.warn(f"stopped, so their metadata options apply when they start: {', '.join(stopped)}.")
        if unknown := settled.ids(Verdict.UNKNOWN):
            engine.warn(f"not known to comply, since EC2 does not report all that is wanted: {', '.join(unknown)}.")
    if gone := settled.ids(Verdict.GONE):
        engine.warn(f"terminated, so their metadata options are not waited for: {', '.join(gone)}.")
    if inputs.get(gate.READINESS_DAYS) is not None:
        require_healthy(gate.to_judge(inputs), gate.rule(inputs), str(inputs[p.REGION]), barrier.titled(inputs))
    return barrier.outputs(inputs, recorded, settled, runtime.now())


def _report_leaving(olds: Bag, news: Bag) -> None:
    """Say who leaves, as far as it is known at this point of a preview or run."""
    owner, region_of = olds.get(barrier.OWNER), barrier.region_of(olds)

    def managed(instance_id: str) -> frozenset[str]:
        return runtime.state().managed(region_of[instance_id], instance_id)

    gone = barrier.leaving(olds, news, managed)
    if not isinstance(owner, str) or not gone:
        return
    told = leaving.report(
        owner,
        len(barrier.targets(olds)),
        gone,
        managed=managed,
        before=lambda each: runtime.state().before(region_of[each], each),
    )
    for instance_id in told.covered:
        runtime.state().report_once(region_of[instance_id], instance_id)
    if told.lines:
        say = runtime.engine().warn if told.is_warning else runtime.engine().inform
        say("\n".join(told.lines))


class MetadataOptionsApplied(Resource, module="imds", name="MetadataOptionsApplied"):
    """Done when every instance of ``targets`` has its wanted options applied, or will at its next start."""

    targets: pulumi.Output[Mapping[str, str]]
    region: pulumi.Output[str]
    applied_ids: pulumi.Output[list[str]]
    pending_start_ids: pulumi.Output[list[str]]
    unknown_ids: pulumi.Output[list[str] | None]
    """Instances of which EC2 does not report all that is wanted; not set where there are none."""

    def __init__(
        self,
        name: str,
        *,
        targets: pulumi.Input[Mapping[str, pulumi.Input[str]]],
        region: pulumi.Input[str] | None = None,
        timeout_seconds: pulumi.Input[float] = p.DEFAULT_TIMEOUT_SECONDS,
        title: pulumi.Input[str] | None = None,
        wave: pulumi.Input[int] | None = None,
        owner: pulumi.Input[str] | None = None,
        restores: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        regions: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        if_gone: pulumi.Input[Literal["fail", "warn"]] | None = None,
        soak_minutes: pulumi.Input[float] | None = None,
        days: pulumi.Input[int] | None = None,
        unknown: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Wait for instances.

        :param targets: a name for each instance, with the ``target`` of its :class:`InstanceMetadataOptions`. Only
            those whose target has changed are waited for.
        :param region: where all of them are; by default ``aws:region``, then what boto3 finds.
        :param timeout_seconds: 1 to 3600: how long to wait.
        :param title: what progress and errors call them.
        :param wave: the number of a wave of a fleet, which consists of what a run changes: an instance that is in it no
            more is no difference.
        :param owner: whose instances these are. With it, a preview or run says which instances leave, and what is
            restored on them.
        :param restores: what is restored on each instance that leaves
            (:func:`imds_provider.rules.released.restore_line`), by its name in ``targets``; those without
            are left as they are.
        :param regions: the regions of instances that are elsewhere than ``region``, by their name in ``targets``.
        :param if_gone: whether an instance that is terminated meanwhile fails the barrier, as it does by default, or is
            warned of.
        :param days: if it is given, the instances that were changed in so many days must be healthy as well, as
            :class:`MetadataWaveHealthy` has it, with its ``soak_minutes`` and ``unknown``.
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
                "applied_ids": None,
                "pending_start_ids": None,
                "unknown_ids": None,
            },
            opts,
        )
