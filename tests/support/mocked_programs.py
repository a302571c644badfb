"""Programs under Pulumi's mocks: the resources that they register, their outputs and their log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.rpc import deserialize_properties

from imds_components import access
from imds_provider.rules.options import decode
from imds_provider.rules.target import Change, Target
from imds_provider.waiting.clock import Deadline
from tests.support.fake_defaults import NOTHING
from tests.support.fake_fleets import FakeAws
from tests.support.fakes import LAX, FakeClock, FakeEc2

ROW = "pulumi-python:dynamic/imds:InstanceMetadataOptions"
BARRIER = "pulumi-python:dynamic/imds:MetadataOptionsApplied"
CHECK = "pulumi-python:dynamic/imds:MetadataWaveHealthy"
DEFAULTS = "pulumi-python:dynamic/imds:AccountMetadataDefaults"
COMPONENT = "imds:index:InstanceMetadata"
FLEET = "imds:index:FleetMetadata"
ACCOUNT = "imds:index:AccountMetadata"
COMPONENTS = (COMPONENT, FLEET, ACCOUNT)
INSTANCE = "aws:ec2/instance:Instance"


@dataclass
class Registered:
    """A resource as it is registered with the engine."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    deleted_with: str
    dependencies: set[str]
    """The type and name of each resource that it depends on, as in ``MetadataOptionsApplied web``."""

    def __str__(self) -> str:
        return f"{self.type.rpartition(':')[2]} {self.name}"


@dataclass
class Run:
    """What a program did. In a preview, outputs that are not known are absent."""

    resources: list[Registered] = field(default_factory=list)
    registered_outputs: list[Mapping[str, Any]] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    """As in ``warning: there are no instances to manage.``"""

    def rows(self) -> dict[str, Registered]:
        return {each.name: each for each in self.resources if each.type == ROW}

    def row(self) -> Registered:
        (row,) = self.rows().values()
        return row

    def checks(self) -> list[Registered]:
        return self._of(CHECK)

    def barriers(self) -> list[Registered]:
        return self._of(BARRIER)

    def _of(self, kind: str) -> list[Registered]:
        """Sorted by name, since resources without dependencies are registered in any order."""
        return sorted((each for each in self.resources if each.type == kind), key=lambda each: each.name)

    def regions(self) -> dict[str, Registered]:
        """The resources of an account's defaults, by region."""
        return {each.inputs.get("region", ""): each for each in self._of(DEFAULTS)}

    def barrier(self) -> Registered:
        (barrier,) = self.barriers()
        return barrier


