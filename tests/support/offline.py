"""The embedded EC2 and runs of the providers on it, all in this process and without a network: a call takes 1 ms."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.retries import quota
from botocore.retries.quota import RetryQuota
from botocore.session import Session as BotocoreSession
from botocore.utils import parse_timestamp
from werkzeug.test import create_environ

from imds_provider.aws import Aws
from imds_provider.aws.settings import AwsSettings
from imds_provider.host import runtime
from imds_provider.host.engine_link import Engine
from imds_provider.host.run_state import RunState
from localcloud.client import LocalCloud, LocalCloudError
from localcloud.clock import Clock
from localcloud.http import control
from localcloud.http.pipeline import Cloud, ConnectionLostError
from localcloud.settings import Settings
from tests.support.provider_run import LOADER, JumpingEngine, configuration, jumping_retries, no_aws_environment

NOWHERE = "http://127.0.0.1:1"
"""Where nothing listens: a call that is not answered in this process fails."""


class _StillEngine(JumpingEngine):
    def now(self) -> float:
        return self.ahead


def _still_cloud() -> Cloud:
    """A cloud whose time only jumps, so that a sequence goes the same way on a machine that is busy."""
    return Cloud(Settings(), Clock(lambda: 0.0))


@dataclass(frozen=True)
class OfflineCloud(LocalCloud):
    """An embedded cloud that is called as a function, not over a network. One at a time in a process."""

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


class OfflineRuns:
    """Runs of the providers on shared clients, each with connections, a quota of retries and a clock of its own.

    ``new_state`` makes what a run knows of its resources.
    """

    def __init__(self, cloud: OfflineCloud, new_state: Callable[[], RunState] = RunState) -> None:
        self.cloud = cloud
        self._new_state = new_state
        self._quotas: list[RetryQuota] = []
        self._session = _SharedSession(cloud)

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Until the end of the context runs can be made, which see nothing of this machine's AWS configuration."""
        # botocore makes a quota for each client, and offers no way to one that is filled up for the next run.
        with no_aws_environment(), patch.object(quota, "RetryQuota", self._quota):
            yield

    def _quota(self) -> RetryQuota:
        self._quotas.append(RetryQuota())
        return self._quotas[-1]

    @contextmanager
    def process(self) -> Iterator[JumpingEngine]:
        """One run, as a dynamic host serves it."""
        engine = _StillEngine(self.cloud)

        def connect(settings: AwsSettings, _engine: Engine) -> Aws:
            return Aws(settings, engine, new_session=lambda: self._session)

        run = runtime.Run(engine, state=self._new_state(), connect=connect)
        with jumping_retries(engine), runtime.serve(run):
            run.configure(configuration(self.cloud).get)
            try:
                yield engine
            finally:
                self._session.end_run()
                for each in self._quotas:
                    each.release(RetryQuota.INITIAL_CAPACITY)


class _SharedSession(BotocoreSession):
    """A session whose clients serve one run after another, since making one takes longer than most runs."""

    def __init__(self, cloud: OfflineCloud) -> None:
        super().__init__()
        self._cloud = cloud
        self._clients: dict[tuple[str, object], Any] = {}
        self._hooks: list[tuple[Any, str, Callable[..., object]]] = []
        self.register_component("data_loader", LOADER)
        # Parsing the same few times again and again takes a tenth of a run.
        parsers = self.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=cache(parse_timestamp))

    def create_client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  botocore's
        key = service_name, kwargs.get("region_name")
        if key not in self._clients:
            made: Any = super().create_client(service_name, *args, **kwargs)
            self._clients[key] = made
            made.meta.events.register_first("before-send", self._cloud.answer)
        return _ForOneRun(self._clients[key], self._hooks)

    def end_run(self) -> None:
        """Take what the run has hooked into the clients out of them."""
        for events, name, hook in self._hooks:
            events.unregister(name, hook)
        self._hooks.clear()


class _ForOneRun:
    """A client that outlives the run: notes what the run hooks into it."""

    def __init__(self, client: Any, hooks: list[tuple[Any, str, Callable[..., object]]]) -> None:  # noqa: ANN401
        def register_first(name: str, hook: Callable[..., object]) -> None:
            client.meta.events.register_first(name, hook)
            hooks.append((client.meta.events, name, hook))

        self._client = client
        self.meta = SimpleNamespace(events=SimpleNamespace(register_first=register_first))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  the client's
        return getattr(self._client, name)
