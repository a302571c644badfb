"""CloudWatch's alarms: moto's, with states that are set, at once or at a later time of the server's clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TypedDict

from moto.cloudwatch.models import Alarm, CloudWatchBackend, cloudwatch_backends

from localcloud.ec2.account_levels import Scope
from localcloud.ec2.store import InstanceStore

REASONS: Mapping[str, str] = {
    "OK": "Threshold Crossed: 1 datapoint was not greater than the threshold (1.0).",
    "ALARM": "Threshold Crossed: 1 datapoint was greater than the threshold (1.0).",
    "INSUFFICIENT_DATA": "Insufficient Data: 1 datapoint was unknown.",
}
"""The states of alarms, with a reason for each in CloudWatch's words."""


class AlarmSeed(TypedDict):
    """A state of an alarm in the JSON of the control endpoint: what `LocalCloud.set_alarm` takes."""

    name: str
    state: str
    reason: str
    composite: bool
    after: float


@dataclass(frozen=True, slots=True)
class State:
    """A state that an alarm has from a time of `InstanceStore.clock` on."""

    since: float
    value: str
    reason: str


class Alarms:
    """Not thread-safe: callers hold the store's lock."""

    def __init__(self, store: InstanceStore) -> None:
        self._store = store
        self._coming: list[tuple[Scope, str, State]] = []

    def wipe(self) -> None:
        """Forget the states to come; moto forgets the alarms."""
        self._coming.clear()

    def set(
        self, scope: Scope, name: str, value: str, *, reason: str = "", composite: bool = False, after: float = 0.0
    ) -> None:
        """Set the state of an alarm `after` seconds from now, and add the alarm if it is not there.

        Raises:
            ValueError: the state is unknown.
        """
        if value not in REASONS:
            raise ValueError(f"{name}: state must be one of {', '.join(REASONS)}, not {value!r}")
        backend = _backend(scope)
        if name not in backend.alarms:
            _add(backend, name, composite=composite)
        self._coming.append((scope, name, State(self._store.clock.now() + after, value, reason or REASONS[value])))
        self._apply()

    def in_scope(self, scope: Scope) -> dict[str, Alarm]:
        """The alarms of an account and region by name, in their states of now."""
        self._apply()
        return dict(_backend(scope).alarms)

    def _apply(self) -> None:
        """Apply the states whose time has come."""
        now = self._store.clock.now()
        due = [each for each in self._coming if each[2].since <= now]
        self._coming = [each for each in self._coming if each[2].since > now]
        for scope, name, state in sorted(due, key=lambda each: each[2].since):
            alarm = _backend(scope).alarms.get(name)
            if alarm is not None:
                alarm.update_state(state.reason, "{}", state.value)
                since = self._store.aws_time(state.since)
                alarm.state_updated_timestamp = datetime.fromtimestamp(since, timezone.utc)


def _backend(scope: Scope) -> CloudWatchBackend:
    account, region = scope
    return cloudwatch_backends[account][region]


def _add(backend: CloudWatchBackend, name: str, *, composite: bool) -> None:
    backend.put_metric_alarm(
        name=name,
        namespace="AWS/ApplicationELB",
        metric_name="HTTPCode_Target_5XX_Count",
        comparison_operator="GreaterThanThreshold",
        evaluation_periods=1,
        period=60,
        threshold=1.0,
        statistic="Sum",
        description="",
        dimensions=[],
        alarm_actions=[],
        rule='ALARM("other")' if composite else None,
    )