class Answers(mocks.Mocks):
    """The engine's answers: in a run the outputs that the providers would record, in a preview the inputs."""

    def __init__(self, programs: Programs, *, preview: bool) -> None:
        self._programs = programs
        self._preview = preview

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program calls {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = dict(args.inputs)
        if self._preview:
            return "", inputs
        if args.typ == INSTANCE:
            # An ID made of the name, so that a test can tell instances apart.
            return f"i-{args.name.encode().hex():0>17}", inputs
        if args.typ == ROW:
            wanted = {name: inputs[name] for name in LAX if name in inputs}
            target = str(Target(inputs["instanceId"], decode(wanted), self._programs.change))
            waited = {"state": "applied"} if inputs["wait"] else {}
            return inputs["instanceId"], {**inputs, **LAX, **wanted, **waited, "target": target, "previous": {}}
        if args.typ == BARRIER:
            targets = inputs["targets"] if self._programs.recorded_targets is None else self._programs.recorded_targets
            ids, stopped = {target.split(" ")[0] for target in targets.values()}, self._programs.stopped
            found = {"appliedIds": sorted(ids - stopped), "pendingStartIds": sorted(ids & stopped)}
            return "applied", {**inputs, "targets": targets, **found}
        if args.typ == DEFAULTS:
            return inputs.get("region", ""), {**NOTHING, **inputs, "managedBy": "account", "previous": {}}
        return args.name, inputs


class Monitor(mocks.MockMonitor):
    """The engine's side of the mocks, which also records what mocks do not get to see."""

    def __init__(self, answers: Answers, run: Run) -> None:
        super().__init__(answers)
        self._run = run

    def RegisterResource(self, request: Any) -> Any:  # noqa: ANN401, N802  gRPC's name and messages
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # pulumi's
        if request.custom or request.type in COMPONENTS:
            inputs = deserialize_properties(request.object)
            dependencies = {_kind_and_name(urn) for urn in request.dependencies}
            self._run.resources.append(
                Registered(request.type, request.name, inputs, request.parent, request.deletedWith, dependencies)
            )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: ANN401, N802  gRPC's name and messages
        if any(component in request.urn for component in COMPONENTS):
            self._run.registered_outputs.append(deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # pulumi's


def _kind_and_name(urn: str) -> str:
    *_, types, name = urn.split("::")
    return f"{types.rpartition(':')[2]} {name}"


class ProgramAws(FakeAws):
    """The connections of a program, for single instances and for fleets."""

    def __init__(self, connect: Callable[[object], FakeEc2], clock: FakeClock) -> None:
        super().__init__()
        self.ec2 = connect
        self.deadline = lambda seconds: Deadline(clock, seconds)


class Programs:
    """Runs programs on a fake AWS.

    Attributes:
        ec2: the single instances.
        aws: the connections, through which fleets find their instances.
        connects: programs make connections of their own instead.
        change: the last change of every instance.
        recorded_targets: the recorded targets of a barrier that the run leaves out.
        stopped: the instances that a barrier finds stopped.
        regions: the regions in which single instances were described.
        error: what every connection to EC2 ends in.
    """

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ec2 = FakeEc2(self.clock)
        self.aws = ProgramAws(self._connect, self.clock)
        self.connects = False
        self.change = Change("first")
        self.recorded_targets: Mapping[str, str] | None = None
        self.stopped: set[str] = set()
        self.regions: list[object] = []
        self.error: Exception | None = None
        self.last = Run()

    def _connect(self, region: object) -> FakeEc2:
        self.regions.append(region)
        if self.error:
            raise self.error
        return self.ec2

    def run(self, body: Callable[[], pulumi.Resource], *, preview: bool = False) -> Run:
        """Run a program to its end and read the outputs of the resource that it returns. Raises what it raises."""
        run = self.last = Run()
        answers = Answers(self, preview=preview)

        def program() -> pulumi.Output[None]:
            if not self.connects:
                access.use(self.aws)  # type: ignore[arg-type]  # as much of it as components use
            return pulumi.Output.from_input(self._read(body(), run))

        async def in_a_stack() -> None:
            asyncio.get_running_loop().set_default_executor(threads)
            mocks.set_mocks(answers, preview=preview, logger=logger_into(run.log), monitor=Monitor(answers, run))
            mocks.test(program)()  # type: ignore[no-untyped-call]  # pulumi's

        # The language host runs programs in a loop, too; without one the SDK fails from Python 3.12 on.
        with threads_with_loops() as threads:
            asyncio.run(in_a_stack())
        return run

    @staticmethod
    async def _read(resource: pulumi.Resource, run: Run) -> None:
        for name in ("options", "applied_ids", "pending_start_ids", "defaults", "report"):
            output = getattr(resource, name, None)
            if output is not None and await output.is_known():
                run.outputs[name] = await output.future()


class _ListHandler(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__(logging.INFO)
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(f"{record.levelname.lower()}: {record.getMessage()}")


def logger_into(messages: list[str]) -> logging.Logger:
    """A logger for a program that appends messages such as ``warning: …``. For one program at a time."""
    logger = logging.getLogger("tests.program")
    logger.setLevel(logging.INFO)
    logger.handlers = [_ListHandler(messages)]
    logger.propagate = False
    return logger


@contextmanager
def threads_with_loops() -> Iterator[ThreadPoolExecutor]:
    """Threads with an event loop each, which are closed at the end; those that the mocks make are not."""
    loops: list[asyncio.AbstractEventLoop] = []

    def set_loop() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    try:
        with ThreadPoolExecutor(initializer=set_loop) as threads:
            yield threads
    finally:
        for loop in loops:
            loop.close()
