"""Questions from many threads to one lookup, whose answers are the number of the lookup they come from."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import pytest

from imds_provider.aws.batching import Batcher

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


class _RealClock:
    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class Asking:
    """A batcher, those who ask it, and what is behind it."""

    def __init__(self, threads: ThreadPoolExecutor, executor: Executor) -> None:
        self.looked_up: list[frozenset[str]] = []
        self.unknown: set[str] = set()
        self.error: RuntimeError | None = None
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self.batcher: Batcher[int] = Batcher(self._look_up, executor, _RealClock())
        self._threads = threads

    def get(self, *keys: str, timeout: float = PATIENCE) -> dict[str, int]:
        return self.batcher.get(keys, timeout)

    def ask(self, *keys: str) -> Future[dict[str, int]]:
        """Ask in another thread, and go on once the question is among those for the next lookup."""
        answer = self._threads.submit(self.get, *keys)
        for _ in range(PATIENCE * 1000):
            batch = self.batcher._gathering  # noqa: SLF001  from outside nothing tells that somebody has asked
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
    """A batcher that looks up at once."""
    return Asking(threads, threads)


@pytest.fixture
def asking_later(threads: ThreadPoolExecutor, later: Later) -> Asking:
    """A batcher that looks up when ``later`` is told to begin."""
    return Asking(threads, later)


def test_an_answer_holds_what_was_asked_and_found(asking: Asking) -> None:
    asking.unknown = {"b"}
    assert asking.get("a", "b") == {"a": 1}
    assert asking.looked_up == [frozenset({"a", "b"})]


def test_questions_of_the_same_moment_share_a_lookup(asking_later: Asking, later: Later) -> None:
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


def test_an_error_reaches_every_caller_and_the_next_question_starts_another_lookup(
    asking_later: Asking, later: Later
) -> None:
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
