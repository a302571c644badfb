from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imds_components.fleet.waves import Rollout, assign

IDS = st.sets(st.integers(0, 2**32 - 1).map(lambda number: f"i-{number:08x}"), max_size=60)
COUNTS = st.lists(st.integers(1, 40), unique=True, max_size=3).map(sorted)
PERCENTS = st.lists(st.integers(1, 100), unique=True, max_size=3).map(
    lambda numbers: [f"{number}%" for number in sorted(numbers)]
)
ROLLOUTS = st.tuples(COUNTS, PERCENTS).filter(any).map(lambda both: Rollout(waves=[*both[0], *both[1]]))


def wave_of(waves: dict[int, list[str]]) -> dict[str, int]:
    return {instance_id: number for number, ids in waves.items() for instance_id in ids}


@given(IDS, ROLLOUTS)
def test_every_instance_is_in_exactly_one_wave(ids: set[str], rollout: Rollout) -> None:
    waves = assign(ids, rollout)
    assert sorted(instance_id for wave in waves.values() for instance_id in wave) == sorted(ids)
    assert all(waves.values())
    assert set(waves) <= set(range(1, len(rollout.waves) + 1))


@given(IDS, ROLLOUTS, st.randoms(use_true_random=False))
def test_waves_do_not_depend_on_the_order_of_the_instances(ids: set[str], rollout: Rollout, random: Random) -> None:
    shuffled = list(ids)
    random.shuffle(shuffled)
    assert assign(shuffled, rollout) == assign(sorted(ids), rollout)


@given(IDS.filter(bool), PERCENTS)
def test_a_first_wave_of_one_always_changes_one(ids: set[str], percents: list[str]) -> None:
    assert len(assign(ids, Rollout(waves=[1, 2, *percents]))[1]) == 1


@given(IDS.filter(bool), ROLLOUTS)
def test_instances_that_are_left_when_a_rollout_is_resumed_keep_their_order(ids: set[str], rollout: Rollout) -> None:
    waves = assign(ids, rollout)
    first = min(waves)
    left = assign(ids - set(waves[first]), rollout)
    ordered = [each for number in sorted(waves) for each in waves[number]]
    assert [each for number in sorted(left) for each in left[number]] == ordered[len(waves[first]) :]


@given(IDS.filter(bool), ROLLOUTS)
def test_an_instance_that_joins_or_leaves_moves_at_most_one_other_to_the_next_wave(
    ids: set[str], rollout: Rollout
) -> None:
    gone = max(ids)
    with_it, without = wave_of(assign(ids, rollout)), wave_of(assign(ids - {gone}, rollout))
    for boundary in range(1, len(rollout.waves)):
        moved = [each for each in ids - {gone} if (with_it[each] <= boundary) != (without[each] <= boundary)]
        assert len(moved) <= 1


@pytest.mark.parametrize(
    ("total", "sizes"),
    [(0, {}), (1, {1: 1}), (5, {1: 1, 3: 4}), (40, {1: 1, 2: 3, 3: 36}), (41, {1: 1, 2: 4, 3: 36})],
)
def test_sizes_are_cumulative_rounded_up_and_numbers_stay(total: int, sizes: dict[int, int]) -> None:
    waves = assign([f"i-{number:08x}" for number in range(total)], Rollout())
    assert {number: len(ids) for number, ids in waves.items()} == sizes


def test_the_last_wave_takes_all_that_is_left() -> None:
    assert len(assign([f"i-{number:08x}" for number in range(9)], Rollout(waves=[1, 2]))[2]) == 8


SIZE = 'a whole number from 1, or a string from "1%" to "100%"'
ASCEND = "must ascend, since sizes are cumulative:"


@pytest.mark.parametrize(
    ("waves", "problem"),
    [
        ([], "Rollout: waves must be a list of at least one size, got []."),
        ("100%", 'Rollout: waves must be a list of at least one size, got "100%".'),
        ([0], f"Rollout: waves[0] must be {SIZE}, got 0."),
        (["101%"], f'Rollout: waves[0] must be {SIZE}, got "101%".'),
        ([True], f"Rollout: waves[0] must be {SIZE}, got true."),
        (["20%", 1, "10%"], f'Rollout: waves {ASCEND} "10%" cannot come after "20%".'),
        ([5, 5], f"Rollout: waves {ASCEND} 5 cannot come after 5."),
    ],
)
def test_wrong_waves_are_refused(waves: list[int | str], problem: str) -> None:
    with pytest.raises(ValueError, match="Rollout") as caught:
        Rollout(waves=waves)
    assert str(caught.value) == problem


@pytest.mark.parametrize("minutes", [-1, 1441, True])
def test_a_soak_out_of_range_is_refused(minutes: float) -> None:
    with pytest.raises(ValueError, match="soak_minutes must be a number of minutes from 0 to 1440"):
        Rollout(soak_minutes=minutes)


NAMES = "a list of different names of CloudWatch alarms"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"alarms": "checkout-5xx"}, f'alarms must be {NAMES}, got "checkout-5xx".'),
        ({"alarms": ["a", "a"]}, f'alarms must be {NAMES}, got ["a", "a"].'),
        ({"alarms": [""]}, 'alarms[0] must be the name of a CloudWatch alarm, 1 to 255 characters, got "".'),
        ({"alarms": ["a\nb"]}, 'alarms[0] must be the name of a CloudWatch alarm, 1 to 255 characters, got "a\\nb".'),
        ({"alarms": ["a", 1]}, "alarms[1] must be the name of a CloudWatch alarm, 1 to 255 characters, got 1."),
        ({"insufficient_data": "off"}, 'insufficient_data must be "warn", "block" or "ignore", got "off".'),
        ({"insufficient_data": None}, 'insufficient_data must be "warn", "block" or "ignore", got null.'),
    ],
)
def test_wrong_alarms_are_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match="Rollout") as caught:
        Rollout(**given)
    assert str(caught.value) == f"Rollout: {problem}"


def test_a_name_of_256_characters_is_refused_and_one_of_255_is_not() -> None:
    Rollout(alarms=["é" * 255])
    with pytest.raises(ValueError, match="1 to 255 characters"):
        Rollout(alarms=["x" * 256])


def test_more_alarms_than_one_call_takes_are_accepted() -> None:
    names = [f"alarm-{number}" for number in range(101)]
    assert Rollout(alarms=names).alarm_rule.names == tuple(names)


def test_without_a_soak_cloudwatch_decides_how_long_a_wave_is_watched() -> None:
    assert Rollout().soak_minutes is None
    assert [Rollout(soak_minutes=each).soak_minutes for each in (0, 0.5, 1440)] == [0, 0.5, 1440]
