"""The providers as one run of Pulumi has them, in this process, with time that jumps instead of passing."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import botocore.endpoint
import botocore.loaders
import botocore.session

from imds_provider.aws import sessions as connections
from imds_provider.host import runtime
from imds_provider.host.engine_link import Engine
from imds_provider.host.run_state import RunState, this_run
from localcloud.client import LocalCloud

REGION = "eu-west-1"
SECRETS = ("canary-access-key", "canary-secret-key", "canary-session-token")
"""Credentials that must be read nowhere."""

# Every session would read EC2's model anew, which takes longer than a whole run.
LOADER = botocore.loaders.create_loader()


class JumpingEngine(Engine):
    """An engine that takes what it is to show, and a clock whose pauses move it and the cloud ahead at once.

    What really takes time, such as an answer over the network, counts as well.
    """

    ahead: float
    """Seconds jumped over so far."""

    def __init__(self, cloud: LocalCloud) -> None:
        super().__init__(None)
        self.said: list[str] = []
        self.reported: list[str] = []
        self._cloud = cloud
        self._lock = threading.Lock()
        self.ahead = 0.0

    def now(self) -> float:
        return time.monotonic() + self.ahead

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.ahead += seconds
            self._cloud.advance(seconds)

    def show_progress(self, message: str) -> None:
        self.said.append(message)

    def warn(self, message: str) -> None:
        self.said.append(message)

    def report(self, message: str) -> None:
        self.said.append(message)
        self.reported.append(message)


@contextmanager
def fresh_run_state() -> Iterator[None]:
    """Until the end of the context nothing is known of resources that another run has checked."""
    with patch.dict(vars(this_run), vars(RunState())):
        yield


@contextmanager
def pulumi_process(
    cloud: LocalCloud, *, read_timeout: float | None = None, config: Mapping[str, str] | None = None
) -> Iterator[JumpingEngine]:
    """A run of Pulumi: connections of its own, ended with the context. ``config`` holds more keys."""
    engine = JumpingEngine(cloud)
    clients: list[Any] = []
    client_of = boto3.Session.client

    def recorded(session: boto3.Session, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  boto3's own signature
        clients.append(client_of(session, *args, **kwargs))
        return clients[-1]

    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    with ExitStack() as patches:
        patches.enter_context(patch.dict(os.environ, {**environment, **files}, clear=True))
        patches.enter_context(fresh_run_state())
        patches.enter_context(patch.object(runtime, "_aws", None))
        patches.enter_context(patch.object(runtime, "engine", lambda: engine))
        patches.enter_context(patch.object(runtime, "RUN", uuid.uuid4().hex[:8]))
        patches.enter_context(patch.object(boto3.Session, "client", recorded))
        patches.enter_context(patch.object(botocore.session, "create_loader", lambda *_: LOADER))
        # The pauses between botocore's own attempts.
        patches.enter_context(patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=engine.sleep)))
        if read_timeout is not None:
            patches.enter_context(patch.object(connections, "READ_TIMEOUT_SECONDS", read_timeout))
        runtime.configure({**configuration(cloud), **(config or {})}.get)
        try:
            yield engine
        finally:
            for client in clients:
                client.close()


def configuration(cloud: LocalCloud) -> dict[str, str]:
    """The configuration of a stack that uses the embedded EC2."""
    access_key, secret_key, token = SECRETS
    return {
        "aws:region": REGION,
        "aws:endpoints": json.dumps([{"ec2": cloud.url, "sts": cloud.url}]),
        "aws:accessKey": access_key,
        "aws:secretKey": secret_key,
        "aws:token": token,
        "aws:maxRetries": "2",
    }
