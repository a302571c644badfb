"""How a call is served: faults, latency and throttle around the handler of its action."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from email.utils import formatdate

from localcloud.api import errors, rendering
from localcloud.api.answer import Answer
from localcloud.api.call import Call
from localcloud.clock import Clock
from localcloud.cloudwatch import get_metric_data as cloudwatch
from localcloud.ec2 import describe_instances as describe
from localcloud.ec2 import describe_status as status
from localcloud.ec2 import modify_options as metadata
from localcloud.ec2 import monitoring
from localcloud.ec2 import run_instances as passing
from localcloud.ec2.request import EVERY, Request
from localcloud.ec2.store import World
from localcloud.faults import Fault, FaultPlan
from localcloud.http.journal import Journal
from localcloud.http.throttle import Throttle
from localcloud.settings import Settings

HANDLERS: Mapping[str, Callable[[Request], Answer]] = {
    "DescribeInstances": describe.describe_instances,
    "DescribeInstanceStatus": status.describe_status,
    "ModifyInstanceMetadataOptions": metadata.modify_options,
    "GetInstanceMetadataDefaults": metadata.get_defaults,
    "ModifyInstanceMetadataDefaults": metadata.modify_defaults,
    "RunInstances": passing.run_instances,
    "MonitorInstances": monitoring.monitor,
    "UnmonitorInstances": monitoring.unmonitor,
}
"""EC2's actions that are served here; moto serves the others and all other services."""


class ConnectionLostError(ConnectionError):
    """The connection is to be closed without an answer."""


class Cloud:
    """One embedded cloud: its world, its settings, its faults and its journal."""

    def __init__(self, settings: Settings) -> None:
        self.initial = settings
        self.clock = Clock()
        self.world = World(settings, self.clock)
        self.journal = Journal()
        self.faults = FaultPlan()
        self.throttle = Throttle()
        self._closing = threading.Event()
        self._number = 0
        self.wipe()

    def wipe(self) -> None:
        """As at the start: no instances, no faults, no counts, the first settings."""
        with self.world.lock:
            self.world.wipe()
            self.world.settings = self.initial
            self.journal.reset()
            self.faults.clear()
            self.throttle.refill()

    def close(self) -> None:
        """Calls under way end at once and without an answer; nothing touches the world any more."""
        self._closing.set()
        with self.world.lock:
            self.world.wipe()

    def serve(self, environ: Mapping[str, object], body: bytes) -> Answer:
        """The answer to a call, and its entry in the journal.

        Raises:
            ConnectionLostError: when the call gets no answer.
        """
        started = time.monotonic()
        call = Call.read(environ, body)
        with self.world.lock:
            self._number += 1
            request = Request(self.world, call, f"00000000-0000-4000-8000-{self._number:012x}", environ, body)
            hits = self.faults.hits(call)
        code = "ConnectionLost"
        try:
            answer = self._faulty(request, hits)
            code = answer.code
            return self._dated(answer)
        finally:
            with self.world.lock:
                if not self._closing.is_set():
                    self.journal.add(call, code, seconds=time.monotonic() - started)

    def _dated(self, answer: Answer) -> Answer:
        """With the time on AWS's clock (RFC 7231)."""
        date = formatdate(self.world.aws_now(), usegmt=True)
        return replace(answer, headers=(*answer.headers, ("Date", date)))

    def _faulty(self, request: Request, hits: Iterable[Fault]) -> Answer:
        half = self.world.settings.latency_of(request.call.action) / 2
        try:
            self._wait(half)
            with self.world.lock:
                self.throttle.take(request.call, self.world.settings, self.clock.now())
            for fault in hits:
                if not fault.strikes_after:
                    self._strike(fault, request)
            request.call.refuse_if_denied(self.world.settings.denied)
            answer = self._handled(request)
            for fault in hits:
                if fault.strikes_after:
                    self._strike(fault, request)
            self._wait(half)
        except errors.EC2Error as error:
            return _refusal(request, error)
        return _cut(answer, hits)

    def _handled(self, request: Request) -> Answer:
        with self.world.lock:
            if self._closing.is_set():
                raise ConnectionLostError
            try:
                return _handler(request.call)(request)
            except errors.EC2Error:
                raise
            except Exception as error:
                # A mistake in this server must be seen where it happened, and must not pass for a fault of EC2.
                traceback.print_exc(file=sys.stderr)
                raise errors.EC2Error("InternalError", f"localcloud failed: {error!r}") from error

    def _strike(self, fault: Fault, request: Request) -> None:
        match fault.effect:
            case "error":
                raise fault.error(request.call)
            case "drop":
                raise ConnectionLostError
            case "delay":
                self._wait(fault.seconds)
            case "stale":
                request.stale[fault.instance or EVERY] = fault.seconds
            case "no-data" | "partial":
                request.emptied.add(fault.effect)
            case "stuck" | "stop" | "start" | "terminate" | "vanish" | "change":
                with self.world.lock:
                    self._happen(fault, fault.targets(request.call))
            case "truncate":
                pass  # the answer is cut when there is one

    def _happen(self, fault: Fault, targets: Iterable[str]) -> None:
        for instance in filter(None, map(self.world.find, targets)):
            match fault.effect:
                case "stuck":
                    self.world.stuck(instance)
                case "change":
                    self.world.put(instance, fault.options)
                case verb:
                    self.world.move(instance, verb)

    def _wait(self, seconds: float) -> None:
        if seconds > 0 and self._closing.wait(seconds):
            raise ConnectionLostError


def _handler(call: Call) -> Callable[[Request], Answer]:
    if call.service == "ec2":
        return HANDLERS.get(call.action, passing.pass_on)
    if (call.service, call.action) == ("monitoring", "GetMetricData"):
        return cloudwatch.get_metric_data
    return passing.ask_moto


def _refusal(request: Request, error: errors.EC2Error) -> Answer:
    """An error, in the protocol of the request."""
    if request.call.document is not None:
        headers = (("Content-Type", cloudwatch.CONTENT_TYPE),)
        return Answer(error.status, rendering.json_error(error).encode(), error.code, headers=headers)
    rendered = rendering.ec2_error if request.call.service == "ec2" else rendering.query_error
    return Answer(error.status, rendered(error, request.request_id).encode(), error.code)


def _cut(answer: Answer, hits: Iterable[Fault]) -> Answer:
    if not any(fault.effect == "truncate" for fault in hits):
        return answer
    length = len(answer.body)
    return replace(answer, body=answer.body[: length // 2], promised=length, code="Truncated")
