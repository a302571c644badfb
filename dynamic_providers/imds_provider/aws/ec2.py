"""The two calls that the resources make, paced to EC2's throttle and shared between threads.

Sources: EC2 API reference, ``DescribeInstances`` and ``ModifyInstanceMetadataOptions``.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ..errors import DeadlinePassedError, OutcomeUnknownError
from ..rules.observation import Observation
from ..rules.options import Options, OptionValue, from_ec2
from ..waiting.clock import Clock, Deadline
from .batching import Coalescer, Upcoming
from .errors import THROTTLE_CODES, explain
from .rate_limit import TokenBucket
from .settings import AwsSettings

if TYPE_CHECKING:
    from mypy_boto3_ec2.client import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

MAX_FILTER_VALUES = 200
"""Values that one DescribeInstances filter takes."""


class Ec2Clock(Clock, Protocol):
    """A clock that also knows whether anybody still waits for the answer."""

    def require(self) -> None:
        """Raise if nobody does: then nothing may be sent."""


class Ec2:
    """EC2 in one account and region. One object serves all threads."""

    def __init__(
        self, client: EC2Client, region: str, settings: AwsSettings, clock: Ec2Clock, upcoming: Upcoming
    ) -> None:
        self.region = region
        self.client = client
        self._clock = clock
        self._buckets = {action: TokenBucket(size, clock.now) for action, size in settings.buckets.items()}
        self.secrets = settings.secrets
        self._executor = ThreadPoolExecutor(max_workers=8, thread_name_prefix="ec2")
        self._current = threading.local()
        self._ahead = timedelta(0)
        self._describes = Coalescer(self._describe, self._executor, upcoming, clock)
        client.meta.events.register_first("request-created.ec2", self.before_request)
        client.meta.events.register_first("needs-retry.ec2", self._after_response)

    def describe(
        self, instance_ids: Iterable[str], deadline: Deadline, *, max_age_seconds: float = 0.0
    ) -> dict[str, Observation]:
        """What EC2 has of the instances now, or had so many seconds ago; those that it does not know are left out.

        Callers in other threads share one call. Raises :class:`DeadlinePassedError` or :class:`AwsError`.
        """
        ids = sorted(instance_ids)
        try:
            return self._describes.get(ids, deadline.remaining(), max_age=max_age_seconds)
        except FutureTimeoutError:
            raise DeadlinePassedError(
                f"{', '.join(ids)}: EC2 in {self.region} did not answer DescribeInstances in time; run again."
            ) from None

    def now(self) -> datetime:
        """This moment by AWS's clock, to the second, as its last answer showed it; before the first, by this machine's.

        What CloudWatch has is stamped by that clock.
        """
        return datetime.now(timezone.utc) + self._ahead

    def modify(self, instance_id: str, parameters: Options, deadline: Deadline) -> tuple[str, dict[str, OptionValue]]:
        """Modify the metadata options, and return the state and the options that EC2 answers with.

        ``parameters`` are ``ModifyInstanceMetadataOptions``'s own. Raises :class:`OutcomeUnknownError` when there is
        no usable answer, :class:`DeadlinePassedError` when nothing was sent for lack of time,
        :class:`InstanceMissingError`, :class:`InstanceGoneError` or :class:`AwsError` when EC2 refuses.
        """
        action = "ModifyInstanceMetadataOptions"

        def call() -> Mapping[str, object]:
            try:
                with self.within(deadline):
                    answer = self.client.modify_instance_metadata_options(InstanceId=instance_id, **parameters)  # type: ignore[arg-type]  # the parameters are options.modification's
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                raise self._explain(action, instance_id, error, parameters) from None
            return dict(answer.get("InstanceMetadataOptions", {}))

        try:
            answer = self._executor.submit(call).result(deadline.remaining())
        except FutureTimeoutError:
            raise OutcomeUnknownError(f"{instance_id}: EC2 did not answer {action} in time.") from None
        if any(answer.get(name) != value for name, value in parameters.items()):
            raise OutcomeUnknownError(f"{instance_id}: EC2's answer to {action} does not show what was asked.")
        return str(answer.get("State", "")), from_ec2(answer)

    def _describe(self, instance_ids: frozenset[str]) -> dict[str, Observation]:
        found: dict[str, Observation] = {}
        for some in chunks(sorted(instance_ids), MAX_FILTER_VALUES):
            # A filter, since InstanceIds fails whole when one instance is gone.
            pages = self.client.get_paginator("describe_instances").paginate(
                Filters=[{"Name": "instance-id", "Values": some}]
            )
            try:
                for page in pages:
                    for reservation in page["Reservations"]:
                        for instance in reservation.get("Instances", ()):
                            seen = observation(instance, reservation.get("OwnerId", ""))
                            found[seen.instance_id] = seen
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                raise self._explain("DescribeInstances", together(some), error) from None
        return found

    def deadline(self, seconds: float) -> Deadline:
        """So many seconds from now."""
        return Deadline(self._clock, seconds)

    @contextmanager
    def within(self, deadline: Deadline) -> Iterator[None]:
        """Have this thread send nothing after the deadline, not even again what got no answer."""
        self._current.deadline = deadline
        try:
            yield
        finally:
            self._current.deadline = None

    def before_request(self, operation_name: str, **_: object) -> None:
        """Hold a request back for as long as EC2's throttle asks; botocore calls it before each that it makes.

        Raises :class:`DeadlinePassedError` if that is not in time.
        """
        deadline: Deadline | None = getattr(self._current, "deadline", None)
        bucket = self._buckets.get(operation_name)
        pause = bucket.take() if bucket else 0.0
        if deadline is not None and pause >= deadline.remaining():
            raise DeadlinePassedError("no request may be made in the time that is left.")
        if pause:
            self._clock.sleep(pause)
        self._clock.require()

    def _after_response(self, response: object, operation: object, **_: object) -> None:
        self._read_clock(response)
        code = ""
        if isinstance(response, tuple) and isinstance(response[1], Mapping):
            code = str(response[1].get("Error", {}).get("Code", ""))
        bucket = self._buckets.get(getattr(operation, "name", ""))
        if bucket and code in THROTTLE_CODES:
            bucket.throttled()

    def _read_clock(self, response: object) -> None:
        answer = response[0] if isinstance(response, tuple) else None
        stamp = getattr(answer, "headers", {}).get("Date")
        if isinstance(stamp, str):
            try:
                at = parsedate_to_datetime(stamp)
            except ValueError:
                return
            self._ahead = at.astimezone(timezone.utc) - datetime.now(timezone.utc)

    def _explain(self, action: str, subject: str, error: Exception, parameters: Options | None = None) -> Exception:
        return explain(
            error, action=action, subject=subject, region=self.region, secrets=self.secrets, parameters=parameters
        )


def together(instance_ids: Collection[str]) -> str:
    """Instances as the subject of a sentence: ``i-0123456789abcdef0 and 41 more``."""
    first = next(iter(instance_ids))
    return first if len(instance_ids) == 1 else f"{first} and {len(instance_ids) - 1} more"


def observation(instance: InstanceTypeDef, owner_id: str) -> Observation:
    """One instance of a DescribeInstances answer, with the account of the reservation that it stands in."""
    options = instance.get("MetadataOptions", {})
    return Observation(
        instance_id=instance.get("InstanceId", ""),
        instance_state=instance.get("State", {}).get("Name", ""),
        state=options.get("State", ""),
        options=from_ec2(options),
        owner_id=owner_id,
        launched_at=instance.get("LaunchTime"),
    )


def chunks(values: list[str], size: int) -> Iterator[list[str]]:
    """The values in lists of at most so many."""
    iterator = iter(values)
    while some := list(islice(iterator, size)):
        yield some
