"""What was called: counts per action and a log."""

from __future__ import annotations

import time
from collections import deque
from typing import TypedDict

from localcloud.api.call import Call
from localcloud.api.errors import THROTTLED

KEPT = 100_000
"""Calls that the log keeps; the oldest go first."""


class Counts(TypedDict):
    """Calls of one action. `calls` includes the others; `errors` are answers other than 200, throttled ones aside."""

    calls: int
    throttled: int
    errors: int


class LoggedCall(TypedDict):
    """One answered call.

    `time` is seconds since the epoch at the arrival, `seconds` how long the answer took. `code` is `OK`, an error code,
    or what a fault did to the answer (`ConnectionLost`, `Truncated`). `params` has no credentials in it.
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
    """Not thread-safe: the caller holds the lock."""

    def __init__(self) -> None:
        self._counts: dict[str, Counts] = {}
        self._log: deque[LoggedCall] = deque(maxlen=KEPT)
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
