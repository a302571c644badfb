"""The HTTP server: on loopback only, with a thread per call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.serving import make_server

from localcloud.http import control
from localcloud.http.pipeline import Cloud
from localcloud.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment  # exists for type checkers only

LOOPBACK = "127.0.0.1"
_STOP_POLL_SECONDS = 0.02

_one_per_process = threading.Lock()


class _RequestHandler(MotoRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing: calls are in the journal."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Send no date: answers carry the cloud's."""
        self.send_response_only(code, message)

    def connection_dropped(self, error: BaseException, environ: WSGIEnvironment | None = None) -> None:  # noqa: ARG002
        """Close the connection, which werkzeug keeps open when the application raises before it answers."""
        self.close_connection = True


@contextmanager
def serve(settings: Settings, *, port: int = 0) -> Iterator[str]:
    """Serve a new cloud at the yielded URL; port 0 takes a free one. One per process, since moto has global state.

    Raises:
        RuntimeError: this process already serves a cloud.
        OSError: the port is taken.
    """
    if not _one_per_process.acquire(blocking=False):
        raise RuntimeError("this process already runs an embedded cloud: stop it first, or use LocalCloud.start()")
    try:
        cloud = Cloud(settings)
        server = make_server(LOOPBACK, port, _application(cloud), threaded=True, request_handler=_RequestHandler)
        thread = threading.Thread(target=server.serve_forever, args=(_STOP_POLL_SECONDS,), daemon=True)
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            cloud.close()
            server.shutdown()
            thread.join()
    finally:
        _one_per_process.release()


def _application(cloud: Cloud) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        request_body = environ["wsgi.input"].read(length) if length else b""
        path: str = environ["PATH_INFO"]
        if path.startswith(control.PREFIX):
            status, body = control.respond(cloud, environ["REQUEST_METHOD"], path, request_body)
            headers = [("Content-Type", "application/json")]
            content_length = len(body)
        else:
            answer = cloud.serve(environ, request_body)
            status, body, headers = answer.status, answer.body, list(answer.headers)
            content_length = len(body) if answer.content_length is None else answer.content_length
        headers.append(("Content-Length", str(content_length)))
        start_response(f"{status} {HTTP_STATUS_CODES.get(status, 'Unknown')}", headers)
        return [body]

    return respond
