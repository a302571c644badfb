"""Describe and modify instances: batched across threads, and within EC2's request quotas.

Sources: EC2 API reference, ``DescribeInstances`` and ``ModifyInstanceMetadataOptions``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from ..errors import DeadlinePassedError, OutcomeUnknownError
from ..rules.observation import Observation
from ..rules.options import Options, OptionValue, from_ec2
from ..waiting.clock import Clock, Deadline
from .batching import Batcher
from .errors import THROTTLE_CODES, translate
from .rate_limit import TokenBucket
from .read_ahead import ReadAhead
from .settings import AwsSettings

if TYPE_CHECKING:
    from mypy_boto3_ec2.client import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

T = TypeVar("T")

MAX_FILTER_VALUES = 200
"""The most values that one DescribeInstances filter takes."""
_GROUP_TAG = "aws:autoscaling:groupName"
"""EC2 Auto Scaling user guide, "Tag Auto Scaling groups and instances": nobody else can set it."""


class Ec2Clock(Clock, Protocol):
    """A clock that also knows whether the caller still exists."""

    def require(self) -> None:
        """Raise :class:`ImdsError` if it does not: then nothing may be sent on its behalf."""


class Ec2:
    """EC2 in one account and region. Safe to share between threads."""

    def __init__(
        self, client: EC2Client, region: str, settings: AwsSettings, clock: Ec2Clock, read_ahead: ReadAhead
    ) -> None:
        self.region = region
        self.client = client
        self._clock = clock
        self._buckets = {action: TokenBucket(size, clock.now) for action, size in settings.buckets.items()}
        self.secrets = settings.secrets
        self._executor = ThreadPoolExecutor(max_workers=8, thread_name_prefix="ec2")
        self._read_ahead = read_ahead
        self._current = threading.local()
        self._clock_offset = timedelta(0)
        self._describes = Batcher(self._describe, self._executor, clock)
        client.meta.events.register_first("request-created.ec2", self.before_request)
        client.meta.events.register_first("needs-retry.ec2", self._after_response)

    def describe(self, instance_ids: Iterable[str], deadline: Deadline) -> dict[str, Observation]:
        """Describe the instances; those that EC2 does not know are left out.

        Raises :class:`DeadlinePassedError` or :class:`AwsError`.
        """
        ids = sorted(instance_ids)
        try:
            return self._describes.get(ids, deadline.remaining())
        except FutureTimeoutError:
            raise DeadlinePassedError(
                f"{abbreviated(ids)}: EC2 in {self.region} did not answer DescribeInstances in time; run again."
            ) from None

    def describe_ahead(self, instance_id: str, deadline: Deadline) -> Mapping[str, Observation]:
        """Describe an instance that is about to be changed, as it was half a second ago at most.

        The answer may hold other instances too. Raises as :meth:`describe` does.
        """
        return self._read_ahead.describe(
            instance_id, lambda ids: self.describe(ids, deadline), timeout=deadline.remaining()
        )

    def now(self) -> datetime:
        """Return the time by AWS's clock, to the second, or by this machine's before the first answer.

        CloudWatch stamps its data by that clock.
        """
        return datetime.now(timezone.utc) + self._clock_offset

    def modify(self, instance_id: str, parameters: Options, deadline: Deadline) -> tuple[str, dict[str, OptionValue]]:
        """Modify the metadata options, and return the state and the options that EC2 answers with.

        ``parameters`` are those of ``ModifyInstanceMetadataOptions``.

        Raises:
            OutcomeUnknownError: there was no usable answer.
            DeadlinePassedError: nothing was sent, for lack of time.
            InstanceMissingError: EC2 does not know the instance.
            InstanceGoneError: the instance is terminated or shutting down.
            AwsError: EC2 refused the call.
        """
        action = "ModifyInstanceMetadataOptions"
        found = self.send(
            action,
            instance_id,
            lambda: self.client.modify_instance_metadata_options(InstanceId=instance_id, **parameters),  # type: ignore[arg-type]  # made by options.modification
            deadline,
            parameters,
        )
        answer: Mapping[str, object] = dict(found.get("InstanceMetadataOptions", {}))
        if any(answer.get(name) != value for name, value in parameters.items()):
            raise OutcomeUnknownError(f"{instance_id}: EC2's answer to {action} does not show what was asked.")
        return str(answer.get("State", "")), from_ec2(answer)

    def send(
        self, action: str, subject: str, request: Callable[[], T], deadline: Deadline, parameters: Options | None = None
    ) -> T:
        """Send the request of ``action``, which concerns ``subject``, and return the answer.

        ``parameters`` are those of the request, if conditions of policies can apply to them.

        Raises:
            OutcomeUnknownError: there was no usable answer.
            DeadlinePassedError: nothing was sent, for lack of time.
            AwsError: EC2 refused the call.
        """

        def call() -> T:
            try:
                with self.within(deadline):
                    return request()
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                raise self._translate(action, subject, error, parameters) from None

        try:
            return self._executor.submit(call).result(deadline.remaining())
        except FutureTimeoutError:
            raise OutcomeUnknownError(f"{subject}: EC2 did not answer {action} in time.") from None

    def _describe(self, instance_ids: frozenset[str]) -> dict[str, Observation]:
        found: dict[str, Observation] = {}
        for some in chunks(sorted(instance_ids), MAX_FILTER_VALUES):
            # A filter, since InstanceIds fails entirely when one instance is gone.
            pages = self.client.get_paginator("describe_instances").paginate(
                Filters=[{"Name": "instance-id", "Values": some}]
            )
            try:
                for page in pages:
                    for reservation in page["Reservations"]:
                        for instance in reservation.get("Instances", ()):
                            seen = to_observation(instance, reservation.get("OwnerId", ""))
                            found[seen.instance_id] = seen
            except (ClientError, BotoCoreError, ResponseParserError) as error:
                raise self._translate("DescribeInstances", abbreviated(some), error) from None
        return found

    def deadline(self, seconds: float) -> Deadline:
        """Return the deadline that is so many seconds from now."""
        return Deadline(self._clock, seconds)

    @contextmanager
    def within(self, deadline: Deadline) -> Iterator[None]:
        """Send nothing from this thread after the deadline, retries included."""
        self._current.deadline = deadline
        try:
            yield
        finally:
            self._current.deadline = None

    def before_request(self, operation_name: str, **_: object) -> None:
        """Delay a request until EC2's quota allows it. botocore calls this before every attempt.

        Raises :class:`DeadlinePassedError` if that would be after the deadline.
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
        self._read_date(response)
        code = ""
        if isinstance(response, tuple) and isinstance(response[1], Mapping):
            code = str(response[1].get("Error", {}).get("Code", ""))
        bucket = self._buckets.get(getattr(operation, "name", ""))
        if bucket and code in THROTTLE_CODES:
            bucket.throttled()

    def _read_date(self, response: object) -> None:
        answer = response[0] if isinstance(response, tuple) else None
        date = getattr(answer, "headers", {}).get("Date")
        if isinstance(date, str):
            try:
                sent_at = parsedate_to_datetime(date)
            except ValueError:
                return
            self._clock_offset = sent_at.astimezone(timezone.utc) - datetime.now(timezone.utc)

    def _translate(self, action: str, subject: str, error: Exception, parameters: Options | None = None) -> Exception:
        return translate(
            error, action=action, subject=subject, region=self.region, secrets=self.secrets, parameters=parameters
        )


