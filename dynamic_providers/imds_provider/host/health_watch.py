"""Watch instances after their change: describe, ask CloudWatch, wait, and continue or stop the rollout."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from ..errors import WaveStoppedError
from ..rules.target import Target
from ..rules.wave_health import (
    Changed,
    HealthRule,
    Snapshot,
    may_be_covered,
    metrics_since,
    next_check,
    no_data,
    not_covered,
    period,
    progress,
    recently_changed,
    rollout_stopped,
    soak_left,
    soaking,
    unhealthy,
)
from . import runtime
from .alarm_watch import AlarmWatch

PROGRESS_SECONDS = 5.0
DESCRIBE_SECONDS = 60.0
ALARM_SECONDS = 60.0
"""How long a pause of the watch leaves alarms unseen: most are evaluated every minute."""


def require_healthy(targets: Iterable[Target], rule: HealthRule, region: str, title: str, alarms: AlarmWatch) -> None:
    """Wait until every instance that was changed lately is known to be healthy. Look at the alarms at least once.

    Raises :class:`WaveStoppedError` as soon as an instance is unhealthy or an alarm is in ALARM and, where ``rule``
    blocks, once CloudWatch has had no data on an instance for too long.
    """
    changed, started = recently_changed(targets, rule, runtime.ec2(region).now()), runtime.engine().now()
    while changed:
        seen = _snapshot(changed, rule, region)
        if reasons := unhealthy(changed, rule, seen):
            refused = any(calls.count > 0 for each in reasons if (calls := seen.refused.get(each)) is not None)
            raise WaveStoppedError(rollout_stopped(title, reasons, rule, refused=refused))
        in_soak, uncovered = soaking(changed, rule, seen), not_covered(changed, rule, seen)
        expected = [each for each in uncovered if may_be_covered(each, seen.now)]
        if not in_soak and not expected:
            _judge_unknown(uncovered, rule, title)
            break
        alarms.require_no_alarm()
        left = soak_left(in_soak, rule, seen.now)
        line = partial(progress, title, len(in_soak), len(expected), left)
        _pause(next_check(left, runtime.engine().now() - started), line, alarms)
    alarms.require_ok()


def _snapshot(changed: list[Changed], rule: HealthRule, region: str) -> Snapshot:
    ec2, lookups = runtime.ec2(region), runtime.aws().fleet(region)
    ids = sorted(each.instance_id for each in changed)
    described = ec2.describe(ids, ec2.deadline(DESCRIBE_SECONDS))
    running = frozenset(each for each, seen in described.items() if seen.instance_state == "running")
    now = ec2.now()
    refusing = [each for each in changed if each.required_at is not None and each.instance_id in running]
    if not refusing:
        return Snapshot(now, running, {}, {}, lookups.impaired(ids))
    since, names = metrics_since(refusing, rule, now), sorted(each.instance_id for each in refusing)
    # Up to the end of the current minute.
    until = now + timedelta(minutes=1)
    refused, last_data = lookups.refused_calls_and_last_data(names, names, since, until, period(since, until))
    return Snapshot(now, running, last_data, refused, lookups.impaired(ids))


def _judge_unknown(uncovered: list[Changed], rule: HealthRule, title: str) -> None:
    if not uncovered or rule.readiness.unknown == "ignore":
        return
    message = no_data(title, uncovered)
    if rule.readiness.unknown == "block":
        raise WaveStoppedError(message)
    runtime.engine().warn(message)


def _pause(seconds: float, line: Callable[[float], str], alarms: AlarmWatch) -> None:
    """Wait, with a progress line every five seconds; ``line`` takes the seconds passed so far.

    Raises :class:`WaveStoppedError` if an alarm goes into ALARM: a pause of a long soak lasts minutes.
    """
    engine, passed = runtime.engine(), 0.0
    while passed < seconds:
        engine.show_progress(line(passed))
        pause = min(PROGRESS_SECONDS, seconds - passed)
        engine.sleep(pause)
        passed += pause
        if passed % ALARM_SECONDS == 0 and passed < seconds:
            alarms.require_no_alarm()
