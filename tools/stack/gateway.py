"""Puts one API of the emulator at the root of a URL of its own, as API Gateway does.

It fills three gaps: the address is known before the deployment, so that it can be a parameter
of it; a function that crashes gets the caller AWS's own 500 instead of the error itself; and what
has no route is a 404 whatever its query.
Runs as a process: the benchmarks measure through it, and must not share its interpreter.
"""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import IO

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tools.set_up import ROOT
from tools.stack.metric_lines import metric_line
from tools.stack.processes import running

LAMBDA_TIMEOUT_SECONDS = 30
ITS_OWN_HEADERS = {"connection", "content-length", "date", "keep-alive", "transfer-encoding"}


@contextmanager
def serving(listening: socket.socket, target: str, log: IO[bytes]) -> Iterator[None]:
    """Forward what arrives at ``listening`` to the API at ``target`` while the block lasts."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "GATEWAY_TARGET": target}
    number = listening.fileno()
    command = [sys.executable, "-m", "tools.stack.gateway", str(number)]
    with running(command, environment=environment, log=log, pass_fds=[number]):
        yield


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    begun = time.perf_counter()
    answer = await _forward(Request(scope, receive))
    _count(answer.status_code, 1000 * (time.perf_counter() - begun))
    await answer(scope, receive, send)


async def _forward(request: Request) -> Response:
    answer = await _client().request(
        request.method,
        _target_of(request),
        headers=request.headers.raw,
        content=await request.body(),
    )
    if answer.status_code == 502 and "errorMessage" in answer.text:
        return JSONResponse({"message": "Internal Server Error"}, 500)
    # Where no route matches, the emulator takes our own ``signature`` for one of AWS; to HEAD it
    # cannot say so.
    is_taken_for_aws = request.method == "HEAD" or "IncompleteSignature" in answer.text
    if answer.status_code == 403 and is_taken_for_aws:
        return JSONResponse({"message": "Not Found"}, 404)
    response = Response(answer.content, answer.status_code)
    response.raw_headers += [
        (name.lower(), value)
        for name, value in answer.headers.raw
        if name.decode().lower() not in ITS_OWN_HEADERS
    ]
    return response


def _count(status: int, latency_ms: float) -> None:
    """Write API Gateway's metrics of one request to the log."""
    counts = {
        "Count": 1.0,
        "4xx": float(400 <= status < 500),
        "5xx": float(status >= 500),
        "Latency": round(latency_ms, 1),
    }
    sys.stderr.write(metric_line("AWS/ApiGateway", {"ApiId": _api_id()}, counts))
    sys.stderr.flush()


def _api_id() -> str:
    """Return the API's id, from its URL at the emulator: ``…/execute-api/ID/$default``."""
    return os.environ["GATEWAY_TARGET"].rpartition("/execute-api/")[2].partition("/")[0]


def _target_of(request: Request) -> str:
    """Return the request's path and query as they were sent, at the emulator's API."""
    path, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
    return f"{os.environ['GATEWAY_TARGET']}{path}" + (f"?{query}" if query else "")


@cache
def _client() -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    return httpx.AsyncClient(limits=limits, timeout=LAMBDA_TIMEOUT_SECONDS, trust_env=False)


def main() -> None:
    """Serve the listening socket whose number is the first argument."""
    listening = socket.socket(fileno=int(sys.argv[1]))
    # No access log: the authentication URL's path is a secret.
    config = uvicorn.Config(app, lifespan="off", access_log=False, log_level="warning")
    config.timeout_graceful_shutdown = 1
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
