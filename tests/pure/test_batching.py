"""Keys asked for one by one, and the lookups that answer them: an answer is the number of its lookup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from imds_provider.aws.batching import MOST_CALLERS, Batcher
from tests.support.fakes import FakeClock


class Later(Executor):
    """Runs what is submitted when the test says so."""

    def __init__(self) -> None:
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

    def run(self) -> int:
        """Run everything that was submitted, and return how much that was."""
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job()
        return len(jobs)


class Asking:
    """A batcher on a clock of its own, and the lookups behind it."""

    def __init__(self, executor: Executor) -> None:
        self.clock = FakeClock()
        self.looked_up: list[frozenset[str]] = []
        self.unknown: set[str] = set()
        self.error: RuntimeError | None = None
        self.meanwhile: Callable[[], object] = lambda: None
        self.batcher: Batcher[int] = Batcher(self._look_up, executor, self.clock)

    def ask(self, *keys: str) -> list[Future[Mapping[str, int]]]:
        return [self.batcher.submit(key) for key in keys]

    def _look_up(self, keys: frozenset[str]) -> Mapping[str, int]:
        self.looked_up.append(keys)
        number = len(self.looked_up)
        self.meanwhile()
        if self.error:
            raise self.error
        return dict.fromkeys(keys - self.unknown, number)


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def asking(later: Later) -> Asking:
    """Lookups that begin when ``later`` runs them."""
    return Asking(later)


def test_callers_of_the_same_moment_share_a_lookup(asking: Asking, later: Later) -> None:
    keys = [f"k{number}" for number in range(20)]
    answers = asking.ask(*keys)
    assert later.run() == 1
    assert [answer.result()[key] for key, answer in zip(keys, answers, strict=True)] == [1] * 20
    assert asking.looked_up == [frozenset(keys)]


def test_a_key_that_is_not_found_is_left_out(asking: Asking, later: Later) -> None:
    asking.unknown = {"b"}
    (answer, _) = asking.ask("a", "b")
    later.run()
    assert answer.result() == {"a": 1}


def test_an_answer_is_never_older_than_the_question(asking: Asking, later: Later) -> None:
    during: list[Future[Mapping[str, int]]] = []
    asking.meanwhile = lambda: during.extend(asking.ask("a")) if not during else None
    (before,) = asking.ask("a")
    later.run()
    assert later.run() == 1
    assert (before.result(), during[0].result()) == ({"a": 1}, {"a": 2})


def test_an_error_reaches_every_caller_and_the_next_question_starts_another_lookup(
    asking: Asking, later: Later
) -> None:
    asking.error = RuntimeError("EC2 is down")
    answers = asking.ask("a", "b", "a")
    later.run()
    for answer in answers:
        with pytest.raises(RuntimeError, match="EC2 is down"):
            answer.result()
    asking.error = None
    (again,) = asking.ask("a")
    later.run()
    assert again.result() == {"a": 2}


def test_a_lookup_waits_for_more_callers_for_a_tenth_of_a_second(asking: Asking, later: Later) -> None:
    (first,) = asking.ask("a")
    others: list[Future[Mapping[str, int]]] = []
    asking.clock.after(0.09, lambda: others.extend(asking.ask("b")))
    later.run()
    assert (first.result(), others[0].result()) == ({"a": 1, "b": 1}, {"a": 1, "b": 1})
    assert sum(asking.clock.pauses) == pytest.approx(0.1)


def test_a_lookup_begins_as_soon_as_no_more_callers_can_come(asking: Asking, later: Later) -> None:
    answers = asking.ask(*(f"k{number}" for number in range(MOST_CALLERS - 1)))
    asking.clock.after(0.02, lambda: answers.extend(asking.ask("last")))
    later.run()
    assert sum(asking.clock.pauses) == pytest.approx(0.02)
    assert answers[-1].result()["last"] == 1


def test_an_engine_that_exits_while_a_lookup_waits_fails_its_callers_and_no_later_ones(
    asking: Asking, later: Later
) -> None:
    def exit_engine() -> None:
        raise RuntimeError("the engine exited")

    asking.clock.after(0.05, exit_engine)
    (first,) = asking.ask("a")
    later.run()
    with pytest.raises(RuntimeError, match="the engine exited"):
        first.result()
    (again,) = asking.ask("a")
    later.run()
    assert again.result() == {"a": 1}
