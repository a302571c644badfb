"""How a call is served: faults, latency and throttling around the handler of its action."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import replace
from email.utils import formatdate

from localcloud.api import errors, rendering
from localcloud.api.answer import Answer
from localcloud.api.call import Call
from localcloud.autoscaling import actions as autoscaling
from localcloud.clock import Clock
from localcloud.cloudwatch.alarms import Alarms
from localcloud.cloudwatch.describe_alarms import describe_alarms
from localcloud.cloudwatch.get_metric_data import get_metric_data
from localcloud.ec2 import actions
from localcloud.ec2.account_json import check_defaults
from localcloud.ec2.request import ANY_INSTANCE, Request
from localcloud.ec2.store import InstanceStore
from localcloud.faults import Fault, FaultPlan
from localcloud.http.journal import Journal
from localcloud.http.throttle import Throttle
from localcloud.settings import Settings

_UNPROTECTED = "sts:GetCallerIdentity"
"""The action that needs no permission, and cannot be denied."""


class ConnectionLostError(ConnectionError):
    """The connection must be closed without an answer."""


class Cloud:
    """One embedded cloud: its instances, settings, faults and call log."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.initial = settings
        self.clock = clock or Clock()
        self.store = InstanceStore(settings, self.clock)
        self.alarms = Alarms(self.store)
        self.journal = Journal()
        self.faults = FaultPlan()
        self.throttle = Throttle()
        self._closing = threading.Event()
        self._number = 0
        self.wipe()

    def wipe(self) -> None:
        """Return to the initial state and settings."""
        with self.store.lock:
            self.store.wipe()
            self.alarms.wipe()
            self.store.settings = self.initial
            self.journal.reset()
            self.faults.clear()
            self.throttle.refill()

    def close(self) -> None:
        """Drop the calls in progress and delete all instances."""
        self._closing.set()
        with self.store.lock:
            self.store.wipe()

    def serve(self, environ: Mapping[str, object], body: bytes) -> Answer:
        """Answer a call and log it.

        Raises:
            ConnectionLostError: the call gets no answer.
        """
        started = time.monotonic()
        call = Call.parse(environ, body)
        with self.store.lock:
            self._number += 1
            request = Request(self.store, call, f"00000000-0000-4000-8000-{self._number:012x}", environ, body)
            faults = self.faults.for_call(call)
        code = "ConnectionLost"
        try:
            answer = self._answer(request, faults)
            code = answer.code
            date = formatdate(self.store.aws_now(), usegmt=True)
            return replace(answer, headers=(*answer.headers, ("Date", date)))
        finally:
            with self.store.lock:
                if not self._closing.is_set():
                    self.journal.add(call, code, seconds=time.monotonic() - started)

    def _answer(self, request: Request, faults: Iterable[Fault]) -> Answer:
        half_latency = self.store.settings.latency_of(request.call.action) / 2
        try:
            self._wait(half_latency)
            with self.store.lock:
                self.throttle.take(request.call, self.store.settings, self.clock.now())
            for fault in faults:
                if not fault.is_after:
                    self._apply(fault, request)
            if request.call.iam_action != _UNPROTECTED and self.store.settings.denies(request.call.iam_action):
                raise request.call.denial
            answer = self._handle(request)
            for fault in faults:
                if fault.is_after:
                    self._apply(fault, request)
            self._wait(half_latency)
        except errors.AWSError as error:
            return _error_answer(request, error)
        return _truncated(answer) if any(fault.effect == "truncate" for fault in faults) else answer

    def _handle(self, request: Request) -> Answer:
        with self.store.lock:
            if self._closing.is_set():
                raise ConnectionLostError
            try:
                return self._dispatch(request)
            except errors.AWSError:
                raise
            except Exception as error:
                # A bug in localcloud must not look like a fault of AWS.
                traceback.print_exc(file=sys.stderr)
                raise errors.AWSError("InternalError", f"localcloud failed: {error!r}") from error

    def _dispatch(self, request: Request) -> Answer:
        match request.call.service, request.call.action:
            case "ec2", _:
                return actions.handle(request)
            case "autoscaling", _:
                return autoscaling.handle(request)
            case "monitoring", "GetMetricData":
                return get_metric_data(request)
            case "monitoring", "DescribeAlarms":
                return describe_alarms(request, self.alarms)
        return request.forward()

    def _apply(self, fault: Fault, request: Request) -> None:
        match fault.effect:
            case "error":
                raise fault.error(request.call)
            case "drop":
                raise ConnectionLostError
            case "delay":
                self._wait(fault.seconds)
            case "stale":
                request.stale[fault.instance or ANY_INSTANCE] = fault.seconds
            case "no-data" | "partial":
                request.missing_data.add(fault.effect)
            case "stuck" | "stop" | "start" | "terminate" | "vanish" | "change":
                with self.store.lock:
                    if fault.defaults:
                        self.store.account_levels.change(request.scope, check_defaults(fault.defaults))
                    self._change_targets(fault, fault.targets(request.call))
            case "alarm":
                with self.store.lock:
                    self.alarms.set(request.scope, str(fault.target), "ALARM", reason=fault.message or "")
            case "truncate":
                pass  # `_answer` truncates the finished answer

    def _change_targets(self, fault: Fault, targets: Iterable[str]) -> None:
        for instance in filter(None, map(self.store.find, targets)):
            match fault.effect:
                case "stuck":
                    self.store.hold_pending(instance)
                case "change":
                    if fault.options:
                        self.store.set_options(instance, fault.options)
                case verb:
                    self.store.move(instance, verb)

    def _wait(self, seconds: float) -> None:
        if seconds > 0 and self._closing.wait(seconds):
            raise ConnectionLostError


def _error_answer(request: Request, error: errors.AWSError) -> Answer:
    """An error in the request's protocol."""
    if request.call.document is not None:
        return Answer.json(rendering.json_error(error), status=error.status, code=error.code)
    rendered = rendering.ec2_error if request.call.service == "ec2" else rendering.query_error
    return Answer(error.status, rendered(error, request.request_id).encode(), error.code)


def _truncated(answer: Answer) -> Answer:
    length = len(answer.body)
    return replace(answer, body=answer.body[: length // 2], content_length=length, code="Truncated")
