"""What a fleet's look-ups find, in memory, with every question written down."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from imds_provider.aws.launch_lookups import LaunchLookups
from imds_provider.errors import ImdsError
from imds_provider.rules.alarms import Alarm
from imds_provider.rules.imdsv1_usage import Imdsv1Metric, Imdsv1Usage
from imds_provider.rules.observation import Observation
from imds_provider.rules.options import Options
from imds_provider.rules.wave_health import Impairment
from tests.support.fake_launches import FakeLaunchClient
from tests.support.fakes import LAX, observe

NOW = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
"""The moment by AWS's clock."""


class FakeFleetCalls:
    """One region. CloudWatch has counted no IMDSv1 calls, and everything is permitted, until a test says otherwise."""

    def __init__(self, region: str) -> None:
        self.region = region
        self.calls: dict[str, Imdsv1Usage | None] = {}
        """What CloudWatch has of an instance."""
        self.refused: dict[str, Imdsv1Usage | None] = {}
        """What CloudWatch has of the calls that an instance refused."""
        self.heard: dict[str, datetime] = {}
        """The begin of the last period of which CloudWatch has a data point of an instance."""
        self.impairments: dict[str, Impairment] = {}
        """The instances that fail a status check."""
        self.clock = NOW
        self.denied: set[str] = set()
        """The IAM actions that nobody has granted."""
        self.error: ImdsError | None = None
        """The error that all look-ups of CloudWatch end in."""
        self.states: dict[str, Alarm] = {}
        """The alarms that exist, by name."""
        self.alarm_error: ImdsError | None = None
        """The error that a look-up of alarms ends in."""
        self.asked_alarms: list[list[str]] = []
        """The names of each look-up of alarms."""
        self.counted: list[list[str]] = []
        """The instances of each look-up of their IMDSv1 calls."""
        self.asked_status: list[list[str]] = []
        """The instances of each look-up of their status checks."""
        self.selected: list[Mapping[str, Sequence[str]] | None] = []
        """The filters of each selection."""
        self.select_error: ImdsError | None = None
        """The error that a selection ends in."""
        self.dry_runs: list[str] = []
        """The IAM actions that were tried without carrying them out."""
        self._instances: dict[str, tuple[Observation, dict[str, str]]] = {}

    def add(
        self,
        instance_id: str,
        options: Options = LAX,
        *,
        state: str = "running",
        launched_at: datetime | None = None,
        group: str = "",
        operator: str = "",
        **tags: str,
    ) -> None:
        attributes = {f"tag:{key}": value for key, value in tags.items()}
        attributes["metadata-options.http-tokens"] = str(options.get("httpTokens", ""))
        seen = observe(instance_id, options, instance_state=state, launched_at=launched_at)
        self._instances[instance_id] = (replace(seen, autoscaling_group=group, operator=operator), attributes)

    def now(self) -> datetime:
        return self.clock

    def select(
        self, filters: Mapping[str, Sequence[str]] | None, instance_ids: Sequence[str]
    ) -> dict[str, Observation]:
        """Filters by whole values alone, but for a lone star."""
        self.selected.append(filters)
        if self.select_error:
            raise self.select_error

        def passes(has: Mapping[str, str]) -> bool:
            given = (filters or {}).items()
            return bool(given) and all(has.get(name) in values or "*" in values for name, values in given)

        return {each: seen for each, (seen, has) in self._instances.items() if each in instance_ids or passes(has)}

    def imdsv1_usage(
        self, _metric: Imdsv1Metric, instance_ids: Sequence[str], start: datetime, end: datetime, period: int
    ) -> dict[str, Imdsv1Usage | None]:
        self._require_answer(start, end, period)
        self.counted.append(sorted(instance_ids))
        return {each: self.calls.get(each, Imdsv1Usage(0)) for each in instance_ids}

    def refused_calls_and_last_data(
        self, refusing: Sequence[str], instance_ids: Sequence[str], start: datetime, end: datetime, period: int
    ) -> tuple[dict[str, Imdsv1Usage | None], dict[str, datetime]]:
        self._require_answer(start, end, period)
        heard = {each: at for each, at in self.heard.items() if each in instance_ids and start <= at < end}
        return {each: self.refused.get(each) for each in refusing}, heard

    def impaired(self, instance_ids: Collection[str]) -> dict[str, Impairment]:
        self.asked_status.append(sorted(instance_ids))
        return {each: found for each, found in self.impairments.items() if each in instance_ids}

    def alarms(self, names: Sequence[str]) -> dict[str, Alarm]:
        self.asked_alarms.append(list(names))
        if self.alarm_error:
            raise self.alarm_error
        return {name: self.states[name] for name in names if name in self.states}

    def denial_to_modify(self, _instance_id: str, parameters: Options) -> str | None:
        if not parameters:
            raise ValueError("a modification of nothing")
        return self._denies("ec2:ModifyInstanceMetadataOptions")

    def denial_to_read_status(self) -> str | None:
        return self._denies("ec2:DescribeInstanceStatus")

    def denial_to_read_metrics(self, _instance_id: str, _start: datetime, _end: datetime) -> str | None:
        return self._denies("cloudwatch:GetMetricData")

    def _require_answer(self, start: datetime, end: datetime, period: int) -> None:
        if start >= end or period % 60:
            raise ValueError(f"from {start} to {end} by {period} s")
        if self.error:
            raise self.error

    def _denies(self, action: str) -> str | None:
        self.dry_runs.append(action)
        return f"{action} is denied." if action in self.denied else None


class FakeAws:
    """The connections of a process; a region comes to be when it is asked for."""

    def __init__(self) -> None:
        self.region: str | None = "eu-west-1"
        self.error: ImdsError | None = None
        self._fleets: dict[str, FakeFleetCalls] = {}
        self._launches: dict[str, FakeLaunchClient] = {}

    def default_region(self) -> str | None:
        return self.region

    def fleet(self, region: str) -> FakeFleetCalls:
        if self.error:
            raise self.error
        return self._fleets.setdefault(region, FakeFleetCalls(region))

    def launches(self, region: str) -> FakeLaunchClient:
        """What launches instances in a region."""
        return self._launches.setdefault(region, FakeLaunchClient())

    def launch_lookups(self, region: str) -> LaunchLookups:
        if self.error:
            raise self.error
        return self.launches(region).lookups()
