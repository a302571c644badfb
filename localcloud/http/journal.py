"""The call log, and counts by action."""

from __future__ import annotations

import time
from collections import deque
from typing import TypedDict

from localcloud.api.call import Call
from localcloud.api.errors import THROTTLED

MAX_CALLS = 100_000
"""Length of the log; the oldest calls are dropped."""


class Counts(TypedDict):
    """Counts of one action: all calls, throttled ones, and other answers than 200 except throttled ones."""

    calls: int
    throttled: int
    errors: int


class LoggedCall(TypedDict):
    """An answered call.

    `time` is when it arrived, in seconds since the epoch; `seconds` is how long it took. `code` is `OK`, an error code,
    or what a fault did (`ConnectionLost`, `Truncated`). `params` holds no credentials.
    """

    number: int
    time: float
    seconds: float
    service: str
    action: str
    account: str
    region: str
    instance_ids: list[str]
    params: dict[str, str]
    code: str


class Journal:
    """Not thread-safe: callers hold the store's lock."""

    def __init__(self) -> None:
        self._counts: dict[str, Counts] = {}
        self._log: deque[LoggedCall] = deque(maxlen=MAX_CALLS)
        self._number = 0

    def reset(self) -> None:
        self._counts.clear()
        self._log.clear()

    def add(self, call: Call, code: str, *, seconds: float) -> None:
        self._number += 1
        counts = self._counts.setdefault(call.action, Counts(calls=0, throttled=0, errors=0))
        counts["calls"] += 1
        if code in THROTTLED:
            counts["throttled"] += 1
        elif code != "OK":
            counts["errors"] += 1
        self._log.append(
            LoggedCall(
                number=self._number,
                time=time.time() - seconds,
                seconds=seconds,
                service=call.service,
                action=call.action,
                account=call.account,
                region=call.region,
                instance_ids=call.instance_ids,
                params=call.logged_params,
                code=code,
            )
        )

    def counts(self) -> dict[str, Counts]:
        return {action: Counts(**counts) for action, counts in sorted(self._counts.items())}

    def log(self) -> list[LoggedCall]:
        return list(self._log)
