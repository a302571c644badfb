from __future__ import annotations

import threading

import pytest

from imds_provider.aws.rate_limit import EC2_BUCKETS, RESERVE, BucketSize, TokenBucket
from tests.support.fakes import FakeClock


def bucket(clock: FakeClock, capacity: float = 100, refill_per_second: float = 5) -> TokenBucket:
    return TokenBucket(BucketSize(capacity, refill_per_second), clock.now)


def test_the_buckets_are_those_that_ec2_publishes() -> None:
    assert dict(EC2_BUCKETS) == {
        "ModifyInstanceMetadataOptions": BucketSize(100, 5),
        "DescribeInstances": BucketSize(100, 20),
        "GetInstanceMetadataDefaults": BucketSize(2, 2),
        "ModifyInstanceMetadataDefaults": BucketSize(2, 2),
    }


def test_a_full_bucket_lets_a_burst_through_that_leaves_a_reserve_to_others() -> None:
    taken = bucket(FakeClock())
    assert [taken.take() for _ in range(100 - RESERVE)] == [0.0] * 94
    assert taken.take() > 0


def test_beyond_the_burst_each_caller_waits_for_the_token_that_is_its_own() -> None:
    taken = bucket(FakeClock())
    for _ in range(94):
        taken.take()
    assert [taken.take() for _ in range(4)] == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_the_bucket_refills_with_time() -> None:
    clock = FakeClock()
    taken = bucket(clock)
    for _ in range(94):
        taken.take()
    clock.advance(1)
    assert [taken.take() for _ in range(6)] == pytest.approx([0, 0, 0, 0, 0, 0.2])


def test_the_bucket_never_holds_more_than_its_size() -> None:
    clock = FakeClock()
    taken = bucket(clock)
    clock.advance(3600)
    assert sum(taken.take() == 0 for _ in range(200)) == 94


def test_a_throttled_request_empties_the_bucket() -> None:
    taken = bucket(FakeClock())
    taken.throttled()
    assert taken.take() == pytest.approx(0.2)


def test_a_throttled_request_forgives_no_debt() -> None:
    taken = bucket(FakeClock())
    for _ in range(100):
        taken.take()
    taken.throttled()
    assert taken.take() == pytest.approx(7 / 5)


def test_callers_who_keep_to_their_waits_never_outrun_the_refill() -> None:
    clock = FakeClock()
    taken = bucket(clock, capacity=20, refill_per_second=4)
    times = []
    for _ in range(200):
        clock.advance(taken.take())
        times.append(clock.now())
    for first, last in ((0, 50), (20, 199), (100, 150)):
        assert last - first <= 20 + 4 * (times[last] - times[first])
    assert times[-1] - times[0] == pytest.approx((199 - 13) / 4, abs=1)


def test_a_bucket_smaller_than_the_reserve_still_lets_one_through() -> None:
    taken = bucket(FakeClock(), capacity=2, refill_per_second=1)
    assert [taken.take(), taken.take()] == pytest.approx([0, 1])


def test_threads_share_the_tokens() -> None:
    taken = bucket(FakeClock())
    waits: list[float] = []
    threads = [threading.Thread(target=lambda: waits.extend(taken.take() for _ in range(50))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([0.0] * 94 + [each / 5 for each in range(1, 107)])