def abbreviated(instance_ids: Collection[str]) -> str:
    """Name many instances in short: ``i-0123456789abcdef0 and 41 more``."""
    first = next(iter(instance_ids))
    return first if len(instance_ids) == 1 else f"{first} and {len(instance_ids) - 1} more"


def to_observation(instance: InstanceTypeDef, owner_id: str) -> Observation:
    """Convert an instance of a DescribeInstances answer; ``owner_id`` is the account ID of its reservation."""
    options, operator = instance.get("MetadataOptions", {}), instance.get("Operator", {})
    tags = {each.get("Key"): each.get("Value", "") for each in instance.get("Tags", ())}
    return Observation(
        instance_id=instance.get("InstanceId", ""),
        instance_state=instance.get("State", {}).get("Name", ""),
        state=options.get("State", ""),
        options=from_ec2(options),
        owner_id=owner_id,
        launched_at=instance.get("LaunchTime"),
        operator=operator.get("Principal", "an AWS service") if operator.get("Managed") else "",
        autoscaling_group=tags.get(_GROUP_TAG, ""),
        name=tags.get("Name", ""),
    )


def chunks(values: Iterable[str], size: int) -> Iterator[list[str]]:
    """Split the values into lists of at most ``size``."""
    iterator = iter(values)
    while some := list(islice(iterator, size)):
        yield some
