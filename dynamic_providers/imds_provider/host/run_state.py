"""What one run of Pulumi knows of its resources: who manages what, and the values from before.

All operations of a run go through one process of the dynamic host, and resources that the program no longer has are
deleted last. So a delete finds here what the other resources of the run manage, though Pulumi passes it only its own
properties.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable

from ..rules.options import Options, OptionValue
from ..rules.resource_state import InstanceKey


class RunState:
    """One object serves all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._managed: defaultdict[InstanceKey, set[str]] = defaultdict(set)
        self._before: defaultdict[InstanceKey, dict[str, OptionValue]] = defaultdict(dict)
        self._read: set[InstanceKey] = set()
        self._reported: set[InstanceKey] = set()

    def manage(self, instance: InstanceKey, names: Iterable[str]) -> None:
        """Record that a resource of the program manages these options of the instance."""
        with self._lock:
            self._managed[instance].update(names)

    def managed(self, instance: InstanceKey) -> frozenset[str]:
        """The options of the instance that resources of the program manage in this run."""
        with self._lock:
            return frozenset(self._managed.get(instance, ()))

    def remember(self, instance: InstanceKey, before: Options, *, stays: bool = False) -> None:
        """Record the values from before a resource first managed the options.

        Known values are kept, unless the resource ``stays`` on the instance: its record outlives the run.
        """
        with self._lock:
            known = self._before[instance]
            known.update({name: value for name, value in before.items() if stays or name not in known})

    def before(self, instance: InstanceKey) -> Options:
        """The known values from before a resource of this run first managed the options."""
        with self._lock:
            return dict(self._before.get(instance, {}))

    def read(self, instance: InstanceKey) -> None:
        """Record that this run has read the instance."""
        with self._lock:
            self._read.add(instance)

    def was_read(self, instance: InstanceKey) -> bool:
        """Whether this run has read the instance, so that the recorded values are up to date."""
        with self._lock:
            return instance in self._read

    def report_once(self, instance: InstanceKey) -> bool:
        """Whether this is the first report of what happens to the instance when its resource is deleted."""
        with self._lock:
            first = instance not in self._reported
            self._reported.add(instance)
            return first
