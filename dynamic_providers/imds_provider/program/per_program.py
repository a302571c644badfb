"""Values of one run of a program, in a process that may run several, one after the other or in threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pulumi.runtime.settings import get_monitor

from .errors import ProgramError

T = TypeVar("T")


class PerProgram(Generic[T]):
    """One value for each run of a program, made on first use.

    It is stored on the program's connection to the engine, which belongs to one run and ends with it. Stored anywhere
    else, a value that refers to the program's resources would never be freed. Pulumi keeps the connection in a context
    variable: call :meth:`get` in the thread of the program, since a thread that it starts may see another program's.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._name = f"_imds_{id(self)}"

    def get(self) -> T:
        """The value of the running program. Raises what ``make`` raises."""
        kept = _stored_on_the_program()
        with self._lock:
            if self._name not in kept:
                kept[self._name] = self._make()
            value: T = kept[self._name]
        return value

    def set(self, value: T) -> None:
        """Use this value in the running program instead of making one."""
        kept = _stored_on_the_program()
        with self._lock:
            kept[self._name] = value


def _stored_on_the_program() -> dict[str, Any]:
    monitor = get_monitor()
    if monitor is None:
        raise ProgramError("no Pulumi program is running: use `pulumi` or the Automation API.")
    return vars(monitor)
