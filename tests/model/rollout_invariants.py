"""What must hold of every run of a rollout, stated without knowing how it works."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.model.fleet_stack import Ended
    from tests.model.rollout_fleet import Fleet
    from tests.support.recording_cloud import TokensChange

SAME_WAVE = timedelta(seconds=30)
"""Modifications of one wave lie closer together than this; with a soak, those of two waves lie further apart."""
TO_THE_SECOND = timedelta(seconds=2)
"""The time of a change is recorded to the second, as AWS's clock shows it."""
PUBLISHED = timedelta(minutes=5)
VISIBLE = timedelta(minutes=12)
"""By then CloudWatch shows calls that were refused all the time."""
LONGEST = timedelta(minutes=25)
"""By then CloudWatch has covered a change, or the run no longer waits for it."""
WITHOUT_DATA = ("no-data", "partial")
STOPPING = ("forbidden", "status-forbidden", "alarms-forbidden")
"""Faults that end a run before it changes anything more."""
ALIVE = ("running", "stopped", "pending", "stopping")


@dataclass(frozen=True)
class AlarmState:
    """The state of the alarm, and since when it has been set."""

    state: str
    since: datetime


@dataclass(frozen=True)
class Snapshot:
    """AWS at one moment: the instances, those that call IMDSv1 or are impaired, the stack's changes, the alarm."""

    time: datetime
    instances: Mapping[str, Any]
    calling: Collection[str]
    impaired: Collection[str]
    changes: Mapping[str, TokensChange]
    alarm: AlarmState

    def is_running(self, instance_id: str) -> bool:
        return bool(self.instances.get(instance_id, {}).get("state") == "running")

    def tokens(self, instance_id: str) -> str:
        return str(self.instances[instance_id]["options"]["HttpTokens"])


@dataclass(frozen=True)
class RolloutRun:
    """A run with the preview before it and, if it succeeded, the preview after it."""

    fleet: Fleet
    before: Snapshot
    after: Snapshot
    previewed: Ended
    ended: Ended
    next_preview: Ended | None
    sent: Sequence[TokensChange]
    fault: str
    killed_after: int | None
    looks: tuple[int, int] = (0, 0)
    """How many times the preview and the run looked at alarms."""
    of_other_fleet: bool = False

    @property
    def members(self) -> list[str]:
        """The instances of the fleet that are to require tokens."""
        left_out = self.fleet.excluded | self.fleet.exempt
        alive = [
            each for each, view in self.before.instances.items() if view["state"] in ALIVE and each not in left_out
        ]
        return [each for each in alive if (each in self.fleet.moved) == self.of_other_fleet]

    @property
    def required(self) -> list[TokensChange]:
        """The changes of the fleet by which tokens became required, in order."""
        return [
            each
            for each in self.sent
            if each.required and (each.instance_id in self.fleet.moved) == self.of_other_fleet
        ]

    @property
    def stopping_since(self) -> datetime | None:
        """When an alarm of the fleet began to stop it, before the run or during it; None if it does not."""
        return next((alarm.since for alarm in (self.before.alarm, self.after.alarm) if self._stops(alarm)), None)

    @property
    def stopped_by_alarm_before(self) -> bool:
        return self._stops(self.before.alarm)

    def _stops(self, alarm: AlarmState) -> bool:
        without_data = alarm.state == "INSUFFICIENT_DATA" and self.fleet.insufficient_data == "block"
        return bool(self.fleet.alarms) and (alarm.state == "ALARM" or without_data)

    @property
    def stopped(self) -> bool:
        return bool(self.ended.failed or self.ended.program_error)


def violations(run: RolloutRun) -> Iterator[str]:
    for of_other_fleet in (False, True):
        of_fleet = replace(run, of_other_fleet=of_other_fleet)
        yield from _stays_stopped(of_fleet)
        yield from _waits_for_each_wave(of_fleet)
        yield from _succeeded(of_fleet)
        yield from _waits_for_alarms(of_fleet)
    yield from _asks_nothing_for_nothing(run)
    yield from _does_what_was_previewed(run)
    yield from _loosens_at_once(run)
    yield from _ends_in_time(run)


def _unhealthy_before(run: RolloutRun) -> list[str]:
    """The members that have refused calls since a run required tokens, for long enough that CloudWatch shows it."""
    before = run.before
    return [
        each
        for each in run.members
        if each in before.changes
        and before.changes[each].required
        and before.is_running(each)
        and each in before.calling
        and before.tokens(each) == "required"
        and timedelta(days=13) > before.time - before.changes[each].at > VISIBLE
    ]


def _stays_stopped(run: RolloutRun) -> Iterator[str]:
    """A stopped rollout stays so until each instance that stopped it is healthy, excluded, exempt or gone."""
    unhealthy = _unhealthy_before(run)
    if not unhealthy or run.fault in WITHOUT_DATA:
        return
    changed = sorted(each.instance_id for each in run.required if each.instance_id not in unhealthy)
    if changed:
        yield f"{changed} were changed, though {unhealthy} refuse calls"
    to_change = [each for each in run.members if run.before.tokens(each) == "optional"]
    excused = run.fault in STOPPING or run.killed_after is not None or run.stopped_by_alarm_before
    if to_change and not any(each in run.ended.text for each in unhealthy) and not excused:
        yield f"{unhealthy} refuse calls, and the run does not name any of them"


