"""Whether instances are healthy after their change: the one rule of a rollout, and its messages.

Every instance that the stack changed in the last days must have completed its soak, must be covered by CloudWatch since
the change, and must have been healthy for the last soak, or the last ten minutes if that is longer.

Source: CloudWatch user guide, "Basic monitoring and detailed monitoring": an instance sends its metrics every five
minutes, or every minute; a data point bears the time at which its period starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .imdsv1_usage import Imdsv1Usage, period_seconds
from .readiness import Readiness
from .target import Target
from .wording import instances, shorten

HEALTHY_FOR = timedelta(minutes=10)
"""The shortest time for which an instance must have been healthy."""
PUBLISH = timedelta(minutes=5)
"""The longest time between two data points of an instance."""
COVERED_WITHIN = timedelta(minutes=20)
"""How long CloudWatch may take to cover a change: two periods, and as long again for late data."""


@dataclass(frozen=True)
class HealthRule:
    """What instances must show.

    ``soak`` None waits until CloudWatch covers the change, 0 does not wait. Changes older than ``readiness.days`` do
    not count, and ``readiness.unknown`` is what instances that CloudWatch does not cover do.
    """

    soak: timedelta | None = None
    readiness: Readiness = field(default_factory=Readiness)

    @property
    def window(self) -> timedelta:
        """How long an instance must have been healthy."""
        return max(self.soak or timedelta(0), HEALTHY_FOR)


@dataclass(frozen=True)
class Changed:
    """An instance, the time of its change, and the time at which a change made tokens required, if one did."""

    instance_id: str
    at: datetime
    required_at: datetime | None = None


@dataclass(frozen=True)
class Impairment:
    """A status check of EC2 that an instance fails, and since when, if EC2 reports it."""

    check: str
    since: datetime | None = None


def merge_impairments(found: Sequence[Impairment]) -> Impairment:
    """The failed checks of one instance as one, since the first of them failed, if EC2 reports that of all."""
    since = [each.since for each in found if each.since is not None]
    return Impairment(" and ".join(each.check for each in found), min(since) if len(since) == len(found) else None)


@dataclass(frozen=True)
class Snapshot:
    """What EC2 and CloudWatch report at one moment, by AWS's clock; mappings are by instance ID.

    ``last_data`` has the start of the last period with a data point.
    """

    now: datetime
    running: frozenset[str]
    last_data: Mapping[str, datetime]
    refused: Mapping[str, Imdsv1Usage | None]
    impaired: Mapping[str, Impairment]


def recently_changed(targets: Iterable[Target], rule: HealthRule, now: datetime) -> list[Changed]:
    """The instances that were changed in the last days, other than loosened: that cannot break a workload."""
    since = now - timedelta(days=rule.readiness.days)
    return [
        Changed(each.instance_id, each.change.at, each.required_at)
        for each in targets
        if each.change is not None and each.change.at is not None and each.change.at >= since
    ]


def metrics_since(changed: Sequence[Changed], rule: HealthRule, now: datetime) -> datetime:
    """The start of the first period that reaches into the window of an instance.

    A data point bears the start of its period, and CloudWatch leaves out those from before the requested time.
    """
    first = min(_window_start(each, rule, now) for each in changed)
    return (first - PUBLISH).replace(second=0, microsecond=0)


def period(since: datetime, until: datetime) -> int:
    """The period to request of CloudWatch, in seconds."""
    return period_seconds((until - since).total_seconds())


def unhealthy(changed: Sequence[Changed], rule: HealthRule, seen: Snapshot) -> dict[str, list[str]]:
    """The reasons why instances are unhealthy, by ID.

    Only what the change may have caused counts: calls refused since tokens are required, and status checks that failed
    after the change.
    """
    found: dict[str, list[str]] = {}
    for each in changed:
        if each.instance_id not in seen.running:
            continue
        calls = seen.refused.get(each.instance_id)
        if each.required_at is not None and calls is not None and _is_recent(calls, each, rule, seen.now):
            reason = refused_calls(calls, metrics_since(changed, rule, seen.now), seen.now)
            found.setdefault(each.instance_id, []).append(reason)
        impairment = seen.impaired.get(each.instance_id)
        if impairment is not None and (impairment.since is None or impairment.since >= (each.required_at or each.at)):
            found.setdefault(each.instance_id, []).append(impairment.check)
    return found


def refused_calls(calls: Imdsv1Usage, since: datetime, until: datetime) -> str:
    """The reason for an instance that refused these calls between two times."""
    # Without detailed monitoring a data point stands for five minutes, whatever the requested period.
    length = max(timedelta(seconds=period(since, until)), PUBLISH)
    return f"refused {calls}{calls.last_between(length)}"


def soaking(changed: Sequence[Changed], rule: HealthRule, seen: Snapshot) -> list[Changed]:
    """The running instances that have not completed their soak."""
    soak = rule.soak or timedelta(0)
    return [each for each in changed if each.instance_id in seen.running and each.at + soak > seen.now]


def not_covered(changed: Sequence[Changed], rule: HealthRule, seen: Snapshot) -> list[Changed]:
    """The running instances without data from after their change.

    No data is needed where no calls can be refused, nor with a soak of 0.
    """
    if rule.soak == timedelta(0):
        return []
    return [
        each
        for each in changed
        if each.instance_id in seen.running
        and each.required_at is not None
        and not _is_covered(each.required_at, seen.last_data.get(each.instance_id), rule, seen.now)
    ]


def may_be_covered(each: Changed, now: datetime) -> bool:
    """Whether CloudWatch data may still arrive."""
    return each.required_at is not None and now < each.required_at + COVERED_WITHIN


def soak_left(waiting: Sequence[Changed], rule: HealthRule, now: datetime) -> float:
    """Seconds until the last of them has completed its soak; 0 if there are none."""
    soak = rule.soak or timedelta(0)
    return max((each.at + soak - now).total_seconds() for each in waiting) if waiting else 0.0


def next_check(left: float, waited: float) -> float:
    """Seconds until the next check: a tenth of the soak that is left, or else a fifth of the time waited, up to 30 s.

    CloudWatch bills by the metric requested, so that a day of soak takes a few hundred checks.
    """
    return min(max(1.0, left / 10), 300.0) if left else min(max(5.0, waited / 5), 30.0)


def rollout_stopped(title: str, reasons: Mapping[str, Sequence[str]], rule: HealthRule, *, refused: bool) -> str:
    """The error for unhealthy instances, one line per instance."""
    lines = "".join(f"\n  {instance_id}: {', '.join(each)}" for instance_id, each in sorted(reasons.items()))
    back = "\n  To allow IMDSv1 again at once, exempt them with httpTokens: optional and a reason in allowDowngrade."
    return (
        f"{title}rollout stopped: these instances are unhealthy after the change:{lines}\n"
        "  Fix the workloads and rerun `pulumi up`: it resumes here once they have been healthy for "
        f"{rule.window.total_seconds() / 60:g} minutes.\n"
        f"  Or exclude them: the next run continues without them.{back if refused else ''}"
    )


def no_data(title: str, uncovered: Sequence[Changed]) -> str:
    """The warning or error for instances that may refuse calls without anyone knowing."""
    ids = shorten(sorted(each.instance_id for each in uncovered))
    return (
        f"{title}CloudWatch has no data since the change of {ids}, so it is unknown whether IMDSv1 calls are refused "
        "there. Check that the instances send metrics, then rerun `pulumi up`."
    )


def progress(title: str, soaking: int, not_covered: int, left: float, passed: float) -> str:
    """The progress line, ``passed`` seconds after a check."""
    if soaking:
        return f"{title}soaking {instances(soaking)}, {max(0.0, left - passed):.0f} s left"
    return f"{title}waiting for CloudWatch to cover the change of {instances(not_covered)}"


def _window_start(each: Changed, rule: HealthRule, now: datetime) -> datetime:
    return max(each.required_at or each.at, now - rule.window)


def _longest_point(rule: HealthRule) -> timedelta:
    """The longest time that a data point stands for: one of five minutes may start late in its period."""
    seconds = period_seconds((rule.window + 2 * PUBLISH).total_seconds())
    return PUBLISH + timedelta(seconds=seconds - 60)


def _is_recent(calls: Imdsv1Usage, each: Changed, rule: HealthRule, now: datetime) -> bool:
    """Whether calls were refused in the instance's own window: the data may start earlier, for another instance."""
    if calls.count <= 0:
        return False
    return calls.last_seen is None or calls.last_seen + _longest_point(rule) >= _window_start(each, rule, now)


def _is_covered(changed_at: datetime, last_data: datetime | None, rule: HealthRule, now: datetime) -> bool:
    """Whether there is data of a whole period since the change; of an old change, of a recent period."""
    return last_data is not None and last_data >= max(changed_at, now - HEALTHY_FOR - _longest_point(rule))
