"""Drives the simulator in tests, over HTTP, as a stranger does."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import requests

from tests.support.builders import ESTAB


class Xporter:
    """The simulator and its control calls."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Make a control call and return its answer."""
        answer = self._http.request(method, f"{self.url}/_sim/{path}", json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def school(self, estab: str = ESTAB, **facts: Any) -> str:
        """Found a small school and return its secret."""
        made = self.control("POST", "schools", {"estab": estab, "students": 5, "seed": 1, **facts})
        return str(made["secret"])

    def set_school(self, estab: str = ESTAB, **facts: Any) -> None:
        """Pause, revoke, or change the scopes of the school."""
        self.control("PATCH", f"schools/{estab}", facts)

    def set_faults(self, *faults: dict[str, Any]) -> None:
        """Switch on these faults and no others."""
        self.control("PUT", "faults", list(faults))

    def requests(self) -> list[dict[str, Any]]:
        """Return every request that was made to Xporter since the test began."""
        return list(self.control("GET", "requests")["requests"])

    def paths(self) -> list[str]:
        """Return ``METHOD /path`` of every request, in lower case."""
        return [f"{each['method']} {each['path'].lower()}" for each in self.requests()]

    def webhooks(self, estab: str = ESTAB) -> dict[str, str]:
        """Return the URL that is registered for each database of the school."""
        listed = self.control("GET", f"schools/{estab}")["webhooks"]
        return {entry["database"]: entry["url"] for entry in listed}

    def truth(self, table: str, estab: str = ESTAB) -> list[dict[str, Any]]:
        """Return the rows of a table as the school has them now."""
        return list(self.control("GET", f"schools/{estab}/truth/{table}"))

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


class LyingXporter:
    """An Xporter that gives each path the answer it was told to: what the simulator never says.

    An answer is a status and a document, or bytes that are sent as they are.
    """

    def __init__(self, answers: dict[str, Any] | Callable[[str, bytes], tuple[int, Any]]) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers.get("content-length") or 0))
                path = self.path.partition("?")[0]
                asked.append(path)
                if callable(answers):
                    status, answer = answers(self.path, sent)
                else:
                    status, answer = answers.get(path, (404, {}))
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
