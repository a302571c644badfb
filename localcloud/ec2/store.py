"""The instances: moto's, with their metadata options, workloads and status over time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from math import inf
from typing import NamedTuple

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.instances import Instance, Reservation
from moto.moto_api._internal import mock_random

from localcloud.api import errors
from localcloud.api.answer import Answer
from localcloud.api.metadata_options import DEFAULTS, IMAGE_V2, Options
from localcloud.clock import Clock
from localcloud.ec2.account_levels import AccountLevels
from localcloud.ec2.instances import MONITORING, Change, InstanceView, options_from_wire, options_to_wire
from localcloud.ec2.option_history import OptionHistory, Snapshot
from localcloud.ec2.workload import Timeline, Workload
from localcloud.settings import Settings

# Without moto's 1,300 images, any image ID can be launched, a launch is 6 ms faster and a region's first call 45 ms.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"


class TemplateVersion(NamedTuple):
    """A version of a launch template."""

    id: str
    name: str
    number: int


STOPPED = ("stopping", "stopped")
GONE = ("shutting-down", "terminated")


class InstanceStore:
    """All state of the embedded EC2. Not thread-safe: callers hold `lock`.

    Attributes:
        launches: the answers to launches, by account, region and client token.
        parameters: the image IDs of SSM parameters, by account, region and name.
        operators: the services that manage instances, by instance ID.
        launched_from: the versions of launch templates that instances were launched from, by instance ID.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.lock = threading.RLock()
        self.account_levels = AccountLevels(clock)
        self.launches: dict[tuple[str, str, str], Answer] = {}
        self.parameters: dict[tuple[str, str, str], str] = {}
        self.operators: dict[str, str] = {}
        self.launched_from: dict[str, TemplateVersion] = {}
        self._histories: dict[str, OptionHistory] = {}
        self._workloads: dict[str, Workload] = {}
        self._impaired: dict[str, float] = {}

    def wipe(self) -> None:
        """Delete everything, including the state of moto's other services, and restart moto's sequence of IDs."""
        BackendDict.reset()
        reset_model_data()
        mock_random.seed(0)
        self.account_levels.wipe()
        self.launches.clear()
        self.parameters.clear()
        self.operators.clear()
        self.launched_from.clear()
        self._histories.clear()
        self._workloads.clear()
        self._impaired.clear()

    def aws_time(self, moment: float) -> float:
        """Convert a time of `clock` to seconds since the epoch on AWS's clock."""
        return self.clock.epoch(moment) + self.settings.clock_skew

    def aws_now(self) -> float:
        return self.aws_time(self.clock.now())

    def instances(self, account: str, region: str) -> Iterator[tuple[Reservation, Instance]]:
        """All instances, in launch order."""
        for reservation in ec2_backends[account][region].reservations.values():
            for instance in reservation.instances:
                yield reservation, instance

    def visible(self, account: str, region: str) -> dict[str, tuple[Reservation, Instance]]:
        """By ID, without instances launched less than `settings.appear` seconds ago."""
        latest = self.clock.now() - self.settings.appear
        return {
            instance.id: (reservation, instance)
            for reservation, instance in self.instances(account, region)
            if self.history(instance).launched_at <= latest
        }

    def require(self, account: str, region: str, instance_ids: list[str]) -> list[Instance]:
        """The instances, in the order of the IDs.

        Raises:
            AWSError: InvalidInstanceID.NotFound, naming every unknown ID.
        """
        visible = self.visible(account, region)
        if unknown := [each for each in instance_ids if each not in visible]:
            raise errors.unknown_instances(unknown)
        return [visible[each][1] for each in instance_ids]

    def find(self, instance_id: str) -> Instance | None:
        """In any account and region, visible or not."""
        return next((each for each in self._everywhere() if each.id == instance_id), None)

    def history(self, instance: Instance) -> OptionHistory:
        history = self._histories.get(instance.id)
        return history if history is not None else self.record_launch(instance, {})

    def record_launch(self, instance: Instance, options: Mapping[str, str]) -> OptionHistory:
        now = self.clock.now()
        defaults = self.launch_defaults(instance.owner_id, instance.region_name, instance.image_id)
        history = OptionHistory(
            {**defaults, **options}, launched_at=now, applied_at=now + self.settings.launch_pending, pending=None
        )
        self._histories[instance.id] = history
        self._set_launch_time(instance)
        return history

    def launch_defaults(self, account: str, region: str, image_id: str) -> Options:
        """The options of a launch that names none: the account's defaults, else the image's, else EC2's.

        Source: EC2 user guide, "Order of precedence for instance metadata options".
        """
        image = ec2_backends[account][region].amis.get(image_id)
        chosen = self.account_levels.effective((account, region))
        return {
            **DEFAULTS,
            **(IMAGE_V2 if getattr(image, "imds_support", None) == "v2.0" else {}),
            **{name: value for name, value in chosen.items() if name in DEFAULTS},
        }

    def serves_tags(self, instance: Instance) -> bool:
        return self.history(instance).latest.values["InstanceMetadataTags"] == "enabled"

    def modify(self, instance: Instance, options: Mapping[str, str]) -> Snapshot:
        now = self.clock.now()
        history = self.history(instance)
        applied_at = now + self._pending_seconds(history)
        if instance.state in STOPPED:
            applied_at = inf if self.settings.stopped_state == "pending" else now
        history.change(options, now=now, applied_at=applied_at)
        return history.latest

    def set_options(self, instance: Instance, options: Mapping[str, object], *, pending: bool = False) -> None:
        """Set options without validation: applied at once, or pending as after a modify."""
        history, now = self.history(instance), self.clock.now()
        applied_at = now
        if pending:
            applied_at = inf if instance.state in STOPPED else now + self._pending_seconds(history)
        history.change(options_to_wire(options), now=now, applied_at=applied_at)

    def hold_pending(self, instance: Instance) -> None:
        """Keep options pending until the next start, except where a stopped instance reports `applied`."""
        if not (instance.state in STOPPED and self.settings.stopped_state == "applied"):
            self.history(instance).change({}, now=self.clock.now(), applied_at=inf)

    def record_state(self, instance: Instance) -> None:
        """Record that the instance was stopped, started or terminated."""
        history, now = self.history(instance), self.clock.now()
        is_running = instance.state == "running"
        history.set_running(now, running=is_running)
        if is_running:
            history.release(now, self._pending_seconds(history))
        else:
            history.hold(now)

    def move(self, instance: Instance, verb: str) -> None:
        """`stop`, `start` or `terminate` the instance, or let it `vanish`: EC2 no longer knows it.

        Raises:
            ValueError: for any other verb.
        """
        backend: EC2Backend = instance.ec2_backend
        if verb == "vanish":
            for reservation in backend.reservations.values():
                reservation.instances = [each for each in reservation.instances if each is not instance]
            return
        moves = {"stop": instance.stop, "start": instance.start, "terminate": instance.terminate}
        if verb not in moves:
            raise ValueError(f"unknown verb {verb!r}; known are {', '.join(moves)}, vanish")
        moves[verb]()
        self.record_state(instance)

    def adopt(self, instance: Instance, history: OptionHistory, *, launched_ago: float) -> None:
        """Take in an instance that moto launched now, as one that was launched so many seconds ago."""
        self._histories[instance.id] = history
        self._set_launch_time(instance, launched_ago)

    def change(self, instance: Instance, change: Change) -> None:
        """Change an instance out of band."""
        if "pending" in change:
            self.history(instance).pending = change["pending"]
        if "tags" in change:
            instance.add_tags(change["tags"])
        if "options" in change or "metadata_state" in change:
            pending = change.get("metadata_state") == "pending"
            self.set_options(instance, change.get("options", {}), pending=pending)
        self.set_behaviour(instance, change)

    def set_behaviour(self, instance: Instance, change: Change) -> None:
        """Set the workload, the status and the monitoring, as far as the change names them."""
        now = self.clock.now()
        if "monitoring" in change:
            instance.monitoring_state = MONITORING[change["monitoring"]]
        if "workload" in change:
            self._workloads[instance.id] = Workload.parse(change["workload"], now=now)
        if change.get("status") == "impaired":
            self._impaired.setdefault(instance.id, now)
        elif "status" in change:
            self._impaired.pop(instance.id, None)

    def workload(self, instance: Instance) -> Workload:
        """The instance's IMDSv1 calls, in AWS's time."""
        workload = self._workloads.get(instance.id, Workload())
        return replace(workload, until=self.aws_time(workload.until))

    def timeline(self, instance: Instance) -> Timeline:
        """The instance's past up to now, in AWS's time."""
        spans = [
            (self.aws_time(start), self.aws_time(end), values)
            for start, end, values in self.history(instance).spans(self.clock.now())
            if values is not None
        ]
        serving = [(start, end, values) for start, end, values in spans if values["HttpEndpoint"] == "enabled"]
        return Timeline(
            running=[(start, end) for start, end, _ in spans],
            tokens_optional=[(start, end) for start, end, values in spans if values["HttpTokens"] == "optional"],
            serving_imdsv1=[(start, end) for start, end, values in serving if values["HttpTokens"] == "optional"],
            rejecting_imdsv1=[(start, end) for start, end, values in serving if values["HttpTokens"] == "required"],
        )

    def impaired_since(self, instance: Instance) -> float | None:
        """Since when the status checks fail, in AWS's time; None while they pass."""
        since = self._impaired.get(instance.id)
        return None if since is None else self.aws_time(since)

    def has_detailed_monitoring(self, instance: Instance) -> bool:
        return str(instance.monitoring_state) == MONITORING["detailed"]

    def view(self, instance: Instance) -> InstanceView:
        history = self.history(instance)
        return InstanceView(
            id=instance.id,
            region=instance.region_name,
            account=instance.owner_id,
            state=instance.state,
            options=options_from_wire(history.latest.values),
            metadata_state=history.latest.state(self.clock.now()),
            tags=self.tags(instance),
            pending=history.pending,
        )

    def views(self) -> list[InstanceView]:
        return [self.view(instance) for instance in self._everywhere()]

    def tags(self, instance: Instance) -> dict[str, str]:
        backend: EC2Backend = instance.ec2_backend
        return dict(backend.tags.get(instance.id, {}))

    def _everywhere(self) -> Iterator[Instance]:
        """The instances of all accounts and regions."""
        for account, regions in ec2_backends.items():
            for region in [*regions]:  # moto makes the backends of regions on demand
                for _, instance in self.instances(account, region):
                    yield instance

    def _set_launch_time(self, instance: Instance, ago: float = 0.0) -> None:
        """Convert moto's launch time, which is this machine's, to AWS's clock, less `ago` seconds."""
        instance.launch_time += timedelta(seconds=self.aws_now() - time.time() - ago)

    def _pending_seconds(self, history: OptionHistory) -> float:
        return self.settings.pending if history.pending is None else history.pending
