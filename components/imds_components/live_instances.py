"""Live instances, described as soon as their IDs are known, those of the same moment with one call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from imds_provider.aws import Aws
from imds_provider.errors import ConfigurationError, DeadlinePassedError, ImdsError
from imds_provider.program.per_program import PerProgram
from imds_provider.rules.observation import Observation
from imds_provider.waiting.waiter import CONFIRM_MISSING_SECONDS, find_instances

TIMEOUT_SECONDS = 20
GATHER_SECONDS = 0.02
"""How long a describe waits for company: IDs that are outputs become known one by one."""


@dataclass
class _Batch:
    """Instances of one region that one call describes."""

    ids: set[str] = field(default_factory=set)
    answer: asyncio.Future[Mapping[str, Observation] | None] | None = None


class LiveInstances:
    """Describes the instances of a program, whichever component has them.

    If AWS cannot be asked, that is warned of once for each region.
    """

    def __init__(self) -> None:
        self._batches: dict[str | None, _Batch] = {}
        self._warned: set[str | None] = set()
        self.problem: str | None = None
        """Why AWS access is configured wrongly, once that is known."""

    async def describe(
        self, component: pulumi.Resource, aws: Aws, region: str | None, instance_id: str
    ) -> Mapping[str, Observation] | None:
        """The instance by its ID, and others; without it if EC2 does not know it, None if EC2 cannot be asked.

        A warning that it cannot stands below the row of ``component``.
        """
        batch = self._batches.setdefault(region, _Batch())
        batch.ids.add(instance_id)
        if batch.answer is None:
            batch.answer = asyncio.ensure_future(self._ask(component, aws, region, batch))
        return await batch.answer

    async def _ask(
        self, component: pulumi.Resource, aws: Aws, region: str | None, batch: _Batch
    ) -> Mapping[str, Observation] | None:
        await asyncio.sleep(GATHER_SECONDS)
        del self._batches[region]
        try:
            return await asyncio.get_running_loop().run_in_executor(None, _described, aws, region, batch.ids)
        except ConfigurationError as error:
            self.problem = str(error)
            return None
        except ImdsError as error:
            if region not in self._warned:
                self._warned.add(region)
                what = "preview" if pulumi.runtime.is_dry_run() else "run"
                pulumi.log.warn(
                    f"this {what} compares recorded values only, the instances could not be described: {error}",
                    component,
                )
            return None


_live = PerProgram(LiveInstances)


def of_this_program() -> LiveInstances:
    """The live instances of the program that is running."""
    return _live.get()


def _described(aws: Aws, region: str | None, ids: set[str]) -> Mapping[str, Observation]:
    ec2 = aws.ec2(region)
    deadline = aws.deadline(TIMEOUT_SECONDS)
    try:
        return find_instances(lambda missing: ec2.describe(missing, deadline), ids, deadline, CONFIRM_MISSING_SECONDS)
    except DeadlinePassedError:
        raise DeadlinePassedError(f"EC2 in {ec2.region} did not answer within {TIMEOUT_SECONDS} s.") from None
