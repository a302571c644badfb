"""The HTTP server: loopback only, a thread per call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.serving import make_server

from localcloud.http import control
from localcloud.http.pipeline import Cloud
from localcloud.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment  # known to type checkers only

LOOPBACK = "127.0.0.1"
_STOP_WITHIN = 0.02
"""Seconds between two looks at whether to stop."""

_one_at_a_time = threading.Lock()


class _Quiet(MotoRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The journal is the log."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Without the date of this machine's clock: an answer bears that of the cloud's."""
        self.send_response_only(code, message)

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:  # noqa: ARG002
        """Close it, which werkzeug leaves to the next request when the application drops it before an answer."""
        self.close_connection = True


class Server:
    """The embedded cloud on a port of its own. Moto's store is one per process, and so is the server."""

    def __init__(self, settings: Settings | None = None, *, port: int = 0) -> None:
        self.cloud: Cloud | None = None
        self._settings = settings or Settings()
        self._port = port
        self._stop: Callable[[], None] | None = None
        self.url = ""

    def start(self) -> None:
        """Serve from a thread.

        Raises:
            RuntimeError: when a server runs in this process already.
            OSError: when the port is taken.
        """
        if not _one_at_a_time.acquire(blocking=False):
            raise RuntimeError("an embedded cloud runs in this process already: stop it, or start this one by itself")
        try:
            cloud = self.cloud = Cloud(self._settings)
            server = make_server(LOOPBACK, self._port, _application(cloud), threaded=True, request_handler=_Quiet)
        except BaseException:
            _one_at_a_time.release()
            raise
        self.url = f"http://{LOOPBACK}:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(_STOP_WITHIN,), daemon=True)
        thread.start()

        def stop() -> None:
            cloud.close()
            server.shutdown()
            thread.join()
            _one_at_a_time.release()

        self._stop = stop

    def stop(self) -> None:
        """Stop serving and forget everything; does nothing when it does not run."""
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()


def _application(cloud: Cloud) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        path: str = environ["PATH_INFO"]
        headers = [("Content-Type", "application/json")]
        promised = None
        if path.startswith(control.PREFIX):
            status, answer_body = control.respond(cloud, environ["REQUEST_METHOD"], path, body)
        else:
            answer = cloud.serve(environ, body)
            status, answer_body, promised = answer.status, answer.body, answer.promised
            headers = list(answer.headers)
        headers.append(("Content-Length", str(len(answer_body) if promised is None else promised)))
        start_response(f"{status} {HTTP_STATUS_CODES.get(status, 'Unknown')}", headers)
        return [answer_body]

    return serve
