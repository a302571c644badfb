"""What the providers share in the dynamic host: the AWS connections and the link to the engine.

The engine starts one host for each run, so values of the process are values of the run.
"""

from __future__ import annotations

import gc
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import cache

from ..aws import Aws, Ec2
from ..aws.settings import AwsSettings, parse
from ..errors import ConfigurationError
from ..rules.resource_state import DEFAULT_TIMEOUT_SECONDS, TIMEOUT_SECONDS, Properties
from ..waiting.clock import Deadline
from .engine_link import Engine
from .run_state import RunState


def _connect(settings: AwsSettings, engine: Engine) -> Aws:
    return Aws(settings, engine, when_connected=_freeze_garbage)


class Run:
    """One run of Pulumi: its ID, its engine, its AWS connections, and what it knows of its resources."""

    def __init__(
        self,
        engine: Engine,
        *,
        state: RunState | None = None,
        connect: Callable[[AwsSettings, Engine], Aws] = _connect,
    ) -> None:
        self.id = uuid.uuid4().hex[:8]
        self.engine = engine
        self.state = state or RunState()
        self._connect = connect
        self._lock = threading.Lock()
        self._aws: Aws | None = None

    def configure(self, get: Callable[[str], object]) -> None:
        """Configure AWS access once; every provider of a run has the same configuration.

        ``get`` gives the raw value of a key. Raises :class:`ConfigurationError`.
        """
        with self._lock:
            if self._aws is None:
                self._aws = self._connect(parse(get), self.engine)

    def aws(self) -> Aws:
        """The connections. Raises :class:`ConfigurationError` before :meth:`configure`."""
        if self._aws is None:
            raise ConfigurationError("the provider was used before it was configured.")
        return self._aws


_lock = threading.Lock()
_run: Run | None = None


def run() -> Run:
    """The run that this process serves: that of the engine that started it, or the one of :func:`serve`."""
    global _run  # noqa: PLW0603  the process is what a run belongs to
    with _lock:
        if _run is None:
            _run = Run(Engine.of_this_host())
        return _run


@contextmanager
def serve(other: Run) -> Iterator[Run]:
    """Serve another run until the end of the context."""
    global _run  # noqa: PLW0603  as above
    before, _run = _run, other
    try:
        yield other
    finally:
        _run = before


def engine() -> Engine:
    """The engine of this run."""
    return run().engine


def aws() -> Aws:
    """The AWS connections of this run."""
    return run().aws()


def state() -> RunState:
    """What this run knows of its resources."""
    return run().state


def ec2(region: object) -> Ec2:
    """EC2 in the region of a property, or in the default one."""
    return aws().ec2(region if isinstance(region, str) else None)


@cache
def _freeze_garbage() -> None:
    """Exclude everything that is loaded from garbage collection, once.

    EC2's model alone is larger than everything else in the host and stays for the life of the process. Traversing it
    again and again took a sixth of a preview of 400 instances.
    """
    gc.freeze()


def deadline(properties: Properties) -> Deadline:
    """The deadline that ``timeoutSeconds`` sets, or the default one."""
    seconds = properties.get(TIMEOUT_SECONDS)
    return Deadline(engine(), seconds if isinstance(seconds, int | float) else DEFAULT_TIMEOUT_SECONDS)


def now() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(timezone.utc)
