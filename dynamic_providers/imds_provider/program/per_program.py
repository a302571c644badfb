"""What belongs to one run of a program, in a process that may run several, one after the other or in threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pulumi.runtime.settings import get_monitor

from .errors import ProgramError

T = TypeVar("T")


class PerProgram(Generic[T]):
    """One value for each run of a program, made when it is first asked for.

    It is kept by the program's connection to the engine, which a run has to itself and which ends with it. Kept
    anywhere else, a value that refers to the program's resources would keep both for ever. Pulumi knows the connection
    by a context variable: ask in the thread of the program, since one that it starts may get that of another program.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._name = f"_imds_{id(self)}"

    def get(self) -> T:
        """The value of the program that is running. Raises whatever making it raises."""
        kept = _kept_by_the_program()
        with self._lock:
            if self._name not in kept:
                kept[self._name] = self._make()
            value: T = kept[self._name]
        return value

    def set(self, value: T) -> None:
        """Give the program that is running this value instead of one that is made."""
        kept = _kept_by_the_program()
        with self._lock:
            kept[self._name] = value


def _kept_by_the_program() -> dict[str, Any]:
    monitor = get_monitor()
    if monitor is None:
        raise ProgramError("there is no Pulumi program here: run it by `pulumi` or the Automation API.")
    return vars(monitor)
