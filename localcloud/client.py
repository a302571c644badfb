"""The handle that tests, the demo and the benchmark hold on an embedded cloud."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlsplit

from localcloud.ec2.instances import Change, InstanceView, Seed
from localcloud.faults import Fault
from localcloud.http.control import PREFIX
from localcloud.http.journal import Counts, LoggedCall
from localcloud.http.server import Server
from localcloud.settings import Settings

_STRIDE_SECONDS = 0.1


class LocalCloudError(Exception):
    """The control endpoint refused; the message says why."""


class ConnectionOptions(TypedDict):
    """Keyword arguments of `boto3.client`."""

    endpoint_url: str
    region_name: str
    aws_access_key_id: str
    aws_secret_access_key: str


@dataclass(frozen=True)
class LocalCloud:
    """A running embedded cloud, by its address. Every method is one request to the control endpoint.

    Raises:
        LocalCloudError: from every method, when the control endpoint refuses.
    """

    url: str

    @classmethod
    @contextmanager
    def in_process(cls, settings: Settings | None = None, *, seed: Sequence[Seed] = ()) -> Iterator[LocalCloud]:
        """A fresh cloud in this process on a free port; one at a time, since moto's store is the process's."""
        server = Server(settings)
        server.start()
        try:
            cloud = cls(server.url)
            if seed:
                cloud.seed(seed)
            yield cloud
        finally:
            server.stop()

    @classmethod
    @contextmanager
    def start(cls, *arguments: str, seed: Sequence[Seed] = ()) -> Iterator[LocalCloud]:
        """A fresh cloud in a process of its own on a free port, with arguments of `python -m localcloud`.

        It ends with the context, and with this process, however that ends.
        """
        root = Path(__file__).parent.parent
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "localcloud", "--until-eof", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "PYTHONPATH": str(root)},
        )
        # Popen as a context manager closes the pipe, at which the server ends, and waits.
        with process:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                raise LocalCloudError(f"the embedded cloud did not start (exit code {process.wait()})")
            cloud = cls(url)
            if seed:
                cloud.seed(seed)
            yield cloud

    def connection(self, region: str = "us-east-1") -> ConnectionOptions:
        """What `boto3.client("ec2", **cloud.connection())` needs."""
        return ConnectionOptions(
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106  # nobody checks it
        )

    def counts(self) -> dict[str, Counts]:
        """Calls, throttled calls and errors by action; an action that was not called is not in it."""
        counts: dict[str, Counts] = self._ask("GET", "counts")
        return counts

    def calls(self, action: str) -> int:
        """How often the action was called since the last reset."""
        return self.counts().get(action, Counts(calls=0, throttled=0, errors=0))["calls"]

    def log(self, action: str | None = None) -> list[LoggedCall]:
        """Every call since the last reset, in the order of the answers."""
        log: list[LoggedCall] = self._ask("GET", "log")
        return [each for each in log if action in (None, each["action"])]

    def reset(self) -> None:
        """Forget counts and log. The instances stay."""
        self._ask("POST", "reset")

    def wipe(self) -> None:
        """As just started: no instances, no account defaults, no faults, no counts, the first settings."""
        self._ask("POST", "wipe")

    def settings(self, **changes: object) -> dict[str, object]:
        """Make the changes (fields of `Settings`; `throttle` also takes True and False) and return all settings."""
        settings: dict[str, object] = self._ask("POST", "settings", changes)
        return settings

    def advance(self, seconds: float) -> None:
        """Let the server's time jump ahead: what is pending becomes applied, buckets refill, new instances appear.

        AWS's clock jumps too, and with it the `Date` of answers and the times of metrics: what happens from now on lies
        ahead of this machine's clock.
        """
        self._ask("POST", "advance", {"seconds": seconds})

    @contextmanager
    def hurrying(self, times: float) -> Iterator[None]:
        """Have the server's time pass so many times as fast until the end of the context."""
        over = threading.Event()

        def hurry() -> None:
            while not over.wait(_STRIDE_SECONDS):
                self.advance((times - 1) * _STRIDE_SECONDS)

        thread = threading.Thread(target=hurry, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def time(self) -> datetime:
        """The time on AWS's clock: this machine's, what was added by `advance`, and the setting `clock_skew`. UTC."""
        seconds: float = self._ask("GET", "time")
        return datetime.fromtimestamp(seconds, timezone.utc)

    def seed(self, instances: Sequence[Seed]) -> list[InstanceView]:
        """Put instances in, with the ids given."""
        views: list[InstanceView] = self._ask("POST", "seed", list(instances))
        return views

    def instances(self) -> list[InstanceView]:
        """The truth about every instance."""
        views: list[InstanceView] = self._ask("GET", "instances")
        return views

    def instance(self, instance_id: str) -> InstanceView:
        """The truth about one instance."""
        view: InstanceView = self._ask("GET", f"instances/{instance_id}")
        return view

    def change(self, instance_id: str, change: Change) -> InstanceView:
        """Change an instance behind everyone's back."""
        view: InstanceView = self._ask("POST", f"instances/{instance_id}", change)
        return view

    def stop(self, instance_id: str) -> InstanceView:
        return self._move(instance_id, "stop")

    def start_instance(self, instance_id: str) -> InstanceView:
        return self._move(instance_id, "start")

    def terminate(self, instance_id: str) -> InstanceView:
        return self._move(instance_id, "terminate")

    def vanish(self, instance_id: str) -> InstanceView:
        """EC2 no longer knows the instance, as some time after its termination."""
        return self._move(instance_id, "vanish")

    def faults(self) -> list[Mapping[str, object]]:
        """The faults that are set, each with `matched`, the calls it has matched."""
        faults: list[Mapping[str, object]] = self._ask("GET", "faults")
        return faults

    def set_faults(self, *faults: Fault) -> None:
        """Add faults to those that are set."""
        self._ask("POST", "faults", [fault.as_json() for fault in faults])

    def clear_faults(self) -> None:
        self._ask("DELETE", "faults")

    def _move(self, instance_id: str, verb: str) -> InstanceView:
        view: InstanceView = self._ask("POST", f"instances/{instance_id}/{verb}")
        return view

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  # JSON: each caller types it
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request(method, PREFIX + path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise LocalCloudError(answer["error"])
        return answer
