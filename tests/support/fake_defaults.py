"""An account's defaults in memory, with every call written down."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from imds_provider.errors import DeadlinePassedError, ImdsError
from imds_provider.rules.account_defaults import DEFAULTS, AccountDefaults
from imds_provider.rules.options import Options
from imds_provider.waiting.clock import Deadline
from tests.support.fakes import FakeClock

NOTHING: Options = {default.name: default.cleared for default in DEFAULTS}
"""What an account has that has never set a default."""


def account(given: Options | None = None, *, policy: str | None = None) -> AccountDefaults:
    """The defaults of an account that has set these, by Pulumi property, and no others.

    ``policy`` is the message of the declarative policy that has set them instead.
    """
    managed_by = "account" if policy is None else "declarative-policy"
    return AccountDefaults({**NOTHING, **(given or {})}, managed_by, policy or "")


class FakeDefaults:
    """The defaults of one region. A read shows what was true ``stale_seconds`` ago."""

    def __init__(self, clock: FakeClock, region: str = "eu-west-1", *, stale_seconds: float = 0.0) -> None:
        self.region = region
        self.reads = 0
        self.modifications: list[Options] = []
        self._clock = clock
        self._stale_seconds = stale_seconds
        self._history = [(float("-inf"), account())]
        self._failures: deque[tuple[ImdsError, bool]] = deque()
        self.read_errors: deque[ImdsError] = deque()
        self.after_modify: deque[Mapping[str, str | int]] = deque()
        """What somebody else sets after each modification."""

    @property
    def now(self) -> AccountDefaults:
        """The defaults as they are, whatever a read shows."""
        return self._history[-1][1]

    def put(self, defaults: AccountDefaults) -> None:
        """Have the account as given, shown at once."""
        self._history.append((self._clock.now() - self._stale_seconds, defaults))

    def fail_modify(self, *errors: ImdsError, took_effect: bool = False) -> None:
        """Let the next modifications end in these errors, carried out or not."""
        self._failures += [(each, took_effect) for each in errors]

    def read(self, deadline: Deadline) -> AccountDefaults:
        if deadline.passed:
            raise DeadlinePassedError("no time")
        self.reads += 1
        if self.read_errors:
            raise self.read_errors.popleft()
        seen_at = self._clock.now() - self._stale_seconds
        return next(defaults for at, defaults in reversed(self._history) if at <= seen_at)

    def modify(self, parameters: Options, deadline: Deadline) -> None:
        if deadline.passed:
            raise DeadlinePassedError("no time")
        self.modifications.append(parameters)
        error, takes_effect = self._failures.popleft() if self._failures else (None, True)
        if takes_effect:
            self._change({default.name: parameters.get(default.ec2_name) for default in DEFAULTS})
        if self.after_modify:
            self._change(self.after_modify.popleft())
        if error:
            raise error

    def _change(self, values: Mapping[str, str | int | None]) -> None:
        given = {name: value for name, value in values.items() if value is not None}
        changed = replace(self.now, values={**self.now.values, **given})
        self._history.append((self._clock.now(), changed))
