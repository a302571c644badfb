"""A client-side token bucket that keeps a run within EC2's request quotas.

Source: EC2 user guide, "Request throttling for the Amazon EC2 API" (bucket size and refill rate per action, account
and region).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

RESERVE = 6
"""Requests left to other callers in a full bucket. EC2 may also refill in ticks of a second."""


@dataclass(frozen=True)
class BucketSize:
    """How many requests may be made at once, and how many more each second."""

    capacity: float
    refill_per_second: float


EC2_BUCKETS: Mapping[str, BucketSize] = {
    "ModifyInstanceMetadataOptions": BucketSize(100, 5),
    "DescribeInstances": BucketSize(100, 20),
    "GetInstanceMetadataDefaults": BucketSize(2, 2),
    "ModifyInstanceMetadataDefaults": BucketSize(2, 2),
}


class TokenBucket:
    """Tell each caller how long to delay its request. Safe to share between threads."""

    def __init__(self, size: BucketSize, now: Callable[[], float]) -> None:
        self._rate = size.refill_per_second
        self._capacity = max(1.0, size.capacity - RESERVE)
        self._now = now
        self._lock = threading.Lock()
        self._tokens = self._capacity
        self._at = now()

    def take(self) -> float:
        """Take a token, in advance if there is none, and return the seconds until it may be used."""
        with self._lock:
            self._refill()
            self._tokens -= 1
            return max(0.0, -self._tokens / self._rate)

    def throttled(self) -> None:
        """Record that EC2 throttled a request: its bucket is empty, so this one holds nothing either."""
        with self._lock:
            self._refill()
            self._tokens = min(self._tokens, 0.0)

    def _refill(self) -> None:
        now = self._now()
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._rate)
        self._at = now
