"""What must hold of a rollout, said without looking at how it works. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.model.fleet_stack import Ended
    from tests.model.rollouts import Fleet
    from tests.support.recording_cloud import Hardened

SAME_WAVE = timedelta(seconds=30)
"""Modifications of one wave lie closer together than this, and those of two further apart where there is a soak."""
TO_THE_SECOND = timedelta(seconds=2)
"""When a change was made is recorded to the second, as AWS shows its clock."""
PUBLISHED = timedelta(minutes=5)
VISIBLE = timedelta(minutes=12)
"""By then CloudWatch shows calls that were refused all the time."""
LONGEST = timedelta(minutes=25)
"""By then CloudWatch has covered a change, or is not waited for any longer."""
BLIND = ("no-data", "partial")
STOPPING = ("forbidden", "status-forbidden")


@dataclass(frozen=True)
class Before:
    """EC2 at one moment: each instance, who calls IMDSv1, and when the stack made tokens required."""

    now: datetime
    instances: Mapping[str, Any]
    calling: Collection[str]
    impaired: Collection[str]
    hardened: Mapping[str, Hardened]

    def is_running(self, instance_id: str) -> bool:
        return bool(self.instances.get(instance_id, {}).get("state") == "running")

    def tokens(self, instance_id: str) -> str:
        return str(self.instances[instance_id]["options"]["HttpTokens"])


@dataclass(frozen=True)
class Played:
    """A run, with its preview before and, if it succeeded, the one after."""

    fleet: Fleet
    then: Before
    now: Before
    foretold: Ended
    ended: Ended
    after: Ended | None
    sent: Sequence[Hardened]
    trouble: str
    killed_after: int | None
    of_other_fleet: bool = False

    @property
    def members(self) -> list[str]:
        """The instances of the fleet that are to require tokens."""
        left = self.fleet.excluded | self.fleet.exempt
        alive = [each for each, view in self.then.instances.items() if view["state"] in ALIVE and each not in left]
        return [each for each in alive if (each in self.fleet.moved) == self.of_other_fleet]

    @property
    def required(self) -> list[Hardened]:
        """The instances of the fleet on which tokens became required, one after the other."""
        return [
            each
            for each in self.sent
            if each.required and (each.instance_id in self.fleet.moved) == self.of_other_fleet
        ]

    @property
    def stopped(self) -> bool:
        return bool(self.ended.failed or self.ended.program)


ALIVE = ("running", "stopped", "pending", "stopping")


def violations(played: Played) -> Iterator[str]:
    for of_other_fleet in (False, True):
        fleet = replace(played, of_other_fleet=of_other_fleet)
        yield from _remembers_a_stop(fleet)
        yield from _waits_for_each_wave(fleet)
        yield from _brings_about(fleet)
    yield from _foretells(played)
    yield from _loosens_at_once(played)
    yield from _ends(played)


def _sick_before(played: Played) -> list[str]:
    """The members that have refused calls since a run of this stack required tokens, for so long that it shows."""
    then = played.then
    return [
        each
        for each in played.members
        if each in then.hardened
        and then.hardened[each].required
        and then.is_running(each)
        and each in then.calling
        and then.tokens(each) == "required"
        and timedelta(days=13) > then.now - then.hardened[each].at > VISIBLE
    ]


def _remembers_a_stop(played: Played) -> Iterator[str]:
    """A rollout that was stopped stays so until each instance that stopped it is healthy, excluded, exempt or gone."""
    sick = _sick_before(played)
    if not sick or played.trouble in BLIND:
        return
    changed = sorted(each.instance_id for each in played.required if each.instance_id not in sick)
    if changed:
        yield f"{changed} were changed, though {sick} refuse calls"
    to_change = [each for each in played.members if played.then.tokens(each) == "optional"]
    if to_change and not any(each in played.ended.text for each in sick) and not _excused(played):
        yield f"{sick} refuse calls, and the run does not name any of them"


def _excused(played: Played) -> bool:
    return played.trouble in STOPPING or played.killed_after is not None


def _waits_for_each_wave(played: Played) -> Iterator[str]:
    """Whoever is changed later is so after the soak of those before, once CloudWatch covers them, if they are well."""
    if played.fleet.soak == 0:
        return
    soak = timedelta(minutes=played.fleet.soak or 0)
    earlier = {**{each: at for each, at in played.then.hardened.items() if each in played.members}}
    for one in played.required:
        earlier[one.instance_id] = one
        for other in earlier.values():
            gap = one.at - other.at
            # One that stands still has nothing to show.
            if gap <= SAME_WAVE or not other.required or not _runs_all_along(played, other.instance_id):
                continue
            if gap < soak - TO_THE_SECOND:
                yield f"{one.instance_id} was changed {gap} after {other.instance_id}, before its soak was over"
            if played.trouble not in BLIND and gap < PUBLISHED:
                yield f"{one.instance_id} was changed {gap} after {other.instance_id}, which CloudWatch did not cover"
            if played.trouble == "no-data" and played.fleet.unknown == "block" and gap < timedelta(minutes=20):
                yield f"{one.instance_id} was changed, and nothing was known of {other.instance_id}"
            if played.trouble not in BLIND and other.instance_id in played.then.calling and gap < timedelta(days=13):
                yield f"{one.instance_id} was changed, though {other.instance_id} refuses calls"


def _runs_all_along(played: Played, instance_id: str) -> bool:
    return played.then.is_running(instance_id) and played.now.is_running(instance_id)


def _brings_about(played: Played) -> Iterator[str]:
    """A run that succeeded has brought all about, the outputs say so, and the next preview is empty."""
    if played.after is None:
        return
    wrong = [each for each in played.members if played.now.is_running(each) and played.now.tokens(each) != "required"]
    if wrong:
        yield f"the run succeeded, and {wrong} do not require tokens"
    goes = any(
        view["state"] in ALIVE and played.now.instances[each]["state"] not in ALIVE
        for each, view in played.then.instances.items()
    )
    # An instance that went meanwhile leaves with the next run.
    if played.after.steps and not goes:
        yield f"the preview after a run that succeeded is not empty: {played.after.steps}"


def _foretells(played: Played) -> Iterator[str]:
    """What the rows of the preview say will change is what is sent, all of it or what came before a stop."""
    foretold, sent = set(played.foretold.changes), {each.instance_id for each in played.sent}
    if not sent <= foretold and not played.foretold.program:
        yield f"{sorted(sent - foretold)} were changed, and the preview did not say so"
    if played.after is not None and played.trouble != "terminated" and foretold - sent:
        yield f"{sorted(foretold - sent)} were not changed, though the preview says so"


def _loosens_at_once(played: Played) -> Iterator[str]:
    """An exemption takes effect whatever else stops the run."""
    refused = played.ended.program.startswith("FleetMetadata") or played.trouble in STOPPING
    if played.killed_after is not None or refused:
        return
    exempt = [each for each in played.fleet.exempt - played.fleet.excluded if played.now.is_running(each)]
    late = [each for each in exempt if played.now.tokens(each) != "optional"]
    if late:
        yield f"{late} are exempt, and still require tokens"


def _ends(played: Played) -> Iterator[str]:
    """A run takes no longer than its waves may."""
    per_wave = max(LONGEST, timedelta(minutes=played.fleet.soak or 0) * 1.5 + timedelta(minutes=10))
    limit = (len(played.fleet.waves) + 1) * per_wave
    if timedelta(seconds=played.ended.seconds) > limit:
        yield f"the run took {timedelta(seconds=played.ended.seconds)}"
    if played.trouble == "terminated" and played.stopped and not _sick_or_impaired(played):
        yield f"the run failed, and nothing but a termination happened: {played.ended.text[-600:]}"


def _sick_or_impaired(played: Played) -> bool:
    return (
        played.killed_after is not None
        or bool(played.then.calling)
        or bool(played.then.impaired)
        or played.fleet.unknown == "block"
    )
