"""Serves pages in Xporter's format with little processor time, so that the clients are measured.

The rows are prepared in a file; a page is a short head, ``sendfile`` and a short tail. The faults
are those of ``scenarios``. The server runs in a process of its own:
``python -m pull_comparison.page_server FILE ROWS``.
"""

from __future__ import annotations

import json
import os
import signal
import socketserver
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pull_comparison.rows import TABLE, RowFile, render
from pull_comparison.scenarios import Scenario, Stage, Version

_HEAD = b'{"%b":[' % TABLE.encode()
_META = b'{"Id":1,"MIS":"simsnet","Version":"4","DateTime":"2018-06-20T02:25:06.223"}'


class PageServer(socketserver.ThreadingTCPServer):
    """Serves one file of rows; a thread per connection."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, rows: RowFile) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.rows = rows
        self.stage = Stage()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect during a response, because some are killed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Connection(socketserver.StreamRequestHandler):
    server: PageServer
    disable_nagle_algorithm = True

    def handle(self) -> None:
        with self.server.rows.path.open("rb") as file:
            while head := self._head():
                method, target, length = head
                if target.startswith("/_"):
                    self._control(method, target, self.rfile.read(length))
                else:
                    self._page(dict(parse_qsl(urlsplit(target).query)), file.fileno())

    def _head(self) -> tuple[str, str, int] | None:
        line = self.rfile.readline().decode()
        if not line.strip():
            return None
        length = 0
        while (header := self.rfile.readline()) not in (b"\r\n", b""):
            if header[:15].lower() == b"content-length:":
                length = int(header[15:])
        method, target, _ = line.split(" ", 2)
        return method, target, length

    def _control(self, method: str, target: str, body: bytes) -> None:
        if method == "PUT":
            self.server.stage = Stage(Scenario(**json.loads(body)))
        elif target == "/_kill":
            # Between two runs of one measurement: what was answered before must be known after.
            stage = self.server.stage
            stage.scenario = Scenario(**{**asdict(stage.scenario), **json.loads(body)})
        document = json.dumps({"answered": self.server.stage.answered}).encode()
        self._send_head(len(document))
        self.wfile.write(document)

    def _page(self, query: dict[str, str], file: int) -> None:
        stage = self.server.stage
        page, size = int(query.get("page", "1")), int(query.get("pageSize", "1000"))
        if stage.scenario.delay_ms:
            time.sleep(stage.scenario.delay_ms / 1000)
        fault = stage.strike(page)
        if fault == "server_error":
            self._send_head(0, status="503 Service Unavailable")
            return
        shown = page - 1 if fault == "duplicate_page" else page
        self._send(stage.version(), page, shown, size, query, file, is_cut=fault == "cut_json")
        self._answered(stage, page)

    def _send(
        self,
        version: Version,
        page: int,
        shown: int,
        size: int,
        query: dict[str, Any],
        file: int,
        *,
        is_cut: bool,
    ) -> None:
        spans = [
            self.server.rows.span(*piece)
            for piece in version.pieces((shown - 1) * size, shown * size)
        ]
        spans = [span for span in spans if span[1]]
        if spans:
            spans[-1] = (spans[-1][0], spans[-1][1] - 1)  # without the last comma
        tail = _tail(version, page, size, query)
        if is_cut:
            spans, tail = [(spans[0][0], spans[0][1] // 2)], b""
        self._send_head(len(_HEAD) + sum(length for _, length in spans) + len(tail), _HEAD)
        for offset, length in spans:
            self._send_file(file, offset, length)
        self.wfile.write(tail)

    def _send_head(self, length: int, more: bytes = b"", status: str = "200 OK") -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}"
        self.wfile.write(head.encode() + b"\r\n\r\n" + more)

    def _send_file(self, file: int, offset: int, length: int) -> None:
        while length:
            sent = os.sendfile(self.connection.fileno(), file, offset, length)
            offset, length = offset + sent, length - sent

    def _answered(self, stage: Stage, page: int) -> None:
        with stage.lock:
            stage.answered.append(page)
            scenario = stage.scenario
            if scenario.kill_pid and len(stage.answered) == scenario.kill_after:
                os.kill(scenario.kill_pid, signal.SIGKILL)


def _tail(version: Version, page: int, size: int, query: dict[str, Any]) -> bytes:
    following = {
        "SnapshotDate": None,
        "RequestedChangedRows": query.get("changedRows"),
        "NextChangedRows": version.hash,
    }
    pagination = {
        "PageSize": size,
        "PageNumber": page,
        "PageCount": -(-version.rows // size),
        "RowCount": version.rows,
        "NextPage": f"?page={page + 1}&pageSize={size}",
    }
    tail = [b'],"meta":[', _META if page == 1 else b"", b'],"__pagination__":[']
    tail.append(json.dumps(pagination, separators=(",", ":")).encode())
    if "changedRows" in query:
        tail += [b'],"%b_deleted":[],"__changedRows__":[' % TABLE.encode()]
        tail.append(json.dumps(following, separators=(",", ":")).encode())
    return b"".join((*tail, b"]}"))


def main() -> None:
    """Render the rows, say where the server is, and serve until killed."""
    path, rows = Path(sys.argv[1]), int(sys.argv[2])
    with PageServer(render(path, rows)) as server:
        host, port = server.server_address[:2]
        assert isinstance(host, str)
        print(json.dumps({"url": f"http://{host}:{port}"}), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
