"""The faults that are set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localcloud.api.call import Call
from localcloud.faults.fault import Fault


@dataclass
class _Counted:
    fault: Fault
    matched: int = 0


class FaultPlan:
    """Not thread-safe: callers hold the store's lock."""

    def __init__(self) -> None:
        self._faults: list[_Counted] = []

    def add(self, faults: Sequence[Fault]) -> None:
        self._faults += map(_Counted, faults)

    def clear(self) -> None:
        self._faults.clear()

    def as_json(self) -> list[dict[str, object]]:
        """The faults, each with `matched`, the number of calls it has matched so far."""
        return [{**each.fault.as_json(), "matched": each.matched} for each in self._faults]

    def for_call(self, call: Call) -> list[Fault]:
        """Count the call for every fault that it matches, and return the faults that affect it."""
        affecting = []
        for each in self._faults:
            fault = each.fault
            if fault.matches(call):
                each.matched += 1
                if each.matched >= fault.nth and (fault.times is None or each.matched < fault.nth + fault.times):
                    affecting.append(fault)
        return affecting
