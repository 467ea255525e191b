"""Runs a built function as Lambda does: AWS's own runtime client, and a Runtime API to feed it.

The interpreter is .tools/runtime's, which holds what Lambda itself provides and nothing else,
so that a requirement missing from the layers is missing here too.
"""

import json
import queue
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tools.set_up import ROOT

PYTHON = ROOT / ".tools" / "runtime" / "bin" / "python"
INVOCATION = {
    # Without a content type AWS's client crashes.
    "Content-Type": "application/json",
    "Lambda-Runtime-Aws-Request-Id": "00000000-0000-4000-8000-000000000000",
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-2:000000000000:function:it",
    "Lambda-Runtime-Deadline-Ms": "99999999999999",
}


def invoke(
    build: Path, function: str, event: Mapping[str, Any], environment: Mapping[str, str]
) -> tuple[str, Any]:
    """Return what was reported: ``response``, ``error`` or ``init/error``, and its body."""
    logical_id = "".join(word.title() for word in function.split("_")) + "Function"
    layers = [build / name / "python" for name in ("SharedLayer", "DependenciesLayer")]
    handler = f"functions.{function}.handler.lambda_handler"
    with _runtime_api(event) as (address, reports):
        settings = {
            **environment,
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_LAMBDA_FUNCTION_NAME": logical_id,
            "AWS_REGION": "eu-west-2",
            "AWS_DEFAULT_REGION": "eu-west-2",
            "PYTHONDONTWRITEBYTECODE": "1",  # what it runs from is deployed afterwards
            "LAMBDA_TASK_ROOT": str(build / logical_id),
            "PYTHONPATH": ":".join(map(str, layers)),
        }
        process = subprocess.Popen(
            [PYTHON, "-m", "awslambdaric", handler], cwd=build / logical_id, env=settings
        )
        try:
            return reports.get(timeout=30)
        finally:
            process.kill()
            process.wait()


@contextmanager
def _runtime_api(event: Mapping[str, Any]) -> Iterator[tuple[str, "queue.Queue[tuple[str, Any]]"]]:
    """Serve one invocation, and collect what is reported of it."""
    reports: queue.Queue[tuple[str, Any]] = queue.Queue()
    waiting = queue.Queue[Mapping[str, Any]]()
    waiting.put(event)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(json.dumps(waiting.get()).encode(), INVOCATION)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kind = (
                "init/error" if self.path.endswith("init/error") else self.path.rpartition("/")[2]
            )
            self._answer(b"{}", {"Content-Type": "application/json"})
            reports.put((kind, body))

        def _answer(self, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", reports
        server.shutdown()
