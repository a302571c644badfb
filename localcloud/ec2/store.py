"""The instances: moto's store, with each instance's metadata options kept beside it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from math import inf

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.instances import Instance, Reservation
from moto.moto_api._internal import mock_random

from localcloud.api import errors
from localcloud.api.answer import Answer
from localcloud.api.metadata_options import DEFAULTS, Options, Record, Snapshot
from localcloud.clock import Clock
from localcloud.ec2.instances import MONITORING, STATES, Change, InstanceView, Seed, options_from_wire, options_to_wire
from localcloud.ec2.workload import DAY, Past, Workload
from localcloud.settings import Settings

# Moto looks through its 1,300 images at every launch (6 ms) and makes them for every region (45 ms).
# Any image id launches.
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"

WAITS_FOR_START = ("stopping", "stopped")
GONE = ("shutting-down", "terminated")


class World:
    """Everything that the embedded EC2 knows. The caller holds `lock`."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.lock = threading.RLock()
        self.account_defaults: dict[tuple[str, str], Options] = {}
        self.launches: dict[tuple[str, str, str], Answer] = {}
        self._records: dict[str, Record] = {}
        self._workloads: dict[str, Workload] = {}
        self._impaired: dict[str, float] = {}

    def wipe(self) -> None:
        """Nothing is left, of moto's services either, and moto's next ids are the same as after every wipe."""
        BackendDict.reset()
        reset_model_data()
        mock_random.seed(0)
        self.account_defaults.clear()
        self.launches.clear()
        self._records.clear()
        self._workloads.clear()
        self._impaired.clear()

    def aws_time(self, moment: float) -> float:
        """The second of the epoch at which AWS's clock puts this moment of `clock`."""
        return self.clock.epoch(moment) + self.settings.clock_skew

    def aws_now(self) -> float:
        return self.aws_time(self.clock.now())

    def backend(self, account: str, region: str) -> EC2Backend:
        return ec2_backends[account][region]

    def everything(self, account: str, region: str) -> Iterator[tuple[Reservation, Instance]]:
        """In the order of their launches."""
        for reservation in self.backend(account, region).reservations.values():
            for instance in reservation.instances:
                yield reservation, instance

    def visible(self, account: str, region: str) -> dict[str, tuple[Reservation, Instance]]:
        """By id, without the instances that are too new to be known."""
        latest = self.clock.now() - self.settings.appear
        return {
            instance.id: (reservation, instance)
            for reservation, instance in self.everything(account, region)
            if self.record(instance).born <= latest
        }

    def require(self, account: str, region: str, instance_ids: list[str]) -> list[Instance]:
        """The instances, in the order of the ids.

        Raises:
            EC2Error: InvalidInstanceID.NotFound naming all that are not there.
        """
        known = self.visible(account, region)
        if unknown := [each for each in instance_ids if each not in known]:
            raise errors.unknown_instances(unknown)
        return [known[each][1] for each in instance_ids]

    def record(self, instance: Instance) -> Record:
        found = self._records.get(instance.id)
        return found if found is not None else self.launched(instance, {})

    def has_record(self, instance: Instance) -> bool:
        return instance.id in self._records

    def launched(self, instance: Instance, options: Mapping[str, str]) -> Record:
        now = self.clock.now()
        defaults = self.launch_defaults(instance.owner_id, instance.region_name)
        record = Record({**defaults, **options}, born=now, applied_at=now + self.settings.launch_pending, pending=None)
        self._records[instance.id] = record
        self._set_launch_time(instance)
        return record

    def launch_defaults(self, account: str, region: str) -> Options:
        chosen = self.account_defaults.get((account, region), {})
        return {**DEFAULTS, **{name: value for name, value in chosen.items() if name in DEFAULTS}}

    def serves_tags(self, instance: Instance) -> bool:
        return self.record(instance).latest.values["InstanceMetadataTags"] == "enabled"

    def modified(self, instance: Instance, given: Mapping[str, str]) -> Snapshot:
        now = self.clock.now()
        record = self.record(instance)
        applied_at = now + self._delay(record)
        if instance.state in WAITS_FOR_START:
            applied_at = inf if self.settings.stopped_state == "pending" else now
        record.change(given, now=now, applied_at=applied_at)
        return record.latest

    def stuck(self, instance: Instance) -> None:
        """What is pending stays so until the next start."""
        if instance.state in WAITS_FOR_START and self.settings.stopped_state == "applied":
            return  # nothing is
        self.record(instance).change({}, now=self.clock.now(), applied_at=inf)

    def moved(self, instance: Instance) -> None:
        """The instance was stopped, started or terminated."""
        record, now = self.record(instance), self.clock.now()
        record.runs(now, running=instance.state == "running")
        if instance.state == "running":
            record.release(now, self._delay(record))
        else:
            record.hold(now)

    def move(self, instance: Instance, verb: str) -> None:
        """`stop`, `start` or `terminate` as the API would, or `vanish`: nothing knows of it any more."""
        backend: EC2Backend = instance.ec2_backend
        if verb == "vanish":
            for reservation in backend.reservations.values():
                reservation.instances = [each for each in reservation.instances if each is not instance]
            return
        moves = {"stop": instance.stop, "start": instance.start, "terminate": instance.terminate}
        if verb not in moves:
            raise ValueError(f"an instance cannot {verb!r}; known are {', '.join(moves)}, vanish")
        moves[verb]()
        self.moved(instance)

    def seed(self, seed: Seed) -> Instance:
        """Put an instance in as if it had always been there.

        Raises:
            ValueError: when the id is taken.
        """
        region, account = seed.get("region", "us-east-1"), seed.get("account", DEFAULT_ACCOUNT_ID)
        state = seed.get("state", "running")
        if self.find(seed["id"]) is not None:
            raise ValueError(f"{seed['id']}: there is such an instance already")
        backend = self.backend(account, region)
        reservation = backend.run_instances(
            seed.get("image", "ami-0123456789abcdef0"),
            1,
            None,
            [],
            instance_type=seed.get("instance_type", "t3.micro"),
            is_instance_type_default=True,  # which spares moto a search of 1,300 types
            region_name=region,
        )
        [instance] = reservation.instances
        instance.id = seed["id"]
        if state in GONE:
            instance.terminate()
        elif state in WAITS_FOR_START:
            instance.stop()
        instance.instance_state.name, instance.instance_state.code = state, STATES[state]
        instance.add_tags({**({"Name": seed["name"]} if "name" in seed else {}), **seed.get("tags", {})})
        values = {**DEFAULTS, **options_to_wire(seed.get("options", {}))}
        ago = seed.get("launched_days_ago", 0) * DAY
        born = self.clock.now() - ago if "launched_days_ago" in seed else -inf
        record = Record(values, born=born, applied_at=-inf, pending=seed.get("pending"))
        record.runs(born, running=state == "running")
        self._set_launch_time(instance, ago)
        self._records[instance.id] = record
        if seed.get("metadata_state") == "pending":
            self.put(instance, {}, pending=True)
        self._set_conduct(instance, seed)
        return instance

    def change(self, instance: Instance, change: Change) -> None:
        """Made behind everyone's back. Without a `metadata_state` it is applied at once."""
        if "pending" in change:
            self.record(instance).pending = change["pending"]
        if "tags" in change:
            instance.add_tags(change["tags"])
        if "options" in change or "metadata_state" in change:
            self.put(instance, change.get("options", {}), pending=change.get("metadata_state") == "pending")
        self._set_conduct(instance, change)

    def workload(self, instance: Instance) -> Workload:
        """What runs on the instance, its times on AWS's clock."""
        workload = self._workloads.get(instance.id, Workload())
        return replace(workload, until=self.aws_time(workload.until))

    def past(self, instance: Instance) -> Past:
        """What the instance was up to now, on AWS's clock."""
        spans = [
            (self.aws_time(start), self.aws_time(end), values)
            for start, end, values in self.record(instance).spans(self.clock.now())
            if values is not None
        ]
        serving = [(start, end, values) for start, end, values in spans if values["HttpEndpoint"] == "enabled"]
        return Past(
            up=[(start, end) for start, end, _ in spans],
            optional=[(start, end) for start, end, values in spans if values["HttpTokens"] == "optional"],
            served=[(start, end) for start, end, values in serving if values["HttpTokens"] == "optional"],
            rejected=[(start, end) for start, end, values in serving if values["HttpTokens"] == "required"],
        )

    def impaired_since(self, instance: Instance) -> float | None:
        """The second of the epoch from which on the status checks fail; None where they pass."""
        since = self._impaired.get(instance.id)
        return None if since is None else self.aws_time(since)

    def is_detailed(self, instance: Instance) -> bool:
        """Whether the instance has detailed monitoring."""
        return str(instance.monitoring_state) == MONITORING["detailed"]

    def put(self, instance: Instance, options: Mapping[str, object], *, pending: bool = False) -> None:
        """Set options without validation; they are applied at once, or pending as after a modify."""
        record, now = self.record(instance), self.clock.now()
        applied_at = now
        if pending:
            applied_at = inf if instance.state in WAITS_FOR_START else now + self._delay(record)
        record.change(options_to_wire(options), now=now, applied_at=applied_at)

    def find(self, instance_id: str) -> Instance | None:
        """In any account and region, visible or not."""
        for account, regions in ec2_backends.items():
            for region in regions:
                for _, instance in self.everything(account, region):
                    if instance.id == instance_id:
                        return instance
        return None

    def view(self, instance: Instance) -> InstanceView:
        record = self.record(instance)
        return InstanceView(
            id=instance.id,
            region=instance.region_name,
            account=instance.owner_id,
            state=instance.state,
            options=options_from_wire(record.latest.values),
            metadata_state=record.latest.state(self.clock.now()),
            tags=self.tags(instance),
            pending=record.pending,
        )

    def views(self) -> list[InstanceView]:
        return [
            self.view(instance)
            for account, regions in list(ec2_backends.items())
            for region in list(regions)
            for _, instance in self.everything(account, region)
        ]

    def tags(self, instance: Instance) -> dict[str, str]:
        backend: EC2Backend = instance.ec2_backend
        return dict(backend.tags.get(instance.id, {}))

    def _set_conduct(self, instance: Instance, change: Change) -> None:
        now = self.clock.now()
        if "monitoring" in change:
            instance.monitoring_state = MONITORING[change["monitoring"]]
        if "workload" in change:
            self._workloads[instance.id] = Workload.read(change["workload"], now=now)
        if change.get("status") == "impaired":
            self._impaired.setdefault(instance.id, now)
        elif "status" in change:
            self._impaired.pop(instance.id, None)

    def _set_launch_time(self, instance: Instance, ago: float = 0.0) -> None:
        """From this machine's clock, on which moto launches, to AWS's, and so many seconds back."""
        instance.launch_time += timedelta(seconds=self.aws_now() - time.time() - ago)

    def _delay(self, record: Record) -> float:
        return self.settings.pending if record.pending is None else record.pending
