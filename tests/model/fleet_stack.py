"""A stack of fleets whose program runs in this process: the real component and providers, without engine and host.

Pulumi's mocks register each resource once its dependencies are there. Its provider then does what its state calls for.
After a failure nothing more is started, as by the engine.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime import mocks

from imds_components import access
from imds_provider.host import runtime
from imds_provider.instance_metadata_options import InstanceMetadataOptionsProvider
from imds_provider.metadata_options_applied import MetadataOptionsAppliedProvider
from imds_provider.metadata_wave_healthy import MetadataWaveHealthyProvider
from tests.support.engine_values import Bag, from_engine
from tests.support.mocked_programs import logger_into, threads_with_loops
from tests.support.offline import OfflineRuns
from tests.support.provider_run import JumpingEngine
from tests.support.stack_in_process import Recorded

_TYPE = "pulumi-python:dynamic/imds:"
PROVIDERS: dict[str, Any] = {
    "InstanceMetadataOptions": InstanceMetadataOptionsProvider(),
    "MetadataOptionsApplied": MetadataOptionsAppliedProvider(),
    "MetadataWaveHealthy": MetadataWaveHealthyProvider(),
}
ROW = "InstanceMetadataOptions"


class KilledError(Exception):
    """The run was killed: the operation in flight is not recorded, and nothing more is started."""


@dataclass
class Ended:
    """What a run or a preview did and logged."""

    failed: dict[str, str] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)
    """``create``, ``update`` or ``delete`` by resource."""
    changes: dict[str, str] = field(default_factory=dict)
    """The input ``change`` of its row, by instance."""
    messages: list[str] = field(default_factory=list)
    program_error: str = ""
    unrecorded: str = ""
    """The instance whose row was being created when the run was killed: nothing is recorded of it."""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        return "\n".join([*self.messages, *self.failed.values(), self.program_error])


class FleetStack:
    """A stack, and its runs."""

    def __init__(self, processes: OfflineRuns) -> None:
        self._processes = processes
        self.state: dict[str, Recorded] = {}

    def up(self, program: Callable[[], object], *, killed_after: int | None = None) -> Ended:
        """Run the program. With ``killed_after`` the run is killed after so many operations."""
        return self._run(program, preview=False, killed_after=killed_after)

    def preview(self, program: Callable[[], object]) -> Ended:
        return self._run(program, preview=True)

    def rename(self, old: str, new: str) -> None:
        """Rename the resources of a fleet, as the engine does for its alias."""
        for name in list(self.state):
            kind, _, own = name.partition(" ")
            if own.startswith(f"{old}-"):
                self.state[f"{kind} {new}{own.removeprefix(old)}"] = self.state.pop(name)

    def rename_row(self, old: str, new: str) -> None:
        """Rename the resource of an instance, as the engine does for its alias in another fleet."""
        if f"{ROW} {old}" in self.state:
            self.state[f"{ROW} {new}"] = self.state.pop(f"{ROW} {old}")

    def refresh(self) -> None:
        """Read every row, and drop those whose instance is gone."""
        with self._processes.process():
            for name, old in list(self.state.items()):
                kind = name.partition(" ")[0]
                if kind == "MetadataWaveHealthy":
                    continue
                found = PROVIDERS[kind].read(old.id, old.outputs)
                if found.id:
                    old.outputs, old.inputs = from_engine(found.outs or {}), from_engine(found.inputs or old.inputs)
                else:
                    del self.state[name]

    def _run(self, program: Callable[[], object], *, preview: bool, killed_after: int | None = None) -> Ended:
        ended = Ended()
        with self._processes.process() as engine:
            engine.show_progress = _ignore  # type: ignore[method-assign]  # hundreds of lines that no test needs
            operations = _Operations(self.state, engine, ended, preview=preview, left=killed_after)
            ended.program_error = _carry_out(program, operations, ended)
            if not preview and not ended.failed and not ended.program_error:
                operations.delete_others()
            ended.messages += engine.messages
            ended.seconds = engine.ahead
        return ended


class _Operations(mocks.Mocks):
    """The engine's part for each resource that the program registers."""

    def __init__(
        self, state: dict[str, Recorded], engine: JumpingEngine, ended: Ended, *, preview: bool, left: int | None
    ) -> None:
        self._state = state
        self._engine = engine
        self._ended = ended
        self.preview = preview
        self._left = left
        self._lock = threading.Lock()
        self._registered: set[str] = set()

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program calls {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        kind = args.typ.removeprefix(_TYPE)
        if kind not in PROVIDERS:
            return args.name, dict(args.inputs)
        name = f"{kind} {args.name}"
        inputs = {key: value for key, value in dict(args.inputs).items() if key != "__provider"}
        with self._lock:  # one clock and one cloud serve all
            self._registered.add(name)
            if self._ended.failed:
                raise RuntimeError("another resource has failed")
            try:
                return self._apply(name, PROVIDERS[kind], inputs)
            except Exception as error:  # noqa: BLE001  however an operation can fail
                self._ended.failed.setdefault(name, str(error))
                raise RuntimeError(str(error)) from None

    def _apply(self, name: str, provider: Any, inputs: Bag) -> tuple[str, dict[str, Any]]:  # noqa: ANN401  any of them
        old = self._state.get(name)
        checked = provider.check(old.inputs if old else {}, from_engine(inputs))
        if checked.failures:
            raise RuntimeError(checked.failures[0].reason)
        wanted = from_engine(checked.inputs)
        if change := wanted.get("change"):
            self._ended.changes[wanted["instanceId"]] = change
        if old is not None and not provider.diff(old.id, old.outputs, wanted).changes:
            old.inputs = wanted
            return old.id, {**wanted, **old.outputs}
        self._ended.steps[name] = "update" if old else "create"
        if self.preview:
            # In a preview whatever is not among the outputs is unknown.
            return old.id if old else "", wanted
        if self._left is not None and self._left <= 0:
            self._kill(provider, old, wanted)
        made = provider.update(old.id, old.outputs, wanted) if old else provider.create(wanted)
        self._left = self._left - 1 if self._left is not None else None
        id_ = old.id if old else made.id
        self._state[name] = Recorded(id_, wanted, from_engine(made.outs))
        if unfinished := self._state[name].outputs.get("unfinished"):
            raise RuntimeError(unfinished)
        return id_, {**wanted, **self._state[name].outputs}

    def _kill(self, provider: Any, old: Recorded | None, wanted: Bag) -> None:  # noqa: ANN401  any of them
        """Carry out the operation in flight, record nothing of it, and end the run."""
        if isinstance(provider, InstanceMetadataOptionsProvider):
            self._ended.unrecorded = "" if old else wanted["instanceId"]
            provider.update(old.id, old.outputs, wanted) if old else provider.create(wanted)
        raise KilledError("the run was killed")

    def delete_others(self) -> None:
        """Delete the resources that the program no longer has."""
        for name, old in reversed([*self._state.items()]):
            if name not in self._registered:
                self._ended.steps[name] = "delete"
                PROVIDERS[name.partition(" ")[0]].delete(old.id, old.outputs)
                del self._state[name]


def _carry_out(program: Callable[[], object], operations: _Operations, ended: Ended) -> str:
    """Run the program to its end and return its error, if any."""

    def with_connections_of_the_providers() -> object:
        # Making connections of its own would take longest.
        access.use(runtime.aws())
        return program()

    async def in_a_stack() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(threads)
        # Outputs that fail with a resource are not awaited.
        loop.set_exception_handler(lambda *_: None)
        mocks.set_mocks(operations, preview=operations.preview, logger=logger_into(ended.messages))
        mocks.test(with_connections_of_the_providers)()  # type: ignore[no-untyped-call]  # pulumi's

    with threads_with_loops() as threads:
        try:
            asyncio.run(in_a_stack())
        except Exception as error:  # noqa: BLE001  however a program can fail
            return str(error)
    return ""


def _ignore(message: str) -> None:
    del message
