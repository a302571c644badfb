"""What the providers share in the dynamic host: the AWS connections and the link to the engine.

The engine starts one host for each run, so here the process is the run. A user's program may share its process with
others, and uses nothing of this module. Providers are pickled into the state of a stack, so they hold nothing
themselves.
"""

from __future__ import annotations

import gc
import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from functools import cache

from ..aws import Aws, Ec2
from ..aws.settings import parse
from ..errors import ConfigurationError
from ..waiting.clock import Deadline
from .engine_link import Engine, engine_of_this_host

RUN = uuid.uuid4().hex[:8]
"""This run of Pulumi: the engine starts the dynamic host anew for each."""

_lock = threading.Lock()
_aws: Aws | None = None


@cache
def engine() -> Engine:
    """The engine that started this process."""
    return engine_of_this_host()


def configure(get: Callable[[str], object]) -> None:
    """Take the configuration of the stack, once: every provider of a process is given the same.

    ``get`` gives the raw value of a key. Raises :class:`ConfigurationError`.
    """
    global _aws  # noqa: PLW0603  the process is what the connections belong to
    with _lock:
        if _aws is None:
            _aws = Aws(parse(get), engine(), when_connected=_spare_collector)


def aws() -> Aws:
    """The connections, once :func:`configure` has been called."""
    if _aws is None:
        raise ConfigurationError("the provider was used before it was configured.")
    return _aws


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
