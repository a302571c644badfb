"""Call a function for several regions at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def concurrently(function: Callable[[T], R], subjects: Iterable[T]) -> list[R]:
    """The results of the function for each subject, called concurrently, in the same order."""
    each = list(subjects)
    with ThreadPoolExecutor(len(each)) as executor:
        return list(executor.map(function, each))
