"""Jobs in threads: the order of what they find, how far they go ahead, and how they end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from imds_components.report.side_by_side import AHEAD, side_by_side

PATIENCE = 30.0
"""Seconds after which a thread that does not do what it should has failed the test."""


def numbered(name: str, count: int) -> Iterator[tuple[str, int]]:
    for number in range(count):
        yield name, number


def test_all_results_come_those_of_a_job_in_its_order() -> None:
    jobs = [partial(numbered, name, 50) for name in "abcde"]
    found = list(side_by_side(jobs, threading.Event(), workers=3))
    assert sorted(found) == [(name, number) for name in "abcde" for number in range(50)]
    for name in "abcde":
        assert [number for job, number in found if job == name] == list(range(50))


def test_without_jobs_there_is_nothing() -> None:
    stop = threading.Event()
    assert list(side_by_side(list[partial[Iterator[str]]](), stop)) == []


def test_a_result_comes_while_other_jobs_wait() -> None:
    release = threading.Event()

    def slow() -> Iterator[str]:
        assert release.wait(PATIENCE)
        yield "slow"

    found = side_by_side([slow, lambda: iter(["quick"])], threading.Event(), workers=2)
    assert next(found) == "quick"
    release.set()
    assert list(found) == ["slow"]


def test_jobs_do_not_run_far_ahead_of_a_slow_consumer() -> None:
    made: list[int] = []
    full = threading.Event()

    def job() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            if len(made) > AHEAD + 1:
                full.set()
            yield number

    found = side_by_side([job], threading.Event())
    assert next(found) == 0
    # One that was taken, those that wait in the queue, and one in the hand of the job.
    assert full.wait(PATIENCE)
    assert not threading.Event().wait(0.5)
    assert len(made) == AHEAD + 2
    assert list(found) == list(range(1, 1000))


def test_an_error_of_a_job_is_the_consumers_and_stops_the_others() -> None:
    stop = threading.Event()

    def wrong() -> Iterator[str]:
        yield "first"
        raise LookupError("it is a bug")

    def endless() -> Iterator[str]:
        assert stop.wait(PATIENCE)
        yield from ()

    found = side_by_side([wrong, endless], stop)
    assert next(found) == "first"
    with pytest.raises(LookupError, match="it is a bug"):
        next(found)
    assert stop.is_set()


def test_a_consumer_that_ends_early_stops_the_jobs() -> None:
    stop, ended = threading.Event(), threading.Event()

    def endless() -> Iterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            ended.set()

    found = side_by_side([endless], stop)
    assert next(found) == 0
    found.close()  # type: ignore[attr-defined]  # a generator
    assert stop.is_set()
    assert ended.wait(PATIENCE)


def test_jobs_that_hang_are_given_up() -> None:
    stop, release = threading.Event(), threading.Event()

    def hanging() -> Iterator[str]:
        release.wait(PATIENCE)
        yield "late"

    try:
        assert list(side_by_side([hanging, lambda: iter(["quick"])], stop, patience=0.2)) == ["quick"]
        assert not stop.is_set(), "others may go on"
    finally:
        stop.set()
        release.set()
