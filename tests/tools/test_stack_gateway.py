"""The gateway before the emulator: what it passes on, and the one answer it changes."""

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from tools.stack import gateway


class Emulator(BaseHTTPRequestHandler):
    """Answers like a function that says what it was asked, or crashes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/crash"):
            return self.answer(502, b'{"errorMessage": "a secret", "errorType": "KeyError"}')
        if self.path.endswith("/unsigned"):
            return self.answer(403, b'{"__type": "IncompleteSignatureException"}')
        if self.path.endswith("/refused"):
            return self.answer(502, b'{"title": "a bad gateway of its own"}')
        seen = {"path": self.path, "body": body.hex(), "host": self.headers["Host"]}
        return self.answer(202, json.dumps(seen).encode())

    do_GET = do_HEAD = do_POST  # noqa: N815 - the names http.server looks for

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Custom", "kept")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Emulator) as server:
        server.daemon_threads = True
        server.block_on_close = False
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/api/$default"
        monkeypatch.setenv("GATEWAY_TARGET", url)
        yield
        server.shutdown()


def call(method: str, path: str, **request: object) -> httpx.Response:
    async def once() -> httpx.Response:
        gateway._client.cache_clear()
        transport = httpx.ASGITransport(app=gateway.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            answer = await client.request(method, path, **request)  # type: ignore[arg-type]
        await gateway._client().aclose()
        return answer

    return asyncio.run(once())


@pytest.mark.usefixtures("target")
def test_a_request_arrives_as_it_was_sent() -> None:
    answer = call("POST", "/callbacks/x%2Fy?a=%C3%A9+b&a=&c", content=b"\x00\xff")
    assert answer.status_code == 202
    assert answer.headers["x-custom"] == "kept"
    assert answer.json() == {
        "path": "/api/$default/callbacks/x%2Fy?a=%C3%A9+b&a=&c",
        "body": "00ff",
        "host": "gateway",
    }


@pytest.mark.usefixtures("target")
def test_a_crash_is_told_as_api_gateway_tells_it() -> None:
    answer = call("POST", "/crash")
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})


@pytest.mark.usefixtures("target")
def test_a_bad_gateway_that_a_function_means_is_passed_on() -> None:
    answer = call("GET", "/refused")
    assert (answer.status_code, answer.json()) == (502, {"title": "a bad gateway of its own"})


@pytest.mark.usefixtures("target")
def test_what_the_emulator_takes_for_a_request_to_aws_has_no_route() -> None:
    answer = call("GET", "/unsigned")
    assert (answer.status_code, answer.text) == (404, '{"message":"Not Found"}')
    assert call("HEAD", "/unsigned").status_code == 404
