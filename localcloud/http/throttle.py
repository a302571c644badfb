"""EC2's token buckets: one per action, account and region."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.api import errors
from localcloud.api.call import Call
from localcloud.settings import UNFILTERED, Settings


@dataclass
class _Level:
    tokens: float
    since: float


class Throttle:
    """Not thread-safe: callers hold the store's lock."""

    def __init__(self) -> None:
        self._levels: dict[tuple[str, str, str], _Level] = {}

    def refill(self) -> None:
        self._levels.clear()

    def take(self, call: Call, settings: Settings, now: float) -> None:
        """Take a token for the call.

        Raises:
            AWSError: the bucket is empty; RequestLimitExceeded from EC2, Throttling from other services.
        """
        name = _bucket_name(call)
        if name not in settings.throttle:
            return
        capacity, rate = settings.throttle[name]
        level = self._levels.setdefault((name, call.account, call.region), _Level(capacity, now))
        level.tokens = min(capacity, level.tokens + (now - level.since) * rate)
        level.since = now
        if level.tokens < 1:
            raise errors.throttled(call.service)
        level.tokens -= 1


def _bucket_name(call: Call) -> str:
    if call.action == "DescribeInstances" and not (call.instance_ids or call.filters or "MaxResults" in call.params):
        return UNFILTERED
    return call.action
