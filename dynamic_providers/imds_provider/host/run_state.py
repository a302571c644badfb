"""What one run of Pulumi has come to know of its resources: who manages what, and what was there before.

All operations of a run go through one process of the dynamic host, and resources that the program no longer has are
deleted last. So a delete finds here what the other resources of the run manage, though it is told of itself alone.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable

from ..rules.options import Options, OptionValue


class RunState:
    """One object serves all threads. An instance goes by its region and id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._managed: defaultdict[tuple[object, object], set[str]] = defaultdict(set)
        self._before: dict[tuple[object, object], dict[str, OptionValue]] = {}
        self._read: set[tuple[object, object]] = set()
        self._reported: set[tuple[object, object]] = set()

    def manage(self, region: object, instance_id: object, names: Iterable[str]) -> None:
        """A resource that the program has manages these options of the instance."""
        with self._lock:
            self._managed[region, instance_id].update(names)

    def managed(self, region: object, instance_id: object) -> frozenset[str]:
        """The options of the instance that resources of the program manage in this run."""
        with self._lock:
            return frozenset(self._managed.get((region, instance_id), ()))

    def remember(self, region: object, instance_id: object, before: Options, *, stays: bool = False) -> None:
        """Record the values from before a resource first managed the options.

        What is known already is kept, unless the resource stays on the instance: its record outlives the run.
        """
        with self._lock:
            known = self._before.setdefault((region, instance_id), {})
            known.update({name: value for name, value in before.items() if stays or name not in known})

    def before(self, region: object, instance_id: object) -> Options:
        """The values from before a resource of this run first managed the options, as far as they are known."""
        with self._lock:
            return dict(self._before.get((region, instance_id), {}))

    def read(self, region: object, instance_id: object) -> None:
        """The recorded values of the instance are those of a moment ago."""
        with self._lock:
            self._read.add((region, instance_id))

    def was_read(self, region: object, instance_id: object) -> bool:
        """Whether the instance was read in this run, so that a difference from what is recorded shows by itself."""
        with self._lock:
            return (region, instance_id) in self._read

    def report_once(self, region: object, instance_id: object) -> bool:
        """Whether nothing has been said yet of what becomes of the instance without its resource."""
        with self._lock:
            first = (region, instance_id) not in self._reported
            self._reported.add((region, instance_id))
            return first
