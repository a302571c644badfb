"""The resource ``MetadataOptionsApplied``: a barrier that many instances are waited for at.

The dynamic host carries out four operations at a time, so instances that each wait for themselves queue up. With
``wait=False`` they only hand in their change, and one barrier then waits for all of them with batched describes.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from . import barrier, runtime
from . import properties as p
from .applying import send
from .bags import is_known
from .dynamic_base import Bag, Provider, Resource, checked, told
from .errors import NotAppliedError
from .settling import NotSettledError, Settled, Verdict, wait


class MetadataOptionsAppliedProvider(Provider):
    """Create, read, update and delete. Its module and name are stored in the state of every stack: never rename it."""

    def check(self, _olds: Bag, news: Bag) -> CheckResult:
        return checked(news, barrier.check)

    def diff(self, _id: str, _olds: Bag, _news: Bag) -> DiffResult:
        return DiffResult(changes=barrier.changed(_olds, _news, is_known, runtime.RUN), replaces=[])

    @told
    def create(self, props: Bag) -> CreateResult:
        return CreateResult("applied", _wait(props, recorded={}))

    @told
    def read(self, id_: str, props: Bag) -> ReadResult:
        """Look again at the stopped instances only: everything else is the business of the resources waited for."""
        waiting = barrier.pending_start_ids(props)
        if not waiting:
            return ReadResult(id_, props)
        deadline = runtime.deadline(props.get(p.TIMEOUT_SECONDS), p.DEFAULT_TIMEOUT_SECONDS)
        found = runtime.ec2(props.get(p.REGION)).describe(waiting, deadline)
        return ReadResult(id_, barrier.after_another_look(props, found))

    @told
    def update(self, _id: str, _olds: Bag, _news: Bag) -> UpdateResult:
        return UpdateResult(_wait(_news, recorded=_olds))

    def delete(self, _id: str, _props: Bag) -> None:
        """Nothing: there is nothing of it outside the state."""


def _wait(inputs: Bag, recorded: Bag) -> dict[str, object]:
    engine = runtime.engine()
    wanted = barrier.to_wait_for(recorded, inputs, runtime.RUN)
    if not wanted:
        return barrier.outputs(inputs, recorded, Settled({}, {}), runtime.now())
    deadline = runtime.deadline(inputs.get(p.TIMEOUT_SECONDS), p.DEFAULT_TIMEOUT_SECONDS)
    ec2 = runtime.ec2(inputs.get(p.REGION))
    try:
        settled = wait(
            lambda ids: ec2.describe(ids, deadline),
            wanted,
            deadline,
            place=ec2.region,
            put_right=lambda seen, options: send(ec2, seen, options, deadline),
            progress=lambda done, total, seconds: engine.show_progress(
                barrier.progress_line(inputs, done, total, seconds)
            ),
        )
    except NotSettledError as error:
        raise NotAppliedError(barrier.failure(error, len(wanted))) from None
    # The last barrier of a fleet stands for no wave and has all its instances: it tells.
    if (stopped := settled.ids(Verdict.PENDING_START)) and inputs.get(p.WAVE) is None:
        engine.warn(f"stopped, so their metadata options apply when they start: {', '.join(stopped)}.")
    return barrier.outputs(inputs, recorded, settled, runtime.now())


class MetadataOptionsApplied(Resource, module="imds", name="MetadataOptionsApplied"):
    """Done when every instance of ``targets`` has its wanted options applied, or will at its next start."""

    targets: pulumi.Output[Mapping[str, str]]
    region: pulumi.Output[str]
    applied_ids: pulumi.Output[list[str]]
    pending_start_ids: pulumi.Output[list[str]]

    def __init__(
        self,
        name: str,
        *,
        targets: pulumi.Input[Mapping[str, pulumi.Input[str]]],
        region: pulumi.Input[str] | None = None,
        timeout_seconds: pulumi.Input[float] = p.DEFAULT_TIMEOUT_SECONDS,
        title: pulumi.Input[str] | None = None,
        wave: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Wait for instances.

        :param targets: a name for each instance, with the ``target`` of its :class:`InstanceMetadataOptions`. Only
            those whose target has changed are waited for.
        :param region: where all of them are; by default ``aws:region``, then what boto3 finds.
        :param timeout_seconds: 1 to 3600: how long to wait.
        :param title: what progress and errors call them.
        :param wave: the number of a wave of a fleet, whose instances come from, and go to, others: those are waited for
            that were changed in this one, and the preview shows nothing of one that comes or goes without a change.
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
                "applied_ids": None,
                "pending_start_ids": None,
            },
            opts,
        )
