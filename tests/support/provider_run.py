"""The providers as one run of Pulumi has them, in this process, with time that jumps instead of passing."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import botocore.endpoint
from botocore.config import Config
from botocore.loaders import create_loader
from botocore.session import Session as BotocoreSession

from imds_provider.aws import Aws
from imds_provider.aws.settings import AwsSettings
from imds_provider.host import runtime
from imds_provider.host.engine_link import Engine
from localcloud.client import LocalCloud

REGION = "eu-west-1"
SECRETS = ("canary-access-key", "canary-secret-key", "canary-session-token")
"""Credentials that must appear nowhere."""

# Every session would read EC2's model again, which takes longer than a whole run.
LOADER = create_loader()


class JumpingEngine(Engine):
    """An engine that keeps what it is to show, and a clock whose pauses move it and the cloud ahead at once.

    What really takes time, such as an answer over the network, counts as well.
    """

    ahead: float
    """Seconds jumped over so far."""

    def __init__(self, cloud: LocalCloud) -> None:
        super().__init__(None)
        self.messages: list[str] = []
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
        self.messages.append(message)

    def warn(self, message: str) -> None:
        self.messages.append(message)

    def report(self, message: str) -> None:
        self.messages.append(message)
        self.reported.append(message)


@contextmanager
def provider_run(
    cloud: LocalCloud, *, read_timeout: float | None = None, config: Mapping[str, str] | None = None
) -> Iterator[JumpingEngine]:
    """One run of Pulumi with connections of its own, which end with the context. ``config`` holds more keys."""
    engine = JumpingEngine(cloud)
    clients: list[Any] = []

    class Session(BotocoreSession):
        def create_client(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  botocore's own signature
            if read_timeout is not None:
                kwargs["config"] = kwargs["config"].merge(Config(read_timeout=read_timeout))
            clients.append(super().create_client(*args, **kwargs))
            return clients[-1]

    def new_session() -> BotocoreSession:
        session = Session()
        session.register_component("data_loader", LOADER)
        return session

    def connect(settings: AwsSettings, _engine: Engine) -> Aws:
        return Aws(settings, engine, new_session=new_session)

    with no_aws_environment(), jumping_retries(engine), runtime.serve(runtime.Run(engine, connect=connect)) as run:
        run.configure({**configuration(cloud), **(config or {})}.get)
        try:
            yield engine
        finally:
            for client in clients:
                client.close()


@contextmanager
def no_aws_environment() -> Iterator[None]:
    """Until the end of the context nothing of this machine's AWS configuration is seen."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    with patch.dict(os.environ, {**others, **files}, clear=True):
        yield


@contextmanager
def jumping_retries(engine: Engine) -> Iterator[None]:
    """Have botocore pause between its attempts by the engine's clock, which it cannot be given in any other way."""
    with patch.object(botocore.endpoint, "time", SimpleNamespace(sleep=engine.sleep)):
        yield


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
