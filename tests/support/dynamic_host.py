"""The providers in the real dynamic host: a process of its own, asked over gRPC, with this process as its engine."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import grpc
from google.protobuf import (  # type: ignore[import-untyped]  # of its types only these three would be used
    empty_pb2,
    json_format,
    struct_pb2,
)
from pulumi.dynamic import ResourceProvider
from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

T = TypeVar("T")
Bag = dict[str, Any]  # JSON, as tests take it apart

UNKNOWN: str = rpc.UNKNOWN
"""Stands in a property bag for a value that is not known before the run."""

START_SECONDS = 30.0
CALL_SECONDS = 30.0


def secret(value: object) -> Bag:
    """The value as the engine passes what is secret to who can keep it so."""
    return {rpc._special_sig_key: rpc._special_secret_sig, "value": value}  # noqa: SLF001  the protocol's, public nowhere


class LogLine(NamedTuple):
    """What the engine was asked to show: ``severity`` is ``INFO``, ``WARNING`` or ``ERROR``."""

    severity: str
    message: str
    ephemeral: bool


class StubEngine(engine_pb2_grpc.EngineServicer):
    """As much of an engine as a dynamic host sees: it takes log lines, and it can die."""

    def __init__(self) -> None:
        self._lines: list[LogLine] = []
        self._server = grpc.server(ThreadPoolExecutor(max_workers=4))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Log(self, request: engine_pb2.LogRequest, _context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802  the protocol's
        severity = engine_pb2.LogSeverity.Name(request.severity)
        self._lines.append(LogLine(severity, request.message, request.ephemeral))
        return empty_pb2.Empty()

    def lines(self, severity: str | None = None) -> list[LogLine]:
        return [line for line in self._lines if severity in (None, line.severity)]

    def messages(self, severity: str) -> list[str]:
        return [line.message for line in self.lines(severity)]

    def forget(self) -> None:
        self._lines.clear()

    def die(self) -> None:
        """Close the port and every connection, without a word to anybody."""
        self._server.stop(None).wait(CALL_SECONDS)


class OperationFailedError(Exception):
    """The provider raised: ``traceback`` is what the host answers, ``sentence`` the message of the exception in it."""

    def __init__(self, traceback: str) -> None:
        self.traceback = traceback
        # The host of an older SDK answers with no traceback, in words of gRPC.
        self.sentence = re.split(r"Error: |^Exception calling application: ", traceback)[-1].strip()
        super().__init__(traceback)


class Checked(NamedTuple):
    """Inputs, and for each property that is not allowed the reason."""

    inputs: Bag
    failures: list[tuple[str, str]]


class Difference(NamedTuple):
    """Whether there is one, and which properties force a replacement."""

    changed: bool
    replaces: list[str]


class Recorded(NamedTuple):
    """What the engine writes into the state. ``id`` is empty after a read of something that is gone."""

    id: str
    outputs: Bag
    inputs: Bag


class ProviderClient:
    """The operations of one provider, as the engine asks for them. Each raises :class:`OperationFailedError`."""

    def __init__(self, host: DynamicHost, provider: ResourceProvider) -> None:
        self._host = host
        self._stub = provider_pb2_grpc.ResourceProviderStub(host.channel)
        self._key = {PROVIDER_KEY: serialize_provider(provider)}

    def check(self, news: Mapping[str, Any], olds: Mapping[str, Any] | None = None) -> Checked:
        known = self._struct(olds) if olds else None
        answer = self._host.ask(self._stub.Check, provider_pb2.CheckRequest(olds=known, news=self._struct(news)))
        return Checked(_bag(answer.inputs), [(each.property, each.reason) for each in answer.failures])

    def diff(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Difference:
        request = provider_pb2.DiffRequest(id=id_, olds=self._struct(olds), news=self._struct(news))
        answer = self._host.ask(self._stub.Diff, request)
        return Difference(answer.changes == provider_pb2.DiffResponse.DIFF_SOME, list(answer.replaces))

    def create(self, inputs: Mapping[str, Any]) -> Recorded:
        answer = self._host.ask(self._stub.Create, provider_pb2.CreateRequest(properties=self._struct(inputs)))
        return Recorded(answer.id, _bag(answer.properties), dict(inputs))

    def read(self, id_: str, outputs: Mapping[str, Any]) -> Recorded:
        request = provider_pb2.ReadRequest(id=id_, properties=self._struct(outputs))
        answer = self._host.ask(self._stub.Read, request)
        return Recorded(answer.id, _bag(answer.properties), _bag(answer.inputs))

    def update(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Recorded:
        request = provider_pb2.UpdateRequest(id=id_, olds=self._struct(olds), news=self._struct(news))
        answer = self._host.ask(self._stub.Update, request)
        return Recorded(id_, _bag(answer.properties), dict(news))

    def delete(self, id_: str, outputs: Mapping[str, Any]) -> None:
        request = provider_pb2.DeleteRequest(id=id_, properties=self._struct(outputs))
        self._host.ask(self._stub.Delete, request)

    def _struct(self, values: Mapping[str, Any]) -> struct_pb2.Struct:
        struct = struct_pb2.Struct()
        struct.update({**values, **self._key})
        return struct


class DynamicHost:
    """A running host. :meth:`start` is the way to one."""

    def __init__(self, process: subprocess.Popen[bytes], channel: grpc.Channel, engine: StubEngine, log: Path) -> None:
        self.process = process
        self.channel = channel
        self.engine = engine
        self._log = log
        self._answers: list[str] = []

    @classmethod
    @contextmanager
    def start(
        cls,
        config: Mapping[str, object],
        environment: Mapping[str, str] | None = None,
        *,
        ignores_interrupts: bool = False,
    ) -> Iterator[DynamicHost]:
        """A host configured with a stack's configuration. It ends with the context; so does its engine.

        Of the variables of this process it sees none that configure AWS; ``environment`` is added to the others.
        ``ignores_interrupts`` starts it as a shell starts what runs in the background.
        """
        engine, before = StubEngine(), _IGNORING_INTERRUPTS if ignores_interrupts else ()
        with (
            tempfile.TemporaryDirectory() as folder,
            _process(engine, Path(folder, "log"), environment or {}, before) as found,
        ):
            process, port = found
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                host = cls(process, channel, engine, Path(folder, "log"))
                host.configure(config)
                yield host
        engine.die()

    def configure(self, config: Mapping[str, object]) -> None:
        """Hand over the configuration of the stack. Providers that have been used keep the one they have."""
        args = struct_pb2.Struct()
        args.update(config)
        stub = provider_pb2_grpc.ResourceProviderStub(self.channel)
        self.ask(stub.Configure, provider_pb2.ConfigureRequest(args=args, acceptSecrets=True))

    def provider(self, provider: ResourceProvider) -> ProviderClient:
        return ProviderClient(self, provider)

    def ask(self, method: Any, request: object) -> Any:  # noqa: ANN401  the methods of a stub have types of their own
        """One call, within half a minute. Raises :class:`OperationFailedError`; ``grpc.RpcError`` if the host ends."""
        call = method.future(request, timeout=CALL_SECONDS)
        error = call.exception()
        self._answers.append(str(call.details() if error else call.result()))
        if error is None:
            return call.result()
        if call.code() is grpc.StatusCode.UNKNOWN:
            raise OperationFailedError(call.details())
        raise error

    def ends_within(self, seconds: float) -> bool:
        """Whether the process ends by itself in that time. It is ended if it does not."""
        try:
            return self.process.wait(seconds) in (0, -signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return False

    def everything_said(self) -> str:
        """Every answer, log line and word on the terminal since the last :meth:`forget`."""
        lines = [line.message for line in self.engine.lines()]
        return "\n".join([*self._answers, *lines, self._log.read_text(errors="replace")])

    def forget(self) -> None:
        self._answers.clear()
        self.engine.forget()


@contextmanager
def in_background(operation: Callable[[], T]) -> Iterator[Future[T]]:
    """An operation under way while the test goes on. The context ends when it has."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        yield executor.submit(operation)


def until(holds: Callable[[], bool], what: str, *, seconds: float = 10) -> None:
    """Look again and again until it holds, for at most so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it never came to this: {what}"
        threading.Event().wait(0.01)


_IGNORING_INTERRUPTS = ("/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh")


@contextmanager
def _process(
    engine: StubEngine, log: Path, environment: Mapping[str, str], before: Sequence[str]
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))}
    alone = {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*before, sys.executable, "-u", "-m", "pulumi.dynamic", engine.address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**inherited, **alone, **environment},
        )
    # Popen as a context manager closes the pipe and waits.
    with process:
        try:
            assert process.stdout
            yield process, _port(process.stdout, log)
        finally:
            process.kill()


def _port(stdout: IO[bytes], log: Path) -> int:
    """The port that the host prints as its first line."""
    readable, _, _ = select.select([stdout], [], [], START_SECONDS)
    line = stdout.readline() if readable else b""
    assert line.strip().isdigit(), f"the dynamic host did not start: {log.read_text(errors='replace')}"
    return int(line)


def _bag(struct: struct_pb2.Struct) -> Bag:
    bag: Bag = json_format.MessageToDict(struct)
    bag.pop(PROVIDER_KEY, None)
    return bag
