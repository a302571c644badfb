"""A property that is looked up once for each object, whichever threads ask for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class LookedUpOnce(Generic[T]):
    """Decorate a method that asks AWS. Threads wait for each other where they ask the same object, and only there.

    :func:`functools.cached_property` has one lock for all objects before Python 3.12, so that regions would wait for
    each other, and none from then on. A lookup that fails is repeated.
    """

    def __init__(self, look_up: Callable[[Any], T]) -> None:
        self._look_up = look_up
        self.__doc__ = look_up.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, _owner: type) -> T:
        kept = vars(instance)
        with kept.setdefault(f"{self._name} lock", threading.RLock()):
            # Once it is there, Python finds it without coming here.
            if self._name not in kept:
                kept[self._name] = self._look_up(instance)
        found: T = kept[self._name]
        return found
