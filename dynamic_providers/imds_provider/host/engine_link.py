"""The link from the dynamic host to the Pulumi engine that started it: whether it runs, and log lines for it to show.

After ``kill -9`` of the engine the dynamic host lives on. An operation in progress must send nothing more, and a host
without an engine must exit; both follow from the state of one gRPC channel to the engine.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from ..errors import EngineGoneError

_ADDRESS = re.compile(r"127\.0\.0\.1:\d+|localhost:\d+|\[::1\]:\d+")

LOG_SECONDS = 5


class Engine:
    """The engine at ``address`` (``127.0.0.1:port``). Without an address it never counts as gone, and shows nothing.

    It is also the clock of its operations: :meth:`sleep` raises :class:`EngineGoneError` once the engine is gone.
    """

    def __init__(self, address: str | None) -> None:
        self._gone = threading.Event()
        self._channel: grpc.Channel | None = None
        self._stub: engine_pb2_grpc.EngineStub | None = None
        if address is not None:
            self._channel = grpc.insecure_channel(address)
            self._stub = engine_pb2_grpc.EngineStub(self._channel)
            self._channel.subscribe(self._on_state, try_to_connect=True)

    @classmethod
    def of_this_host(cls) -> Engine:
        """The engine whose address is on the command line of this process: the engine starts its plugins so."""
        addresses = [each for each in sys.argv[1:] if _ADDRESS.fullmatch(each)]
        return cls(addresses[-1] if addresses else None)

    def _on_state(self, state: grpc.ChannelConnectivity) -> None:
        if state is grpc.ChannelConnectivity.IDLE and self._channel is not None:
            # A lost connection leaves a channel idle. Only another attempt shows whether somebody still listens, and
            # only a subscription makes one; another one of this method would be called with IDLE at once.
            self._channel.subscribe(lambda _: None, try_to_connect=True)
        elif state is grpc.ChannelConnectivity.TRANSIENT_FAILURE and not self._gone.is_set():
            self._gone.set()
            # The host waits for KeyboardInterrupt to stop serving, which lets its own clean-up run. Where a shell has
            # started the run in the background, interrupts are ignored, by the host too.
            is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGTERM if is_ignored else signal.SIGINT)

    def require(self) -> None:
        """Raise :class:`EngineGoneError` if the engine is gone."""
        if self._gone.is_set():
            raise EngineGoneError("the Pulumi engine exited, so nothing more is sent; run `pulumi up` again.")

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        self._gone.wait(seconds)
        self.require()

    def show_progress(self, message: str) -> None:
        """Show a line that the engine's display replaces with the next one."""
        self._log(engine_pb2.INFO, message, ephemeral=True)

    def inform(self, message: str) -> None:
        """Show a line that stays in the output."""
        self._log(engine_pb2.INFO, message, ephemeral=False)

    def warn(self, message: str) -> None:
        """Show a warning that stays in the output."""
        self._log(engine_pb2.WARNING, message, ephemeral=False)

    def report(self, message: str) -> None:
        """Show an error that stays in the output and fails the run."""
        self._log(engine_pb2.ERROR, message, ephemeral=False)

    def _log(self, severity: engine_pb2.LogSeverity.ValueType, message: str, *, ephemeral: bool) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=message, urn="", ephemeral=ephemeral)
        try:
            self._stub.Log(request, timeout=LOG_SECONDS)
        except grpc.RpcError:
            # A lost line does not fail the operation; `require` does if the engine is gone.
            return
