"""Watching instances until they have come through their change: describe, ask CloudWatch, wait, and go on or stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from ..errors import WaveStoppedError
from ..rules.target import Target
from ..rules.wave_health import (
    Changed,
    Look,
    Rule,
    looked_at_from,
    may_be_covered,
    next_look,
    not_covered,
    period,
    progress,
    recently_changed,
    seconds_left,
    soaking,
    stopped,
    unhealthy,
    unknown_line,
)
from . import runtime

PROGRESS_SECONDS = 5.0
DESCRIBE_SECONDS = 60.0


def require_healthy(targets: Iterable[Target], rule: Rule, region: str, title: str) -> None:
    """Wait until every instance that was changed lately has come through it.

    Raises :class:`WaveStoppedError` as soon as one is known to be unhealthy, and where ``rule`` blocks, once one has
    stayed unknown for too long.
    """
    ec2 = runtime.ec2(region)
    changed, began = recently_changed(targets, rule, ec2.now()), runtime.engine().now()
    while changed:
        look = _look(changed, rule, region)
        if reasons := unhealthy(changed, rule, look):
            refused = any(calls.count > 0 for each in reasons if (calls := look.refused.get(each)) is not None)
            raise WaveStoppedError(stopped(title, reasons, rule, refused=refused))
        in_soak, uncovered = soaking(changed, rule, look), not_covered(changed, rule, look)
        expected = [each for each in uncovered if may_be_covered(each, look.now)]
        if not in_soak and not expected:
            _judge_unknown(uncovered, rule, title)
            return
        left = seconds_left(in_soak, rule, look.now)
        line = partial(progress, title, len(in_soak), len(expected), left)
        _pause(next_look(left, runtime.engine().now() - began), line)


def _look(changed: list[Changed], rule: Rule, region: str) -> Look:
    ec2, calls = runtime.ec2(region), runtime.aws().fleet(region)
    ids = sorted(each.instance_id for each in changed)
    described = ec2.describe(ids, ec2.deadline(DESCRIBE_SECONDS))
    running = frozenset(each for each, seen in described.items() if seen.instance_state == "running")
    now = ec2.now()
    refusing = [each for each in changed if each.required_at is not None and each.instance_id in running]
    if not refusing:
        return Look(now, running, {}, {}, calls.impaired(ids))
    since, names = looked_at_from(refusing, rule, now), sorted(each.instance_id for each in refusing)
    # To the end of the minute that has begun.
    until = now + timedelta(minutes=1)
    refused, heard = calls.refused_and_heard(names, names, since, until, period(since, until))
    return Look(now, running, heard, refused, calls.impaired(ids))


def _judge_unknown(uncovered: list[Changed], rule: Rule, title: str) -> None:
    if not uncovered or rule.unknown == "ignore":
        return
    line = unknown_line(title, uncovered)
    if rule.unknown == "block":
        raise WaveStoppedError(line)
    runtime.engine().warn(line)


def _pause(seconds: float, line: Callable[[float], str]) -> None:
    """Wait, with a line of progress every five seconds that is given how many have passed."""
    engine, passed = runtime.engine(), 0.0
    while passed < seconds:
        engine.show_progress(line(passed))
        pause = min(PROGRESS_SECONDS, seconds - passed)
        engine.sleep(pause)
        passed += pause
