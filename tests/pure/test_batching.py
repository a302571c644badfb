"""Questions from many threads to one look-up, whose answers are the number of the look-up they come from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import pytest

from imds_provider.aws.batching import READ_AHEAD, Coalescer, Upcoming
from tests.support.fakes import FakeClock

PATIENCE = 10
"""Seconds after which a test that should have gone on fails."""


class Later(Executor):
    """Begins what is submitted when the test says so."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._jobs: list[Callable[[], None]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401  Executor's
        answer: Future[Any] = Future()

        def job() -> None:
            try:
                answer.set_result(fn(*args, **kwargs))
            except RuntimeError as error:
                answer.set_exception(error)

        self._jobs.append(job)
        return answer

    def begin(self) -> int:
        """Begin everything that was submitted, and say how much that was."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            self._executor.submit(job)
        return len(jobs)


class Asking:
    """A coalescer, those who ask it, and what is behind it."""

    def __init__(self, threads: ThreadPoolExecutor, executor: Executor) -> None:
        self.clock = FakeClock()
        self.upcoming = Upcoming()
        self.looked_up: list[frozenset[str]] = []
        self.unknown: set[str] = set()
        self.error: RuntimeError | None = None
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self.coalescer: Coalescer[int] = Coalescer(self._look_up, executor, self.upcoming, self.clock)
        self._threads = threads

    def get(self, *keys: str, timeout: float = PATIENCE, max_age: float = 0.0) -> dict[str, int]:
        return self.coalescer.get(keys, timeout, max_age=max_age)

    def ask(self, *keys: str) -> Future[dict[str, int]]:
        """Ask in another thread, and go on once the question is among those for the next look-up."""
        answer = self._threads.submit(self.get, *keys)
        for _ in range(PATIENCE * 1000):
            batch = self.coalescer._gathering  # noqa: SLF001  from outside nothing tells that somebody has asked
            if batch is not None and batch.keys >= {*keys}:
                return answer
            threading.Event().wait(0.001)
        raise AssertionError("nobody asks")

    def _look_up(self, keys: frozenset[str]) -> Mapping[str, int]:
        self.looked_up.append(keys)
        number = len(self.looked_up)
        self.entered.release()
        assert self.gate.wait(PATIENCE)
        if self.error:
            raise self.error
        return dict.fromkeys(keys - self.unknown, number)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=40) as executor:
        yield executor


@pytest.fixture
def later(threads: ThreadPoolExecutor) -> Later:
    return Later(threads)


@pytest.fixture
def asking(threads: ThreadPoolExecutor) -> Asking:
    """A coalescer that looks up at once."""
    return Asking(threads, threads)


@pytest.fixture
def asking_later(threads: ThreadPoolExecutor, later: Later) -> Asking:
    """A coalescer that looks up when ``later`` is told to begin."""
    return Asking(threads, later)


def test_an_answer_holds_what_was_asked_and_found(asking: Asking) -> None:
    asking.unknown = {"b"}
    assert asking.get("a", "b") == {"a": 1}
    assert asking.looked_up == [frozenset({"a", "b"})]


def test_questions_of_the_same_moment_share_a_look_up(asking_later: Asking, later: Later) -> None:
    answers = {f"k{number}": asking_later.ask(f"k{number}") for number in range(20)}
    assert later.begin() == 1
    assert {key: answer.result(PATIENCE) for key, answer in answers.items()} == {key: {key: 1} for key in answers}
    assert asking_later.looked_up == [frozenset(answers)]


def test_an_answer_is_never_older_than_the_question(asking_later: Asking, later: Later) -> None:
    asking_later.gate.clear()
    first = asking_later.ask("a")
    later.begin()
    assert asking_later.entered.acquire(timeout=PATIENCE)
    second = asking_later.ask("a")
    assert later.begin() == 1
    asking_later.gate.set()
    assert (first.result(PATIENCE), second.result(PATIENCE)) == ({"a": 1}, {"a": 2})


def test_an_error_reaches_every_caller_and_the_next_question_is_asked_anew(asking_later: Asking, later: Later) -> None:
    asking_later.error = RuntimeError("EC2 is down")
    answers = [asking_later.ask(key) for key in ("a", "b", "a")]
    later.begin()
    for answer in answers:
        with pytest.raises(RuntimeError, match="EC2 is down"):
            answer.result(PATIENCE)
    asking_later.error = None
    again = asking_later.ask("a")
    later.begin()
    assert again.result(PATIENCE) == {"a": 2}


def test_a_caller_waits_no_longer_than_it_wants_to_and_the_others_still_get_their_answer(
    asking_later: Asking, later: Later
) -> None:
    patient = asking_later.ask("a")
    with pytest.raises(FutureTimeoutError):
        asking_later.get("b", timeout=0.01)
    later.begin()
    assert patient.result(PATIENCE) == {"a": 1}


def test_announced_keys_ride_along_for_who_is_content_with_an_answer_of_some_age(asking: Asking) -> None:
    for key in ("a", "b", "c"):
        asking.upcoming.announce(key)
    assert asking.get("a", max_age=1) == {"a": 1}
    assert asking.looked_up == [frozenset({"a", "b", "c"})]
    assert asking.get("b", max_age=1) == {"b": 1}
    assert asking.get("c", max_age=1) == {"c": 1}
    assert len(asking.looked_up) == 1


def test_who_wants_to_know_it_now_gets_no_answer_from_before(asking: Asking) -> None:
    asking.upcoming.announce("b")
    asking.get("a")
    assert asking.get("b") == {"b": 2}


def test_an_answer_that_has_grown_too_old_is_looked_up_again(asking: Asking) -> None:
    asking.upcoming.announce("b")
    asking.get("a")
    asking.clock.advance(1.01)
    assert asking.get("b", max_age=1) == {"b": 2}


def test_an_answer_from_before_serves_one_question_only(asking: Asking) -> None:
    asking.upcoming.announce("b")
    asking.get("a")
    assert asking.get("b", max_age=1) == {"b": 1}
    assert asking.get("b", max_age=1) == {"b": 2}


def test_an_answer_that_was_waited_for_serves_nobody_else_later(asking: Asking) -> None:
    asking.upcoming.announce("a")
    assert asking.get("a") == {"a": 1}
    assert asking.get("a", max_age=1) == {"a": 2}


def test_the_age_of_an_answer_counts_from_the_beginning_of_its_look_up(asking_later: Asking, later: Later) -> None:
    asking_later.gate.clear()
    asking_later.upcoming.announce("b")
    first = asking_later.ask("a")
    later.begin()
    assert asking_later.entered.acquire(timeout=PATIENCE)
    asking_later.clock.advance(2)
    asking_later.gate.set()
    assert first.result(PATIENCE) == {"a": 1}
    again = asking_later.ask("b")
    later.begin()
    assert again.result(PATIENCE) == {"b": 2}


def test_what_was_announced_and_not_found_is_looked_up_again(asking: Asking) -> None:
    asking.unknown = {"b"}
    asking.upcoming.announce("b")
    asking.get("a")
    assert asking.get("b", max_age=1) == {}
    assert len(asking.looked_up) == 2


def test_no_more_ride_along_than_are_soon_used_up(asking: Asking) -> None:
    keys = [f"k{number}" for number in range(READ_AHEAD + 5)]
    for key in keys:
        asking.upcoming.announce(key)
    asking.get("a")
    asking.get("b")
    assert asking.looked_up == [frozenset({"a", *keys[:READ_AHEAD]}), frozenset({"b", *keys[READ_AHEAD:]})]


def test_a_key_that_was_asked_for_rides_along_no_more(asking: Asking) -> None:
    asking.upcoming.announce("a")
    asking.upcoming.announce("b")
    asking.get("a", "b")
    asking.get("c")
    assert asking.looked_up[1] == frozenset({"c"})
