"""Whether instances have come through their change: the one rule of a rollout, and the words for it. Pure.

Every instance that the stack has changed in the last days must have had its soak, must be covered by CloudWatch since
the change, and must have been healthy for the last soak, or the last ten minutes if that is longer.

Source: CloudWatch user guide, "Basic monitoring and detailed monitoring": an instance sends its metrics every five
minutes, or every minute; a data point bears the time at which its period begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .imdsv1_usage import LegacyCalls, last_seen, period_seconds, told
from .target import Target
from .validation import DEFAULT_DAYS
from .wording import cut, instances

HEALTHY_FOR = timedelta(minutes=10)
"""For how long at least an instance must have been healthy."""
PUBLISH = timedelta(minutes=5)
"""How far apart the data points of an instance are at most."""
COVERED_WITHIN = timedelta(minutes=20)
"""How long after a change CloudWatch must have covered it: two periods, and as long again for a late one."""


@dataclass(frozen=True)
class Rule:
    """What instances must show. ``soak`` None is as long as it takes until CloudWatch covers the change; 0 is no time.

    ``days`` is for how long a change is remembered; ``unknown`` says what becomes of instances that CloudWatch does not
    cover: ``warn``, ``block`` or ``ignore``.
    """

    soak: timedelta | None = None
    days: int = DEFAULT_DAYS
    unknown: str = "warn"

    @property
    def window(self) -> timedelta:
        """For how long an instance must have been healthy."""
        return max(self.soak or timedelta(0), HEALTHY_FOR)


@dataclass(frozen=True)
class Changed:
    """An instance that was changed at this moment, and made to require tokens at that one, if it was."""

    instance_id: str
    at: datetime
    required_at: datetime | None = None


@dataclass(frozen=True)
class Impairment:
    """A status check of EC2 that an instance fails, and since when, if EC2 says so."""

    what: str
    since: datetime | None = None


def together_impaired(checks: Sequence[Impairment]) -> Impairment:
    """The checks of one instance as one: since the first of them failed, if EC2 says so of all."""
    since = [each.since for each in checks if each.since is not None]
    return Impairment(" and ".join(each.what for each in checks), min(since) if len(since) == len(checks) else None)


@dataclass(frozen=True)
class Look:
    """What is known of instances at one moment, by AWS's clock.

    ``running`` are those that run; ``heard`` has the begin of the last period that CloudWatch has a data point of.
    """

    now: datetime
    running: frozenset[str]
    heard: Mapping[str, datetime]
    refused: Mapping[str, LegacyCalls | None]
    impaired: Mapping[str, Impairment]


def recently_changed(targets: Iterable[Target], rule: Rule, now: datetime) -> list[Changed]:
    """The instances whose change is still remembered."""
    since = now - timedelta(days=rule.days)
    return [
        Changed(each.instance_id, each.changed_at, each.required_at)
        for each in targets
        if each.changed_at is not None and each.changed_at >= since
    ]


def looked_at_from(changed: Sequence[Changed], rule: Rule, now: datetime) -> datetime:
    """The begin of the first period that can say something of the window.

    A point bears the begin of its period, and CloudWatch leaves out those that begin before the time that is asked for.
    """
    first = min(_window_begin(each, rule, now) for each in changed)
    return (first - PUBLISH).replace(second=0, microsecond=0)


def period(since: datetime, until: datetime) -> int:
    """The period to ask CloudWatch for, in seconds."""
    return period_seconds((until - since).total_seconds())


def unhealthy(changed: Sequence[Changed], rule: Rule, look: Look) -> dict[str, list[str]]:
    """Why instances are unhealthy, each reason for itself.

    Only what the change caused counts: calls are refused since tokens are required, and a status check that failed
    before does so for another reason.
    """
    found: dict[str, list[str]] = {}
    for each in changed:
        if each.instance_id not in look.running:
            continue
        calls = look.refused.get(each.instance_id)
        if each.required_at is not None and calls is not None and _is_recent(calls, each, rule, look.now):
            what = refused_calls(calls, looked_at_from(changed, rule, look.now), look.now)
            found.setdefault(each.instance_id, []).append(what)
        impairment = look.impaired.get(each.instance_id)
        if impairment is not None and (impairment.since is None or impairment.since >= (each.required_at or each.at)):
            found.setdefault(each.instance_id, []).append(impairment.what)
    return found


def refused_calls(calls: LegacyCalls, since: datetime, until: datetime) -> str:
    """What is wrong with an instance that refused these calls in the time looked at."""
    # Without detailed monitoring a point stands for five minutes, whatever period is asked for.
    length = max(timedelta(seconds=period(since, until)), PUBLISH)
    return f"refused {told(calls)}{last_seen(calls, length)}"


def soaking(changed: Sequence[Changed], rule: Rule, look: Look) -> list[Changed]:
    """Those that have not had their soak yet."""
    soak = rule.soak or timedelta(0)
    return [each for each in changed if each.instance_id in look.running and each.at + soak > look.now]


def not_covered(changed: Sequence[Changed], rule: Rule, look: Look) -> list[Changed]:
    """Those whose time since the change CloudWatch does not cover.

    Where no calls can be refused, or nothing is to be watched, no data is needed.
    """
    if rule.soak == timedelta(0):
        return []
    return [
        each
        for each in changed
        if each.instance_id in look.running
        and each.required_at is not None
        and not _is_covered(each.required_at, look.heard.get(each.instance_id), rule, look.now)
    ]


def may_be_covered(each: Changed, now: datetime) -> bool:
    """Whether there is still time for CloudWatch to cover the change."""
    return each.required_at is not None and now < each.required_at + COVERED_WITHIN


def seconds_left(waiting: Sequence[Changed], rule: Rule, now: datetime) -> float:
    """How long it takes until the last of them has had its soak; 0 where only CloudWatch is waited for."""
    soak = rule.soak or timedelta(0)
    return max((each.at + soak - now).total_seconds() for each in waiting) if waiting else 0.0


def next_look(left: float, waited: float) -> float:
    """Seconds until the next look: a tenth of the soak that is left, or else a fifth of the time waited, up to 30 s.

    CloudWatch bills a look by the metric, so a soak of a day has a few hundred of them, and no more.
    """
    return min(max(1.0, left / 10), 300.0) if left else min(max(5.0, waited / 5), 30.0)


def stopped(title: str, reasons: Mapping[str, Sequence[str]], rule: Rule, *, refused: bool) -> str:
    """The error for a rollout with unhealthy instances."""
    lines = "".join(f"\n  {instance_id}: {', '.join(what)}" for instance_id, what in sorted(reasons.items()))
    back = "\n  To allow IMDSv1 again at once, exempt them with httpTokens: optional and a reason in allowDowngrade."
    return (
        f"{title}rollout stopped: these instances are unhealthy after the change:{lines}\n"
        "  Fix the workloads and rerun `pulumi up`: it resumes here once they have been healthy for "
        f"{rule.window.total_seconds() / 60:g} minutes.\n"
        f"  Or exclude them: the next run continues without them.{back if refused else ''}"
    )


def unknown_line(title: str, uncovered: Sequence[Changed]) -> str:
    """The line for instances of which it is not known whether they refuse calls."""
    ids = cut(sorted(each.instance_id for each in uncovered))
    return (
        f"{title}CloudWatch has no data since the change of {ids}: whether IMDSv1 calls are refused there is not known."
    )


def progress(title: str, soaking: int, not_covered: int, left: float, passed: float) -> str:
    """The line for the time of waiting, so many seconds after a look."""
    if soaking:
        return f"{title}soak of {instances(soaking)}, {max(0.0, left - passed):.0f} s more"
    return f"{title}waiting for CloudWatch to cover the change of {instances(not_covered)}"


def _window_begin(each: Changed, rule: Rule, now: datetime) -> datetime:
    return max(each.at if each.required_at is None else each.required_at, now - rule.window)


def _longest_point(rule: Rule) -> timedelta:
    """How much time a data point of the answer stands for at most: one of five minutes may begin late in its period."""
    seconds = period_seconds((rule.window + 2 * PUBLISH).total_seconds())
    return PUBLISH + timedelta(seconds=seconds - 60)


def _is_recent(calls: LegacyCalls, each: Changed, rule: Rule, now: datetime) -> bool:
    """Whether calls were refused in the instance's own window: what was asked may begin earlier, for another one."""
    if calls.count <= 0:
        return False
    return calls.last_seen is None or calls.last_seen + _longest_point(rule) >= _window_begin(each, rule, now)


def _is_covered(changed_at: datetime, heard: datetime | None, rule: Rule, now: datetime) -> bool:
    """Whether a whole period since the change is known; of an old change, one that is recent enough."""
    return heard is not None and heard >= max(changed_at, now - HEALTHY_FOR - _longest_point(rule))
