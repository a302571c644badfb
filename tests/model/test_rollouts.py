"""Rollouts of a fleet with edits in between: recorded ones and random ones, against what must hold of each run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from imds_components.fleet.waves import Rollout, assign
from imds_provider.host import health_watch as watching
from tests.model.rollouts import Story, search
from tests.support.offline import OfflineRuns
from tests.support.recording_cloud import RecordingCloud

SEEDS = 6


@pytest.fixture
def story() -> Iterator[Story]:
    cloud = RecordingCloud()
    runs = OfflineRuns(cloud)
    with runs.ready():
        yield Story(cloud, runs)


def in_order(story: Story) -> list[str]:
    """The instances in the order in which they are changed."""
    living = story.living()
    waves = assign(living, Rollout(waves=[*range(1, len(living) + 1)]))
    return [instance_id for wave in waves.values() for instance_id in wave]


def first(story: Story) -> str:
    return in_order(story)[0]


def _joins_first(story: Story) -> None:
    bad = first(story)
    while first(story) == bad:
        story.launch(1)


def _terminates(story: Story) -> None:
    story.cloud.terminate(in_order(story)[-1])


def _excludes(story: Story) -> None:
    story.fleet = replace(story.fleet, excluded=frozenset(in_order(story)[-1:]))


def _waves(*waves: int | str) -> Callable[[Story], None]:
    def change(story: Story) -> None:
        story.fleet = replace(story.fleet, waves=waves)

    return change


def _renames(story: Story) -> None:
    story.rename("shop")


def _lowers_the_hop_limit_of_all(story: Story) -> None:
    story.fleet = replace(story.fleet, hop_limit=2)


def _waits_a_day(story: Story) -> None:
    story.cloud.advance(86400)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(_joins_first, id="an-instance-that-comes-first-joins"),
        pytest.param(_terminates, id="another-one-is-terminated"),
        pytest.param(_excludes, id="another-one-is-excluded"),
        pytest.param(_waves(3, "100%"), id="the-first-wave-grows"),
        pytest.param(_waves("100%"), id="there-is-one-wave-only"),
        pytest.param(_renames, id="the-fleet-is-renamed-with-an-alias"),
        pytest.param(_lowers_the_hop_limit_of_all, id="another-option-changes-for-all"),
        pytest.param(_waits_a_day, id="a-day-passes"),
        pytest.param(lambda story: story.stack.refresh(), id="the-stack-is-refreshed"),
    ],
)
def test_a_stop_is_remembered(story: Story, edit: Callable[[Story], None]) -> None:
    bad = first(story)
    story.call(bad)
    assert bad in story.up().text
    story.cloud.advance(600)
    edit(story)
    for _ in range(2):
        ended = story.up()
        assert f"{bad}: refused" in ended.text
        assert [each.instance_id for each in story.cloud.sent if each.required] == []
    story.heal(bad)
    assert not story.up().failed


@pytest.mark.parametrize("killed_after", range(1, 6))
def test_a_soak_that_was_cut_off_is_completed_first(story: Story, killed_after: int) -> None:
    story.fleet = replace(story.fleet, soak=60)
    story.up(killed_after=killed_after)
    story.cloud.advance(60)
    assert not story.up().failed


@pytest.mark.parametrize("delay", [0.0, 60.0, 240.0])
@pytest.mark.parametrize("skew", [-200.0, 0.0, 200.0])
@pytest.mark.parametrize("soak", [None, 5, 6])
def test_refused_calls_are_noticed_before_the_second_wave(
    story: Story, soak: float | None, skew: float, delay: float
) -> None:
    story.cloud.settings(metrics_delay=delay, clock_skew=skew)
    story.fleet = replace(story.fleet, soak=soak)
    for each in story.living():
        story.call(each)
    assert story.up().failed
    assert [each.instance_id for each in story.cloud.sent] == [first(story)]


def test_without_data_an_instance_is_unknown_and_the_settings_decide(story: Story) -> None:
    story.fleet = replace(story.fleet, unknown="block")
    assert "CloudWatch has no data since the change of" in story.up("no-data").text
    assert len(story.cloud.sent) == 1
    story.fleet = replace(story.fleet, unknown="warn")
    assert not story.up("no-data").failed


def test_an_instance_that_is_terminated_while_it_is_changed_does_not_stop_the_others(story: Story) -> None:
    ended = story.up("terminated")
    assert (ended.failed, ended.program) == ({}, "")
    assert any("terminated" in line for line in ended.said)


def test_an_exemption_takes_effect_though_another_instance_stops_the_rollout(story: Story) -> None:
    story.fleet = replace(story.fleet, waves=(2, "100%"))
    bad, other = in_order(story)[:2]
    story.call(bad)
    story.call(other)
    assert story.up().failed
    story.cloud.advance(900)
    story.fleet = replace(story.fleet, exempt=frozenset([other]))
    assert f"{bad}: refused" in story.up().text
    assert [(each.instance_id, each.tokens) for each in story.cloud.sent] == [(other, "optional")]


def test_whatever_happens_in_between_what_must_hold_of_each_run_does() -> None:
    found = search(SEEDS, 0)
    assert found.violated is None, found.violated


def _nobody(*_: object) -> list[object]:
    return []


def _no_reason(*_: object) -> dict[str, object]:
    return {}


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        pytest.param("unhealthy", _no_reason, id="that-never-stops"),
        pytest.param("recently_changed", _nobody, id="that-forgets-what-was-changed"),
        pytest.param("not_covered", _nobody, id="that-takes-no-data-for-good-news"),
        pytest.param("soaking", _nobody, id="that-cuts-a-soak-short"),
    ],
)
def test_a_rollout_is_found_out(monkeypatch: pytest.MonkeyPatch, name: str, broken: Callable[..., object]) -> None:
    monkeypatch.setattr(watching, name, broken)
    assert search(100, 0).violated is not None
