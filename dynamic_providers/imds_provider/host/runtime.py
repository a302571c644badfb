"""What the providers share in the dynamic host: the AWS connections and the link to the engine.

The engine starts one host for each run, so values of the process are values of the run.
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
from ..rules.resource_state import DEFAULT_TIMEOUT_SECONDS, TIMEOUT_SECONDS, Properties
from ..waiting.clock import Deadline
from .engine_link import Engine

RUN = uuid.uuid4().hex[:8]
"""The ID of this run, and of the changes that it makes."""

_lock = threading.Lock()
_aws: Aws | None = None


@cache
def engine() -> Engine:
    """The engine that started this process."""
    return Engine.of_this_host()


def configure(get: Callable[[str], object]) -> None:
    """Configure AWS access once; every provider of the process has the same configuration.

    ``get`` gives the raw value of a key. Raises :class:`ConfigurationError`.
    """
    global _aws  # noqa: PLW0603  the connections belong to the process
    with _lock:
        if _aws is None:
            _aws = Aws(parse(get), engine(), when_connected=_freeze_garbage)


def aws() -> Aws:
    """The connections. Raises :class:`ConfigurationError` before :func:`configure`."""
    if _aws is None:
        raise ConfigurationError("the provider was used before it was configured.")
    return _aws


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
