"""A client-side token bucket, so that a fleet-wide run asks no faster than EC2 allows.

Source: EC2 user guide, "Request throttling for the Amazon EC2 API" (bucket size and refill rate per action, account
and region).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

RESERVE = 6
"""Requests left to others in a full bucket: EC2 may refill in ticks of a second, and we are never its only caller."""


@dataclass(frozen=True)
class BucketSize:
    """How many requests may be made at once (``capacity``), and how many more each second (``refill_per_second``)."""

    capacity: float
    refill_per_second: float


EC2_BUCKETS: Mapping[str, BucketSize] = {
    "ModifyInstanceMetadataOptions": BucketSize(100, 5),
    "DescribeInstances": BucketSize(100, 20),
}


class TokenBucket:
    """Hands out one request at a time and says how long the caller has to hold it back."""

    def __init__(self, size: BucketSize, now: Callable[[], float]) -> None:
        self._refill = size.refill_per_second
        self._capacity = max(1.0, size.capacity - RESERVE)
        self._now = now
        self._lock = threading.Lock()
        self._tokens = self._capacity
        self._at = now()

    def take(self) -> float:
        """Take a token, on credit if there is none, and return the seconds until it may be used."""
        with self._lock:
            self._top_up()
            self._tokens -= 1
            return max(0.0, -self._tokens / self._refill)

    def throttled(self) -> None:
        """Account for a request that EC2 refused: its bucket is empty, so ours holds no more than that."""
        with self._lock:
            self._top_up()
            self._tokens = min(self._tokens, 0.0)

    def _top_up(self) -> None:
        now = self._now()
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._refill)
        self._at = now
