"""Who still calls IMDSv1, and of how many instances that is not known. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from imds_provider.rules.imdsv1_usage import Imdsv1Usage

from ..posture import Instance


@dataclass(frozen=True)
class Caller:
    """An instance that has called IMDSv1 in the last ``days``."""

    instance: Instance
    usage: Imdsv1Usage
    days: int


@dataclass
class Calls:
    """IMDSv1 usage over all instances. What nobody looked up, and what CloudWatch has no data of, is not zero."""

    callers: list[Caller] = field(default_factory=list)
    none: int = 0
    no_data: int = 0
    not_looked_up: int = 0
    days: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, instances: Iterable[Instance]) -> Calls:
        """The usage of these instances, the one with the most calls first."""
        found = cls()
        for each in instances:
            found._add(each)
        found.callers.sort(key=lambda caller: (-caller.usage.count, caller.instance.instance))
        return found

    @property
    def looked_up(self) -> int:
        return len(self.callers) + self.none + self.no_data

    @property
    def most(self) -> float:
        """The calls of the instance with the most."""
        return self.callers[0].usage.count if self.callers else 0

    @property
    def period(self) -> str:
        """``the last 14 days``; where sources differ, ``the last 14 to 31 days``."""
        shortest, longest = min(self.days, default=0), max(self.days, default=0)
        return f"the last {longest} days" if shortest == longest else f"the last {shortest} to {longest} days"

    def _add(self, instance: Instance) -> None:
        if instance.calls is None:
            self.not_looked_up += 1
            return
        self.days[instance.calls.days] += 1
        usage = instance.calls.usage
        if usage is None:
            self.no_data += 1
        elif usage.count > 0:
            self.callers.append(Caller(instance, usage, instance.calls.days))
        else:
            self.none += 1
