"""A proxy of the embedded EC2 that hides metadata options of some instances."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

WHOLE = ""
"""Instead of an option's name: all options."""


@contextmanager
def hiding(url: str, hidden: Mapping[str, str]) -> Iterator[str]:
    """The address of a proxy whose describes leave out one option, by EC2's name, of each instance in ``hidden``.

    The mapping may be changed while the proxy runs.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
            try:
                connection.request("POST", self.path, body, {**dict(self.headers), "Host": urlsplit(url).netloc})
                answer = connection.getresponse()
                content = _without(answer.read().decode(), hidden).encode()
            finally:
                connection.close()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "text/xml"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _without(xml: str, hidden: Mapping[str, str]) -> str:
    for instance_id, option in hidden.items():
        tag = option[:1].lower() + option[1:] if option != WHOLE else "metadataOptions"
        within = rf"(<instanceId>{instance_id}</instanceId>(?:(?!</metadataOptions>).)*?)<{tag}>.*?</{tag}>"
        xml = re.sub(within, r"\1", xml, flags=re.DOTALL)
    return xml
