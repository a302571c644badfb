"""EC2's token buckets, one per action, account and region."""

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
    """Not thread-safe: the caller holds the lock."""

    def __init__(self) -> None:
        self._levels: dict[tuple[str, str, str], _Level] = {}

    def refill(self) -> None:
        self._levels.clear()

    def take(self, call: Call, settings: Settings, now: float) -> None:
        """One token for this call.

        Raises:
            EC2Error: RequestLimitExceeded (Throttling outside EC2) when there is none.
        """
        name = _bucket_of(call)
        if name not in settings.throttle:
            return
        capacity, rate = settings.throttle[name]
        level = self._levels.setdefault((name, call.account, call.region), _Level(capacity, now))
        level.tokens = min(capacity, level.tokens + (now - level.since) * rate)
        level.since = now
        if level.tokens < 1:
            raise errors.throttled(call.service)
        level.tokens -= 1


def _bucket_of(call: Call) -> str:
    if call.action == "DescribeInstances" and not (call.instance_ids or call.filters or "MaxResults" in call.params):
        return UNFILTERED
    return call.action
