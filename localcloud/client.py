"""`LocalCloud`: the handle on an embedded cloud for tests, the demo and the benchmarks."""

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

from localcloud.autoscaling.seeds import GroupSeed, LaunchConfigurationSeed
from localcloud.ec2.account_json import AccountDefaults
from localcloud.ec2.instances import Change, InstanceView, Seed
from localcloud.ec2.launch_seeds import ImageSeed, ParameterSeed, TemplateSeed
from localcloud.faults import Fault
from localcloud.http import server
from localcloud.http.control import PREFIX
from localcloud.http.journal import Counts, LoggedCall
from localcloud.settings import Settings

_STEP_SECONDS = 0.1

ACCOUNT = "123456789012"
"""The account of every access key that names no other."""


class LocalCloudError(Exception):
    """The control endpoint refused a request; the message says why."""


class ConnectionOptions(TypedDict):
    """Keyword arguments of `boto3.client`."""

    endpoint_url: str
    region_name: str
    aws_access_key_id: str
    aws_secret_access_key: str


@dataclass(frozen=True)
class LocalCloud:
    """A running embedded cloud. Every method sends one request to the control endpoint.

    Raises:
        LocalCloudError: from every method, when the control endpoint refuses the request.
    """

    url: str

    @classmethod
    @contextmanager
    def in_process(cls, settings: Settings | None = None, *, seed: Sequence[Seed] = ()) -> Iterator[LocalCloud]:
        """Run a new cloud in this process, on a free port. One at a time, since moto has global state.

        Raises:
            RuntimeError: this process already runs one.
        """
        with server.serve(settings or Settings()) as url:
            cloud = cls(url)
            if seed:
                cloud.seed(seed)
            yield cloud

    @classmethod
    @contextmanager
    def start(cls, *arguments: str, seed: Sequence[Seed] = ()) -> Iterator[LocalCloud]:
        """Run a new cloud in a process of its own, on a free port, with arguments of `python -m localcloud`.

        It exits with the context, or with this process if that is killed.
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
        # On exit, Popen closes the pipe, at which the server stops, and waits for the process.
        with process:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                raise LocalCloudError(f"the embedded cloud did not start (exit code {process.wait()})")
            cloud = cls(url)
            if seed:
                cloud.seed(seed)
            yield cloud

    def connection(self, region: str = "us-east-1") -> ConnectionOptions:
        """Arguments for a client: `boto3.client("ec2", **cloud.connection())`."""
        return ConnectionOptions(
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106  # any key works
        )

    def counts(self) -> dict[str, Counts]:
        """Calls, throttled calls and errors by action, for the actions called since the last reset."""
        counts: dict[str, Counts] = self.send("GET", "counts")
        return counts

    def calls(self, action: str) -> int:
        """Count the calls of the action since the last reset."""
        return self.counts().get(action, Counts(calls=0, throttled=0, errors=0))["calls"]

    def log(self, action: str | None = None) -> list[LoggedCall]:
        """The calls since the last reset, in the order of their answers."""
        log: list[LoggedCall] = self.send("GET", "log")
        return [each for each in log if action in (None, each["action"])]

    def reset(self) -> None:
        """Clear counts and log, but keep the instances."""
        self.send("POST", "reset")

    def wipe(self) -> None:
        """Return to the initial state and settings: nothing seeded, launched, set or counted."""
        self.send("POST", "wipe")

    def settings(self, **changes: object) -> dict[str, object]:
        """Change fields of `Settings` (`throttle` also takes True and False) and return all settings."""
        settings: dict[str, object] = self.send("POST", "settings", changes)
        return settings

    def advance(self, seconds: float) -> None:
        """Advance the server's clock: pending options are applied, buckets refill, launched instances appear.

        AWS's clock, which sets the `Date` of answers and the times of metrics, advances too and is then ahead of this
        machine's.
        """
        self.send("POST", "advance", {"seconds": seconds})

    @contextmanager
    def hurrying(self, times: float) -> Iterator[None]:
        """Make the server's clock run so many times as fast inside the context."""
        stop = threading.Event()

        def hurry() -> None:
            while not stop.wait(_STEP_SECONDS):
                self.advance((times - 1) * _STEP_SECONDS)

        thread = threading.Thread(target=hurry, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def time(self) -> datetime:
        """The time on AWS's clock, in UTC: this machine's plus `advance` and the setting `clock_skew`."""
        seconds: float = self.send("GET", "time")
        return datetime.fromtimestamp(seconds, timezone.utc)

    def seed(self, instances: Sequence[Seed]) -> list[InstanceView]:
        """Add existing instances."""
        views: list[InstanceView] = self.send("POST", "seed", list(instances))
        return views

    def seed_images(self, images: Sequence[ImageSeed]) -> None:
        """Add images, or replace those with the same ID."""
        self.send("POST", "seed-images", list(images))

    def seed_parameters(self, parameters: Sequence[ParameterSeed]) -> None:
        """Add SSM parameters, or change their values."""
        self.send("POST", "seed-parameters", list(parameters))

    def seed_templates(self, templates: Sequence[TemplateSeed]) -> list[str]:
        """Add launch templates and return their IDs."""
        ids: list[str] = self.send("POST", "seed-templates", list(templates))
        return ids

    def seed_launch_configurations(self, configurations: Sequence[LaunchConfigurationSeed]) -> None:
        """Add launch configurations."""
        self.send("POST", "seed-launch-configurations", list(configurations))

    def seed_groups(self, groups: Sequence[GroupSeed]) -> None:
        """Add Auto Scaling groups, whose templates, launch configurations and instances exist."""
        self.send("POST", "seed-groups", list(groups))

    def instances(self) -> list[InstanceView]:
        """All instances as they are, whatever describes show."""
        views: list[InstanceView] = self.send("GET", "instances")
        return views

    def instance(self, instance_id: str) -> InstanceView:
        """The instance as it is, whatever describes show."""
        view: InstanceView = self.send("GET", f"instances/{instance_id}")
        return view

    def change(self, instance_id: str, change: Change) -> InstanceView:
        """Change an instance out of band."""
        view: InstanceView = self.send("POST", f"instances/{instance_id}", change)
        return view

    def stop(self, instance_id: str) -> InstanceView:
        return self._move(instance_id, "stop")

    def start_instance(self, instance_id: str) -> InstanceView:
        return self._move(instance_id, "start")

    def terminate(self, instance_id: str) -> InstanceView:
        return self._move(instance_id, "terminate")

    def vanish(self, instance_id: str) -> InstanceView:
        """Make EC2 forget the instance, as it does some time after a termination."""
        return self._move(instance_id, "vanish")

    def account_defaults(self, region: str = "us-east-1", *, account: str = ACCOUNT) -> AccountDefaults:
        """The defaults that launches get, whatever GetInstanceMetadataDefaults shows."""
        defaults: AccountDefaults = self.send("GET", f"account-defaults/{account}/{region}")
        return defaults

    def set_account_defaults(
        self, region: str, defaults: AccountDefaults, *, account: str = ACCOUNT
    ) -> AccountDefaults:
        """Change the account's defaults out of band, shown at once; those that are not listed stay."""
        changed: AccountDefaults = self.send("POST", f"account-defaults/{account}/{region}", defaults)
        return changed

    def set_declarative_policy(
        self, region: str, defaults: AccountDefaults, *, exception_message: str = "", account: str = ACCOUNT
    ) -> None:
        """Have the organization decide the defaults: the account's are kept, but have no effect and cannot be changed.

        `exception_message` is what the organization says to whoever tries.
        """
        policy = {"defaults": defaults, "exception_message": exception_message}
        self.send("POST", f"declarative-policies/{account}/{region}", policy)

    def remove_declarative_policy(self, region: str, *, account: str = ACCOUNT) -> None:
        self.send("DELETE", f"declarative-policies/{account}/{region}")

    def set_alarm(
        self,
        name: str,
        state: str,
        *,
        reason: str = "",
        region: str = "us-east-1",
        composite: bool = False,
        after: float = 0,
        account: str = ACCOUNT,
    ) -> None:
        """Put a CloudWatch alarm into a state: OK, ALARM or INSUFFICIENT_DATA.

        An alarm that is not there is added, as a composite alarm if `composite`. `reason` is one in CloudWatch's words
        by default. `after` is how many seconds of the server's clock later the alarm is in that state.
        """
        alarm = {"name": name, "state": state, "reason": reason, "composite": composite, "after": after}
        self.send("POST", f"alarms/{account}/{region}", alarm)

    def faults(self) -> list[Mapping[str, object]]:
        """The faults, each with `matched`, the number of calls it has matched."""
        faults: list[Mapping[str, object]] = self.send("GET", "faults")
        return faults

    def set_faults(self, *faults: Fault) -> None:
        """Add faults to the existing ones."""
        self.send("POST", "faults", [fault.as_json() for fault in faults])

    def clear_faults(self) -> None:
        self.send("DELETE", "faults")

    def send(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  # parsed JSON, typed by each caller
        """Send a request to the control endpoint and return its JSON."""
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

    def _move(self, instance_id: str, verb: str) -> InstanceView:
        view: InstanceView = self.send("POST", f"instances/{instance_id}/{verb}")
        return view
