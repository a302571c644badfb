"""Instances that are about to be changed, and the describes that include them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from imds_provider.aws.read_ahead import INSTANCES, MAX_AGE_SECONDS, ReadAhead
from imds_provider.errors import AwsError
from imds_provider.rules.observation import Observation
from tests.support.fakes import FakeClock, observe

PATIENCE = 10
"""Seconds after which a test that should have gone on fails."""


class Changes:
    """Instances named a, b and so on, which are announced and then described."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.read_ahead = ReadAhead(self.clock.now)
        self.describes: list[list[str]] = []
        self.unknown: set[str] = set()
        self.during: Callable[[], object] = lambda: None

    def announce(self, *instance_ids: str) -> None:
        for instance_id in instance_ids:
            self.read_ahead.announce(instance_id)

    def describe(self, instance_id: str, *, timeout: float = PATIENCE) -> bool:
        """Whether the instance is found, before anybody's patience ends."""
        started = time.monotonic()
        found = self.read_ahead.describe(instance_id, self._describe, timeout)
        assert time.monotonic() - started < PATIENCE / 2
        return instance_id in found

    def _describe(self, instance_ids: Iterable[str]) -> Mapping[str, Observation]:
        ids = list(instance_ids)
        self.describes.append(ids)
        self.during()
        return {each: observe(each) for each in ids if each not in self.unknown}


@pytest.fixture
def changes() -> Changes:
    return Changes()


def test_announced_instances_are_described_along_with_the_first(changes: Changes) -> None:
    changes.announce("a", "b", "c")
    assert [changes.describe(each) for each in ("a", "b", "c")] == [True, True, True]
    assert changes.describes == [["a", "b", "c"]]


def test_an_instance_that_was_not_announced_is_described_too(changes: Changes) -> None:
    assert changes.describe("a")
    assert changes.describes == [["a"]]


def test_a_describe_that_is_too_old_is_made_again(changes: Changes) -> None:
    changes.announce("a", "b", "c")
    changes.describe("a")
    changes.clock.advance(MAX_AGE_SECONDS)
    changes.describe("b")
    changes.clock.advance(0.01)
    changes.describe("c")
    assert changes.describes == [["a", "b", "c"], ["c"]]


def test_the_age_counts_from_the_beginning_of_a_describe(changes: Changes) -> None:
    changes.announce("a", "b")
    changes.during = lambda: changes.clock.advance(MAX_AGE_SECONDS + 0.01)
    changes.describe("a")
    changes.describe("b")
    assert changes.describes == [["a", "b"], ["b"]]


def test_a_describe_serves_an_instance_once(changes: Changes) -> None:
    changes.announce("a", "b")
    for instance_id in ("a", "b", "b", "a"):
        changes.describe(instance_id)
    assert changes.describes == [["a", "b"], ["b"], ["a"]]


def test_an_instance_that_a_describe_did_not_find_is_described_again(changes: Changes) -> None:
    changes.announce("a", "b")
    changes.unknown = {"b"}
    changes.describe("a")
    assert not changes.describe("b")
    assert changes.describes == [["a", "b"], ["b"]]


def test_an_instance_whose_describe_failed_for_another_is_described_by_itself(changes: Changes) -> None:
    def fail() -> None:
        raise AwsError("EC2 refused.")

    changes.announce("a", "b")
    changes.during = fail
    with pytest.raises(AwsError, match="EC2 refused"):
        changes.describe("a")
    changes.during = lambda: None
    assert changes.describe("b")
    assert changes.describes == [["a", "b"], ["b"]]


def test_one_describe_includes_only_as_many_as_are_soon_changed(changes: Changes) -> None:
    ids = [f"i{number}" for number in range(INSTANCES + 5)]
    changes.announce(*ids)
    changes.describe("a")
    changes.describe("b")
    assert changes.describes == [["a", *ids[:INSTANCES]], ["b", *ids[INSTANCES:]]]


def test_an_instance_that_is_already_described_is_not_included_again(changes: Changes) -> None:
    changes.announce("a", "b")
    changes.describe("b")
    changes.describe("c")
    assert changes.describes == [["b", "a"], ["c"]]


def test_a_describe_that_is_under_way_is_waited_for(changes: Changes) -> None:
    started, goes_on = threading.Event(), threading.Event()

    def block() -> None:
        started.set()
        assert goes_on.wait(PATIENCE)

    changes.announce("a", "b")
    changes.during = block
    with ThreadPoolExecutor() as threads:
        first = threads.submit(changes.describe, "a")
        assert started.wait(PATIENCE)
        second = threads.submit(changes.describe, "b")
        goes_on.set()
        assert (first.result(PATIENCE), second.result(PATIENCE)) == (True, True)
    assert changes.describes == [["a", "b"]]


def test_nobody_waits_longer_than_asked_for_a_describe_that_is_under_way(changes: Changes) -> None:
    changes.announce("a", "b")

    def ask_meanwhile() -> None:
        changes.during = lambda: None
        assert changes.describe("b", timeout=0.01)

    changes.during = ask_meanwhile
    changes.describe("a")
    assert changes.describes == [["a", "b"], ["b"]]
