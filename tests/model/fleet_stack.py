"""A stack of fleets whose program runs in this process: the real component and providers, without engine and host.

Pulumi's mocks register each resource once what it depends on is there. What is registered here is carried out by its
provider, with what is recorded of it. After a failure nothing more is begun, as under the engine.
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
    """The run was killed: nothing of the operation in flight is recorded, and nothing more is begun."""


@dataclass
class Ended:
    """What a run, or a preview, did and said."""

    failed: dict[str, str] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)
    """``create``, ``update`` or ``delete`` by resource."""
    changes: dict[str, str] = field(default_factory=dict)
    """What is said to change in its row, by instance."""
    said: list[str] = field(default_factory=list)
    program: str = ""
    """The error of the program itself."""
    lost: str = ""
    """The instance that was being taken in when the run was killed: nothing is recorded of it."""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        return "\n".join([*self.said, *self.failed.values(), self.program])


class FleetStack:
    """A stack, and its runs."""

    def __init__(self, processes: OfflineRuns) -> None:
        self._processes = processes
        self.state: dict[str, Recorded] = {}

    def up(self, program: Callable[[], object], *, killed_after: int | None = None) -> Ended:
        """Run the program. With ``killed_after`` so many operations have ended when the run is killed."""
        return self._run(program, preview=False, killed_after=killed_after)

    def preview(self, program: Callable[[], object]) -> Ended:
        return self._run(program, preview=True)

    def rename(self, old: str, new: str) -> None:
        """Give the resources of a fleet the names that they have below its new one, as the engine does by its alias."""
        for name in list(self.state):
            kind, _, own = name.partition(" ")
            if own.startswith(f"{old}-"):
                self.state[f"{kind} {new}{own.removeprefix(old)}"] = self.state.pop(name)

    def rename_row(self, old: str, new: str) -> None:
        """Give the resource of an instance its name in another fleet, as the engine does by its alias."""
        if f"{ROW} {old}" in self.state:
            self.state[f"{ROW} {new}"] = self.state.pop(f"{ROW} {old}")

    def refresh(self) -> None:
        """Read every row again, and forget those that are gone."""
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
            engine.show_progress = _ignore  # type: ignore[method-assign]  # hundreds of lines that nobody keeps
            operations = _Operations(self.state, engine, ended, preview=preview, left=killed_after)
            ended.program = _carry_out(program, operations, ended)
            if not preview and not ended.failed and not ended.program:
                operations.delete_others()
            ended.said += engine.messages
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
        self._preview = preview
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
        with self._lock:  # the clock and the cloud are one for all
            self._registered.add(name)
            if self._ended.failed:
                raise RuntimeError("another resource has failed")
            try:
                return self._bring(name, PROVIDERS[kind], inputs)
            except Exception as error:  # noqa: BLE001  however an operation can fail
                self._ended.failed.setdefault(name, str(error))
                raise RuntimeError(str(error)) from None

    def _bring(self, name: str, provider: Any, inputs: Bag) -> tuple[str, dict[str, Any]]:  # noqa: ANN401  any of them
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
        if self._preview:
            # What is not among the outputs is unknown in a preview.
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
        """Carry out what is in flight, record nothing of it, and end the run."""
        if isinstance(provider, InstanceMetadataOptionsProvider):
            self._ended.lost = "" if old else wanted["instanceId"]
            provider.update(old.id, old.outputs, wanted) if old else provider.create(wanted)
        raise KilledError("the run was killed")

    def delete_others(self) -> None:
        """Delete what the program no longer has."""
        for name, old in reversed([*self._state.items()]):
            if name not in self._registered:
                self._ended.steps[name] = "delete"
                PROVIDERS[name.partition(" ")[0]].delete(old.id, old.outputs)
                del self._state[name]


def _carry_out(program: Callable[[], object], operations: _Operations, ended: Ended) -> str:
    """Run the program to its end, and give the error that it ends with."""

    def with_connections_of_the_providers() -> object:
        # Making connections is what takes longest.
        access.use(runtime.aws())
        return program()

    async def in_a_stack() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(threads)
        # The outputs that fail with a resource are nobody's to look at.
        loop.set_exception_handler(lambda *_: None)
        preview = operations._preview  # noqa: SLF001  the same run
        mocks.set_mocks(operations, preview=preview, logger=logger_into(ended.said))
        mocks.test(with_connections_of_the_providers)()  # type: ignore[no-untyped-call]  # pulumi's

    with threads_with_loops() as threads:
        try:
            asyncio.run(in_a_stack())
        except Exception as error:  # noqa: BLE001  however a program can fail
            return str(error)
    return ""


def _ignore(message: str) -> None:
    del message
