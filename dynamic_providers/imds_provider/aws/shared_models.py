"""Sessions that share botocore's models of the services, which one that is by itself reads again for each account."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from botocore.loaders import Loader
from botocore.session import Session


def sessions_with_shared_models() -> Callable[[], Session]:
    """Return what makes such sessions. Safe to share between threads."""
    lock = threading.Lock()
    loader: _OneAtATime | None = None

    def new_session() -> Session:
        nonlocal loader
        session = Session()
        with lock:
            if loader is None:
                own: Loader = session.get_component("data_loader")
                loader = _OneAtATime(own)
        session.register_component("data_loader", loader)
        return session

    return new_session


class _OneAtATime:
    """A loader in whose methods one thread is at a time: otherwise several would read the same model."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._lock = threading.RLock()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  the loader's
        found = getattr(self._loader, name)
        if not callable(found):
            return found

        def locked(*arguments: object, **named: object) -> object:
            with self._lock:
                return found(*arguments, **named)

        return locked
