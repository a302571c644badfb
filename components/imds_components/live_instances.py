"""Describe the live instances of a program as soon as their IDs are known, concurrent ones with one call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from imds_provider.aws import Aws
from imds_provider.errors import ConfigurationError, DeadlinePassedError, ImdsError, MissingCredentialsError
from imds_provider.program.per_program import PerProgram
from imds_provider.rules.observation import Observation
from imds_provider.waiting.waiter import CONFIRM_MISSING_SECONDS, find_instances

TIMEOUT_SECONDS = 20
GATHER_SECONDS = 0.02
"""How long a describe waits for others to join it: IDs that are outputs become known one by one."""


@dataclass
class _Batch:
    """Instances of one region that one call describes."""

    ids: set[str] = field(default_factory=set)
    answer: asyncio.Future[Mapping[str, Observation] | None] | None = None


class LiveInstances:
    """The live instances of one program, across its components.

    If AWS cannot be reached, that is logged once per region.
    """

    def __init__(self) -> None:
        self._batches: dict[str | None, _Batch] = {}
        self._warned: set[str | None] = set()
        self.problem: str | None = None
        """Why AWS access is configured wrongly, once that is known."""

    async def describe(
        self, component: pulumi.Resource, aws: Aws, region: str | None, instance_id: str
    ) -> Mapping[str, Observation] | None:
        """Describe one instance, together with others. Returns all of them by ID; None if EC2 cannot be reached.

        An instance that EC2 does not know is left out. The warning that EC2 cannot be reached is logged on
        ``component``.
        """
        batch = self._batches.setdefault(region, _Batch())
        batch.ids.add(instance_id)
        if batch.answer is None:
            batch.answer = asyncio.ensure_future(self._describe(component, aws, region, batch))
        return await batch.answer

    async def _describe(
        self, component: pulumi.Resource, aws: Aws, region: str | None, batch: _Batch
    ) -> Mapping[str, Observation] | None:
        await asyncio.sleep(GATHER_SECONDS)
        del self._batches[region]
        try:
            return await asyncio.get_running_loop().run_in_executor(None, _described, aws, region, batch.ids)
        except ImdsError as error:
            # A preview needs no credentials.
            if isinstance(error, ConfigurationError) and not isinstance(error, MissingCredentialsError):
                self.problem = str(error)
                return None
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
