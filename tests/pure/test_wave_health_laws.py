"""What holds of the health rule for every fleet, however late or silent CloudWatch is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Literal

from hypothesis import assume, given
from hypothesis import strategies as st

from imds_provider.rules.imdsv1_usage import total
from imds_provider.rules.readiness import Readiness
from imds_provider.rules.target import Change, Target
from imds_provider.rules.wave_health import (
    COVERED_WITHIN,
    PUBLISH,
    Changed,
    HealthRule,
    Impairment,
    Snapshot,
    may_be_covered,
    metrics_since,
    not_covered,
    recently_changed,
    soaking,
    unhealthy,
)

NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
WATCH_SECONDS = 4 * 3600

Verdict = Literal["stopped", "waiting", "unknown", "healthy"]


@dataclass(frozen=True)
class Instance:
    """One that was changed, and what CloudWatch will have of it. Times are seconds after noon.

    Its data points begin at ``phase`` and every five minutes. It refuses calls from ``refuses`` until ``fixed``, and
    sends nothing at all from ``silent`` until ``heard``.
    """

    number: int
    changed: int
    required: int | None
    phase: int
    refuses: int
    fixed: int
    silent: int
    heard: int

    @property
    def instance_id(self) -> str:
        return f"i-{self.number:08x}"

    @property
    def as_changed(self) -> Changed:
        return Changed(self.instance_id, at(self.changed), None if self.required is None else at(self.required))

    def points(self, now: int, lag: int) -> list[tuple[datetime, bool]]:
        """The start of each period that CloudWatch has by now, and whether calls were refused in it."""
        begins = range(self.phase - 3 * WATCH_SECONDS, now - 300 - lag + 1, 300)
        sent = [each for each in begins if not self.silent <= each < self.heard]
        return [(at(each), self.refuses < each + 300 and each < self.fixed) for each in sent]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def snapshot(instances: Sequence[Instance], rule: HealthRule, now: int, lag: int) -> Snapshot:
    """The snapshot of the instances at that moment, requested as the provider does."""
    running = frozenset(each.instance_id for each in instances)
    refusing = [each for each in instances if each.required is not None]
    if not refusing:
        return Snapshot(at(now), running, {}, {}, {})
    since = metrics_since([each.as_changed for each in refusing], rule, at(now))
    answered = {each.instance_id: [p for p in each.points(now, lag) if p[0] >= since] for each in refusing}
    heard = {each: max(begin for begin, _ in points) for each, points in answered.items() if points}
    refused = {each: total((begin, 50.0) for begin, bad in points if bad) for each, points in answered.items()}
    return Snapshot(at(now), running, heard, refused, {})


def verdict(instances: Sequence[Instance], rule: HealthRule, now: int, lag: int) -> Verdict:
    """The state of the rollout at that moment."""
    changed, seen = [each.as_changed for each in instances], snapshot(instances, rule, now, lag)
    if unhealthy(changed, rule, seen):
        return "stopped"
    uncovered = not_covered(changed, rule, seen)
    if soaking(changed, rule, seen) or any(may_be_covered(each, seen.now) for each in uncovered):
        return "waiting"
    return "unknown" if uncovered else "healthy"


NEVER = 10 * WATCH_SECONDS
SECONDS = st.integers(-2 * WATCH_SECONDS, 0)
NOW = st.integers(0, WATCH_SECONDS)
LAGS = st.integers(0, 1800)
SOAKS = st.one_of(st.none(), st.integers(1, 180))
RULES = SOAKS.map(lambda each: HealthRule(soak=None if each is None else each * MINUTE))


@st.composite
def instances(draw: Callable[[st.SearchStrategy[int]], int], *, sends: bool = False) -> Instance:
    """Any instance; one that ``sends`` data is never silent."""
    changed = draw(SECONDS)
    required = draw(st.sampled_from([0, 1, 2]))
    refuses, silent = (draw(st.integers(-WATCH_SECONDS, WATCH_SECONDS)) for _ in range(2))
    return Instance(
        number=draw(st.integers(0, 2**32 - 1)),
        changed=changed,
        required=(None, changed, changed - draw(st.integers(0, 3600)))[required],
        phase=60 * draw(st.integers(0, 4)),
        refuses=refuses,
        fixed=draw(st.integers(refuses, NEVER)),
        silent=NEVER if sends else silent,
        heard=NEVER if sends else draw(st.integers(silent, NEVER)),
    )


FLEETS = st.lists(instances(), max_size=5, unique_by=lambda each: each.number)


def named(found: Sequence[Instance], rule: HealthRule, now: int, lag: int) -> set[str]:
    return set(unhealthy([each.as_changed for each in found], rule, snapshot(found, rule, now, lag)))


@given(instances(sends=True), FLEETS, RULES, NOW, LAGS)
def test_an_instance_that_refused_calls_lately_is_unhealthy_whatever_else_is_in_the_fleet(
    bad: Instance, others: list[Instance], rule: HealthRule, now: int, lag: int
) -> None:
    assume(bad.required is not None and bad.number not in {each.number for each in others})
    assert bad.required is not None
    since = max(at(bad.required), at(now) - rule.window)
    assume(any(refused and begin + PUBLISH >= since for begin, refused in bad.points(now, lag)))
    assert bad.instance_id in named([bad], rule, now, lag)
    assert bad.instance_id in named([*others, bad], rule, now, lag)


@given(FLEETS, FLEETS, RULES, NOW, LAGS)
def test_a_new_instance_makes_no_other_healthy(
    fleet: list[Instance], more: list[Instance], rule: HealthRule, now: int, lag: int
) -> None:
    known = {each.number for each in fleet}
    grown = [*fleet, *(each for each in more if each.number not in known)]
    assert named(fleet, rule, now, lag) <= named(grown, rule, now, lag)


@given(FLEETS, RULES, NOW, LAGS, st.randoms(use_true_random=False))
def test_the_order_of_the_instances_does_not_matter(
    fleet: list[Instance], rule: HealthRule, now: int, lag: int, random: Random
) -> None:
    shuffled = random.sample(fleet, len(fleet))
    assert named(shuffled, rule, now, lag) == named(fleet, rule, now, lag)
    assert verdict(shuffled, rule, now, lag) == verdict(fleet, rule, now, lag)


@given(instances(), FLEETS, RULES, NOW, LAGS)
def test_an_instance_that_always_refuses_calls_is_never_healthy_however_late_or_silent_cloudwatch_is(
    bad: Instance, others: list[Instance], rule: HealthRule, now: int, lag: int
) -> None:
    assume(bad.required is not None and bad.number not in {each.number for each in others})
    assert bad.required is not None
    bad = replace(bad, refuses=bad.required, fixed=NEVER)
    assert verdict([bad, *others], rule, now, lag) != "healthy"


@given(instances(), FLEETS, RULES, st.integers(0, 1199), LAGS)
def test_an_instance_that_is_not_covered_is_neither_healthy_nor_unknown_before_the_deadline(
    silent: Instance, others: list[Instance], rule: HealthRule, passed: int, lag: int
) -> None:
    assume(silent.required is not None and silent.number not in {each.number for each in others})
    required = silent.required
    assert required is not None
    silent = replace(silent, silent=required - 299, heard=NEVER)
    assert timedelta(seconds=passed) < COVERED_WITHIN
    assert verdict([silent, *others], rule, required + passed, lag) in ("waiting", "stopped")


@given(st.lists(instances(sends=True), max_size=5, unique_by=lambda each: each.number), RULES, st.integers(0, 240))
def test_a_healthy_fleet_waits_no_longer_than_its_soak_and_cloudwatch_take(
    fleet: list[Instance], rule: HealthRule, lag: int
) -> None:
    healthy = [replace(each, refuses=NEVER, fixed=NEVER) for each in fleet]
    last = max((each.changed for each in fleet), default=0)
    end = last + int(max(rule.soak or timedelta(0), COVERED_WITHIN).total_seconds())
    assert verdict(healthy, rule, end, lag) == "healthy"


@given(instances(sends=True), RULES, st.integers(0, 240))
def test_a_fixed_instance_is_healthy_again_after_the_soak_or_ten_minutes(
    bad: Instance, rule: HealthRule, lag: int
) -> None:
    assume(bad.required is not None)
    bad = replace(bad, changed=-2 * WATCH_SECONDS, required=-2 * WATCH_SECONDS, refuses=-2 * WATCH_SECONDS, fixed=0)
    # The last period with a refused call, and the minute that is asked from on.
    end = int((rule.window + 2 * PUBLISH + MINUTE).total_seconds())
    assert verdict([bad], rule, 0, lag) == "stopped"
    assert verdict([bad], rule, end, lag) == "healthy"


@given(FLEETS, SOAKS, SOAKS, LAGS)
def test_a_longer_soak_never_lets_a_rollout_continue_earlier(
    fleet: list[Instance], one: int | None, other: int | None, lag: int
) -> None:
    shorter, longer = sorted((one, other), key=lambda each: each or 0)
    last = max((each.changed for each in fleet), default=0)

    def goes_on(minutes: int | None) -> float:
        rule = HealthRule(soak=None if minutes is None else minutes * MINUTE)
        moments = range(last, last + WATCH_SECONDS, 600)
        return next((m for m in moments if verdict(fleet, rule, m, lag) in ("healthy", "unknown")), float("inf"))

    assert goes_on(shorter) <= goes_on(longer)


@given(FLEETS, SOAKS, SOAKS, NOW, LAGS)
def test_what_is_healthy_by_a_longer_soak_is_so_by_a_shorter_one_at_any_moment(
    fleet: list[Instance], one: int | None, other: int | None, now: int, lag: int
) -> None:
    shorter, longer = (
        HealthRule(soak=None if each is None else each * MINUTE)
        for each in sorted((one, other), key=lambda each: each or 0)
    )
    if verdict(fleet, longer, now, lag) == "healthy":
        assert verdict(fleet, shorter, now, lag) == "healthy"


@given(FLEETS, RULES, NOW, LAGS)
def test_refused_calls_count_only_where_a_change_made_tokens_required(
    fleet: list[Instance], rule: HealthRule, now: int, lag: int
) -> None:
    required = {each.instance_id for each in fleet if each.required is not None}
    assert named(fleet, rule, now, lag) <= required
    state = snapshot(fleet, rule, now, lag)
    others = [replace(each.as_changed, required_at=None) for each in fleet]
    assert unhealthy(others, rule, state) == {}
    assert not_covered(others, rule, state) == []


@given(instances(), FLEETS, RULES, NOW, LAGS)
def test_calls_refused_before_tokens_became_required_do_not_count_whatever_else_is_in_the_fleet(
    fixed: Instance, others: list[Instance], rule: HealthRule, now: int, lag: int
) -> None:
    assume(fixed.required is not None and fixed.number not in {each.number for each in others})
    assert fixed.required is not None
    # All but those of the period, and of the minute, that it became so in.
    fixed = replace(fixed, refuses=fixed.required - 3600, fixed=fixed.required - 360)
    assert fixed.instance_id not in named([fixed, *others], rule, now, lag)


@given(fleet=FLEETS, rule=RULES, now=NOW, seconds=st.integers(1, 10**6), known=st.booleans())
def test_an_impairment_counts_exactly_if_it_is_not_known_to_be_older_than_the_change(
    fleet: list[Instance], rule: HealthRule, now: int, seconds: int, *, known: bool
) -> None:
    changed = [each.as_changed for each in fleet]
    state = replace(snapshot(fleet, rule, now, 0), refused={})
    first = {each.instance_id: each.required_at or each.at for each in changed}
    before = {each: Impairment("impaired", at - timedelta(seconds=seconds)) for each, at in first.items()}
    assert unhealthy(changed, rule, replace(state, impaired=before)) == {}
    after = {each: Impairment("impaired", at + timedelta(seconds=seconds)) for each, at in first.items()}
    after = after if known else {each: Impairment("impaired") for each in after}
    assert set(unhealthy(changed, rule, replace(state, impaired=after))) == set(after)


@given(FLEETS, RULES, NOW, LAGS, st.randoms(use_true_random=False))
def test_an_instance_that_does_not_run_changes_nothing_for_the_others(
    fleet: list[Instance], rule: HealthRule, now: int, lag: int, random: Random
) -> None:
    changed, state = [each.as_changed for each in fleet], snapshot(fleet, rule, now, lag)
    off = {each.instance_id for each in fleet if random.random() < 0.5}
    rest = [each for each in changed if each.instance_id not in off]
    seen = replace(state, running=state.running - off)
    assert set(unhealthy(changed, rule, seen)) == set(unhealthy(changed, rule, state)) - off
    assert soaking(changed, rule, seen) == soaking(rest, rule, state)
    assert not_covered(changed, rule, seen) == not_covered(rest, rule, state)


@given(FLEETS, st.integers(1, 455), st.randoms(use_true_random=False))
def test_every_change_is_read_back_from_its_own_target(fleet: list[Instance], days: int, random: Random) -> None:
    wanted = {"httpTokens": "required"}
    runs = {each.number: f"{random.getrandbits(32):08x}" for each in fleet}
    targets = [
        Target(each.instance_id, wanted, Change(runs[each.number], found.at, found.required_at))
        for each in fleet
        for found in [each.as_changed]
    ]
    lines = [Target.parse(str(each)) for each in random.sample(targets, len(targets))]
    found = recently_changed([each for each in lines if each], HealthRule(readiness=Readiness(days=days)), NOON)
    assert {each.instance_id: each for each in found} == {each.instance_id: each.as_changed for each in fleet}
