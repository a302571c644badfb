"""The embedded EC2 and runs of Pulumi on it, all in this process and without a network: a call takes about 1 ms."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import botocore.endpoint
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.retries import quota
from botocore.retries.quota import RetryQuota
from botocore.session import Session as BotocoreSession
from werkzeug.test import create_environ

from imds_provider.aws import batching as coalescing
from imds_provider.aws import sessions as connections
from imds_provider.host import runtime
from localcloud.client import LocalCloud, LocalCloudError
from localcloud.clock import Clock
from localcloud.http import control
from localcloud.http.pipeline import Cloud, ConnectionLostError
from localcloud.settings import Settings
from tests.faults.process import LOADER, JumpingEngine, configuration, fresh_run_state

NOWHERE = "http://127.0.0.1:1"
"""Where nothing listens: a call that is not answered in this process fails."""


class _StillEngine(JumpingEngine):
    def now(self) -> float:
        return self.ahead


def _still_cloud() -> Cloud:
    """A cloud whose time only jumps, so that a sequence goes the same way on a machine that is busy."""
    return Cloud(Settings(), Clock(lambda: 0.0))


@dataclass(frozen=True)
class UnwiredCloud(LocalCloud):
    """An embedded cloud whose control endpoint is asked by a call of a function. One at a time in a process."""

    url: str = NOWHERE
    cloud: Cloud = field(default_factory=_still_cloud)

    def send(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  as its base has it
        given = b"" if body is None else json.dumps(body).encode()
        status, answer = control.respond(self.cloud, method, control.PREFIX + path, given)
        result = json.loads(answer)
        if status != 200:
            raise LocalCloudError(result["error"])
        return result

    def answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """What botocore would have received. A lost connection is botocore's own error, an answer may be cut off."""
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        given: Mapping[str, Any] = request.headers  # type: ignore[assignment]  # the stubs say less than it is
        headers = {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in given.items()}
        environ = create_environ("/", self.url, method=request.method, headers=headers, data=body)
        try:
            answer = self.cloud.serve(environ, body)
        except ConnectionLostError as error:
            raise ConnectionClosedError(error=error, endpoint_url=self.url) from None
        raw = SimpleNamespace(stream=lambda: [answer.body])
        return AWSResponse(self.url, answer.status, dict(answer.headers), raw)  # type: ignore[arg-type]  # as above


class UnwiredRuns:
    """Runs of Pulumi, each with connections, a quota of retries and a clock of its own, on clients that serve all."""

    def __init__(self, cloud: UnwiredCloud) -> None:
        self.cloud = cloud
        self._clients: dict[str, Any] = {}
        self._quotas: list[RetryQuota] = []
        self._session = BotocoreSession()
        self._session.register_component("data_loader", LOADER)
        self._number = 0
        self._make: Callable[..., Any] = boto3.Session.client

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Until the end of the context nothing of this machine's AWS configuration is seen, and nobody gathers."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
        with ExitStack() as patches:
            patches.enter_context(patch.dict(os.environ, {**environment, **files}, clear=True))
            patches.enter_context(patch.object(coalescing, "GATHER_SECONDS", 0))
            patches.enter_context(patch.object(quota, "RetryQuota", self._quota))
            yield

    def _quota(self) -> RetryQuota:
        """How often a new client may retry."""
        self._quotas.append(RetryQuota())
        return self._quotas[-1]

    @contextmanager
    def process(self) -> Iterator[JumpingEngine]:
        """One run: what it hooks into a client goes with it."""
        self._number += 1
        engine = _StillEngine(self.cloud)
        hooks: list[tuple[Any, str, Callable[..., object]]] = []

        def client(session: boto3.Session, service: str, **arguments: Any) -> _ForOneRun:  # noqa: ANN401  boto3's
            if service not in self._clients:
                made = self._clients[service] = self._make(session, service, **arguments)
                made.meta.events.register_first("before-send", self.cloud.answer)
            return _ForOneRun(self._clients[service], hooks)

        with (
            fresh_run_state(),
            patch.object(runtime, "_aws", None),
            patch.object(runtime, "RUN", f"{self._number:08x}"),
            patch.object(runtime, "engine", lambda: engine),
            patch.object(boto3.Session, "client", client),
            # Making a session takes longer than most runs.
            patch.object(connections, "BotocoreSession", lambda: self._session),
            patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=engine.sleep)),
        ):
            runtime.configure(configuration(self.cloud).get)
            try:
                yield engine
            finally:
                for events, name, hook in hooks:
                    events.unregister(name, hook)
                for each in self._quotas:
                    each.release(RetryQuota.INITIAL_CAPACITY)


class _ForOneRun:
    """A client that lives longer than the run: notes what the run hooks into it."""

    def __init__(self, client: Any, hooks: list[tuple[Any, str, Callable[..., object]]]) -> None:  # noqa: ANN401
        def register_first(name: str, hook: Callable[..., object]) -> None:
            client.meta.events.register_first(name, hook)
            hooks.append((client.meta.events, name, hook))

        self._client = client
        self.meta = SimpleNamespace(events=SimpleNamespace(register_first=register_first))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  the client's
        return getattr(self._client, name)
