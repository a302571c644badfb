"""What accounts, and the declarative policies of their organizations, have set for launches in a region."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from localcloud.api.metadata_options import ENFORCED, Options
from localcloud.clock import Clock

Scope = tuple[str, str]
"""Account and region."""

CLEARED = ("no-preference", "-1")
"""Values that remove a default."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A declarative policy, which decides all defaults of an account in a region, also those that it leaves out."""

    defaults: Mapping[str, str]
    exception_message: str = ""


@dataclass(slots=True)
class _Level:
    """`changes` are the values after each change, with the time from which they show."""

    changes: list[tuple[float, Options]] = field(default_factory=lambda: [(float("-inf"), {})])
    policy: Policy | None = None


class AccountLevels:
    """The defaults of all accounts and regions, by EC2's names. Cleared ones are absent."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._levels: defaultdict[Scope, _Level] = defaultdict(_Level)

    def wipe(self) -> None:
        self._levels.clear()

    def effective(self, scope: Scope) -> Options:
        """The defaults that launches get."""
        level = self._levels[scope]
        return dict(level.policy.defaults if level.policy else level.changes[-1][1])

    def shown(self, scope: Scope) -> Options:
        """The defaults that GetInstanceMetadataDefaults answers: those of the last change that shows by now."""
        level, now = self._levels[scope], self._clock.now()
        if level.policy:
            return dict(level.policy.defaults)
        return dict(next(values for shows_at, values in reversed(level.changes) if shows_at <= now))

    def change(self, scope: Scope, changes: Mapping[str, str], *, delay: float = 0.0) -> None:
        """Change the account's own defaults, in force at once and shown after `delay` seconds."""
        level = self._levels[scope]
        values = {**level.changes[-1][1], **changes}
        kept = {name: value for name, value in values.items() if value not in CLEARED}
        level.changes.append((self._clock.now() + delay, kept))

    def is_enforced(self, scope: Scope) -> bool:
        """Whether launches and changes to optional tokens fail."""
        return self.effective(scope).get(ENFORCED) == "enabled"

    def policy(self, scope: Scope) -> Policy | None:
        return self._levels[scope].policy

    def set_policy(self, scope: Scope, policy: Policy | None) -> None:
        self._levels[scope].policy = policy
