"""What belongs to one run of a program, in a process that may run several, one after the other or in threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from pulumi.runtime.settings import get_monitor

T = TypeVar("T")


class PerProgram(Generic[T]):
    """One value for each run of a program, made when it is first asked for.

    The key is the program's connection to the engine, which a run has to itself and which ends with it. Pulumi keeps
    that connection in a context variable, so ask in the thread of the program, not in one that it has started.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._values: WeakKeyDictionary[object, T] = WeakKeyDictionary()

    def get(self) -> T:
        """The value of the program that is running. Raises whatever making it raises."""
        monitor = get_monitor()
        with self._lock:
            if monitor not in self._values:
                self._values[monitor] = self._make()
            return self._values[monitor]
