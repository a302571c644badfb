"""What the providers share in the dynamic host: the AWS connections and the link to the engine.

The engine starts one host for each run, so here the process is the run. A user's program may share its process with
others, and uses nothing of this module. Providers are pickled into the state of a stack, so they hold nothing
themselves.
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
from ..errors import ConfigurationError, ImdsError
from ..waiting.clock import Deadline
from .engine_link import Engine, engine_of_this_host
from .run_state import RunState


def _connect(settings: AwsSettings, engine: Engine) -> Aws:
    return Aws(settings, engine, when_connected=_spare_collector)


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
        with self._lock:
            if self._aws is None:
                self._aws = self._connect(parse(get), self.engine)

    def aws(self) -> Aws:
        if self._aws is None:
            raise ConfigurationError("the provider was used before it was configured.")
        return self._aws


_lock = threading.Lock()
_run: Run | None = None


def run() -> Run:
    """The run that this process serves: that of the engine that started it, unless :func:`serve` gave another."""
    global _run  # noqa: PLW0603  the process is what a run belongs to
    with _lock:
        if _run is None:
            _run = Run(engine_of_this_host())
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
    """The engine that asks for the operations of this run."""
    return run().engine


def configure(get: Callable[[str], object]) -> None:
    """Take the configuration of the stack, once: every provider of a run is given the same.

    ``get`` gives the raw value of a key. Raises :class:`ConfigurationError`.
    """
    run().configure(get)


def aws() -> Aws:
    """The connections, once :func:`configure` has been called."""
    return run().aws()


def state() -> RunState:
    """What this run knows of its resources."""
    return run().state


def ec2(region: object) -> Ec2:
    """EC2 of a region that a property bag names, or of the default one."""
    return aws().ec2(region if isinstance(region, str) else None)


@cache
def _spare_collector() -> None:
    """Have no garbage collection look at what is loaded by now, once.

    EC2's model alone is more than all else in the host, and stays for as long as the process. Going through it again
    and again took a sixth of a preview of 400 instances.
    """
    gc.freeze()


def deadline(seconds: object, default: float) -> Deadline:
    """A deadline from a property bag's ``timeoutSeconds``."""
    return Deadline(engine(), float(seconds) if isinstance(seconds, int | float) else default)


def now() -> datetime:
    """This moment by the clock of this machine, in UTC."""
    return datetime.now(timezone.utc)


def reported(error: ImdsError) -> ImdsError:
    """The error, once the engine has been told its sentence, to be raised again with as short a traceback as can be.

    The dynamic host prints tracebacks below each resource. The engine lists the sentences below the stack, together.
    """
    engine().report(str(error))
    return error.with_traceback(None)
