"""A stand-in for Pulumi Cloud: one stack, and one ESC environment that is already evaluated.

The engine talks to it as to the service, so that it is the engine that merges the environment into the configuration.
What the service itself does to an environment (evaluating its functions, imports and secrets) is not here.
Source: pulumi/pulumi, `pkg/backend/httpstate/client` and `pkg/cmd/esc/cli/client`.
"""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ORGANIZATION = "team"
_UPDATE = "update-1"
_EMPTY = {"manifest": {"time": "2026-01-01T00:00:00Z", "magic": "", "version": ""}}
_LEASE = {"token": "lease", "tokenExpiration": 4102444800}
_SECRET = "fn::secret"


@dataclass
class PulumiCloud:
    """The service, at ``url``.

    ``environment`` holds the values of the ESC environment, as JSON has them, by ``pulumiConfig`` and
    ``environmentVariables``; ``{"fn::secret": value}`` is a secret. ``opened`` are the definitions that were opened.
    ``deployment`` is the state of the stack.
    """

    url: str = ""
    environment: Mapping[str, object] = field(default_factory=dict)
    opened: list[object] = field(default_factory=list)
    deployment: object = field(default_factory=lambda: dict(_EMPTY))

    @classmethod
    @contextmanager
    def serving(cls) -> Iterator[PulumiCloud]:
        """The service, until the end of the context."""
        cloud = cls()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def do_PATCH(self) -> None:
                self._answer()

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                path = self.path.partition("?")[0].removeprefix("/api/")
                found = cloud.answer(self.command, path, json.loads(body) if body else None)
                content = json.dumps({"code": 404, "message": path} if found is None else found).encode()
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            cloud.url = f"http://127.0.0.1:{server.server_port}"
            yield cloud
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, method: str, path: str, body: object) -> object:
        """The answer to a request, or None to one that is not known."""
        found: object = None
        match path.split("/"):
            case ["user"]:
                found = {"githubLogin": ORGANIZATION, "organizations": [{"githubLogin": ORGANIZATION}]}
            case ["user", "organizations", "default"]:
                found = {"GitHubLogin": ORGANIZATION}
            case ["capabilities"]:
                found = {"capabilities": []}
            case ["esc", "environments", _, "yaml", "open"]:
                self.opened.append(body)
                found = {"id": "session"}
            case ["esc", "environments", _, "yaml", "open", _]:
                found = {"properties": {name: _evaluated(value) for name, value in self.environment.items()}}
            case ["stacks", *rest]:
                found = self._answer_of_stack(method, rest, body)
        return found

    def _answer_of_stack(self, method: str, path: list[str], body: object) -> object:
        found: object = None
        match [method, *path]:
            case ["GET", organization, project, stack]:
                found = {"orgName": organization, "projectName": project, "stackName": stack, "tags": {}, "version": 1}
            case ["GET", _, _, _, "export"]:
                found = {"version": 3, "deployment": self.deployment}
            case ["POST", _, _, _, "preview" | "update"]:
                found = {"updateID": _UPDATE}
            case ["POST", _, _, _, "preview" | "update", _]:
                found = {"version": 1, **_LEASE}
            case ["POST", _, _, _, "preview" | "update", _, "renew_lease"]:
                found = _LEASE
            case ["PATCH", _, _, _, "preview" | "update", _, "checkpoint"]:
                assert isinstance(body, dict)
                self.deployment = body["deployment"]
                found = {}
            case ["POST", _, _] | ["POST", _, _, _, "preview" | "update", _, "complete" | "events", *_]:
                found = {}
        return found


def _evaluated(value: object, *, secret: bool = False) -> dict[str, object]:
    """A value as the service reports it: with its type, and whether it is secret, at every level."""
    if isinstance(value, dict) and set(value) == {_SECRET}:
        return _evaluated(value[_SECRET], secret=True)
    content = value
    if isinstance(value, dict):
        content = {name: _evaluated(each, secret=secret) for name, each in value.items()}
    elif isinstance(value, list):
        content = [_evaluated(each, secret=secret) for each in value]
    return {"value": content, "trace": {"def": {}}, **({"secret": True} if secret else {})}
