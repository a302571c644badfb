"""What is looked up once for each object: by whom, and who waits for whom."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from imds_provider.aws.looked_up_once import LookedUpOnce

PATIENCE = 30.0
"""Seconds after which a thread that does not do what it should has failed the test."""


class Region:
    def __init__(self) -> None:
        self.calls = 0
        self.asked, self.answer = threading.Event(), threading.Event()
        self.error: Exception | None = None

    @LookedUpOnce
    def groups(self) -> int:
        self.calls += 1
        self.asked.set()
        assert self.answer.wait(PATIENCE)
        if self.error:
            raise self.error
        return self.calls


def test_threads_that_ask_for_the_same_share_one_lookup() -> None:
    region = Region()
    with ThreadPoolExecutor(8) as threads:
        found = [threads.submit(lambda: region.groups) for _ in range(8)]
        assert region.asked.wait(PATIENCE)
        region.answer.set()
        assert [each.result(PATIENCE) for each in found] == [1] * 8
    assert (region.groups, region.calls) == (1, 1)


def test_a_region_does_not_wait_for_another() -> None:
    slow, quick = Region(), Region()
    quick.answer.set()
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(lambda: slow.groups)
        try:
            assert slow.asked.wait(PATIENCE)
            assert threads.submit(lambda: quick.groups).result(PATIENCE) == 1
            assert not waiting.done()
        finally:
            slow.answer.set()


def test_a_lookup_that_fails_is_repeated() -> None:
    region = Region()
    region.answer.set()
    region.error = LookupError("no answer")
    with pytest.raises(LookupError):
        _ = region.groups
    region.error = None
    assert (region.groups, region.calls) == (2, 2)