def _waits_for_each_wave(run: RolloutRun) -> Iterator[str]:
    """A later wave is changed after the soak of the earlier ones, once CloudWatch covers them and they are healthy."""
    if run.fleet.soak == 0:
        return
    soak = timedelta(minutes=run.fleet.soak or 0)
    earlier = {each: change for each, change in run.before.changes.items() if each in run.members}
    for one in run.required:
        earlier[one.instance_id] = one
        for other in earlier.values():
            gap = one.at - other.at
            # An instance that is stopped has nothing to show.
            if gap <= SAME_WAVE or not other.required or not _runs_all_along(run, other.instance_id):
                continue
            if gap < soak - TO_THE_SECOND:
                yield f"{one.instance_id} was changed {gap} after {other.instance_id}, before its soak was over"
            if run.fault not in WITHOUT_DATA and gap < PUBLISHED:
                yield f"{one.instance_id} was changed {gap} after {other.instance_id}, which CloudWatch did not cover"
            if run.fault == "no-data" and run.fleet.unknown == "block" and gap < timedelta(minutes=20):
                yield f"{one.instance_id} was changed, and nothing was known of {other.instance_id}"
            calling = other.instance_id in run.before.calling
            if run.fault not in WITHOUT_DATA and calling and gap < timedelta(days=13):
                yield f"{one.instance_id} was changed, though {other.instance_id} refuses calls"


def _waits_for_alarms(run: RolloutRun) -> Iterator[str]:
    """No wave is changed while an alarm stops the rollout, and the run names the alarm."""
    since = run.stopping_since
    if since is None:
        return
    allowed = timedelta(0) if run.stopped_by_alarm_before else SAME_WAVE
    late = [each.instance_id for each in run.required if each.at > since + allowed]
    if late:
        yield f"{late} were changed, though {run.fleet.alarms} stops the rollout since {since}"
    to_change = [each for each in run.members if run.before.tokens(each) == "optional"]
    excused = run.fault in STOPPING or run.killed_after is not None
    if run.stopped_by_alarm_before and to_change and run.fleet.alarms[0] not in run.ended.text and not excused:
        yield f"{run.fleet.alarms} stops the rollout, and the run does not name it"


def _asks_nothing_for_nothing(run: RolloutRun) -> Iterator[str]:
    """Alarms are looked at only where instances change, other than loosened ones, or have just been changed."""
    previewed, ran = run.looks
    to_change = bool(run.fleet.alarms) and any(_is_to_change(run, each) for each in run.before.instances)
    if previewed and not to_change:
        yield f"the preview looked at alarms {previewed} times, and nothing is to change"
    # A run may complete the soak of one before.
    if ran and not to_change and not run.ended.steps:
        yield f"the run looked at alarms {ran} times, and nothing is to change"


def _is_to_change(run: RolloutRun, instance_id: str) -> bool:
    """Whether an instance is to be changed other than by loosening it."""
    view = run.before.instances[instance_id]
    if instance_id in run.fleet.excluded or view["state"] not in ALIVE:
        return False
    tokens, limit = run.before.tokens(instance_id), view["options"]["HttpPutResponseHopLimit"]
    if instance_id in run.fleet.exempt:
        return tokens == "optional" and run.fleet.hop_limit not in (None, limit)
    return tokens == "optional" or run.fleet.hop_limit not in (None, limit)


def _runs_all_along(run: RolloutRun, instance_id: str) -> bool:
    return run.before.is_running(instance_id) and run.after.is_running(instance_id)


def _succeeded(run: RolloutRun) -> Iterator[str]:
    """After a run that succeeded every member requires tokens, and the next preview is empty."""
    if run.next_preview is None:
        return
    after = run.after
    wrong = [each for each in run.members if after.is_running(each) and after.tokens(each) != "required"]
    if wrong:
        yield f"the run succeeded, and {wrong} do not require tokens"
    terminated = any(
        view["state"] in ALIVE and after.instances[each]["state"] not in ALIVE
        for each, view in run.before.instances.items()
    )
    # An instance that was terminated during the run is released by the next one.
    if run.next_preview.steps and not terminated:
        yield f"the preview after a run that succeeded is not empty: {run.next_preview.steps}"


def _does_what_was_previewed(run: RolloutRun) -> Iterator[str]:
    """What the preview showed is what is sent: all of it, or what came before a stop."""
    previewed, sent = set(run.previewed.changes), {each.instance_id for each in run.sent}
    if not sent <= previewed and not run.previewed.program_error:
        yield f"{sorted(sent - previewed)} were changed, and the preview did not show it"
    if run.next_preview is not None and run.fault != "terminated" and previewed - sent:
        yield f"{sorted(previewed - sent)} were not changed, though the preview showed it"


def _loosens_at_once(run: RolloutRun) -> Iterator[str]:
    """An exemption takes effect whatever else stops the run."""
    refused = run.ended.program_error.startswith("FleetMetadata") or run.fault in STOPPING
    if run.killed_after is not None or refused:
        return
    exempt = [each for each in run.fleet.exempt - run.fleet.excluded if run.after.is_running(each)]
    late = [each for each in exempt if run.after.tokens(each) != "optional"]
    if late:
        yield f"{late} are exempt, and still require tokens"


def _ends_in_time(run: RolloutRun) -> Iterator[str]:
    """A run takes no longer than its waves may, and a termination alone does not make it fail."""
    per_wave = max(LONGEST, timedelta(minutes=run.fleet.soak or 0) * 1.5 + timedelta(minutes=10))
    if timedelta(seconds=run.ended.seconds) > (len(run.fleet.waves) + 1) * per_wave:
        yield f"the run took {timedelta(seconds=run.ended.seconds)}"
    if run.fault == "terminated" and run.stopped and not _may_stop(run):
        yield f"the run failed, and nothing but a termination happened: {run.ended.text[-600:]}"


def _may_stop(run: RolloutRun) -> bool:
    return (
        run.killed_after is not None
        or run.stopping_since is not None
        or bool(run.before.calling)
        or bool(run.before.impaired)
        or run.fleet.unknown == "block"
    )
