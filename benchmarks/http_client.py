"""What one page costs in processor time by the way it is requested: ours beside its alternatives.

* urllib3: a connection pool and nothing above it.
* Session.get: what everybody writes; it decides and decodes everything by itself.
* Session.request: streamed and read by us.
* Session.send: the same with a request that was prepared without the session.
* ours: ``HttpClient``, which is Session.send with its limits and checks.

One thread and one kept connection to the page server of the pull's benchmark, in turns, the best of
several rounds. ``.venv/bin/python benchmarks/http_client.py``; the last line of stdout is JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
import urllib3
from pull_comparison.arena import arena
from pull_comparison.scenarios import Scenario

PAGE_ROWS = (1, 1_000)
REQUESTS, ROUNDS = 200, 7
PATH = "/api/v1/School/3281102/Students"
HEADERS = {"Accept": "application/json", "Authorization": f"Idaas {'x' * 664}"}
TIMEOUT = (3, 60)
Fetch = Callable[[dict[str, str]], bytes]


def main() -> None:
    """Measure every way, show a table, print the JSON."""
    with arena(max(PAGE_ROWS)) as ring:
        url = ring.serve(Scenario(rows=max(PAGE_ROWS)))
        ways = _ways(url)
        found = {f"{rows} rows": _microseconds(ways, rows) for rows in PAGE_ROWS}
    print(
        f"\n{'microseconds a page':20}" + "".join(f"{rows:>12}" for rows in found), file=sys.stderr
    )
    for name in ways:
        print(
            f"{name:20}" + "".join(f"{each[name]:>12}" for each in found.values()), file=sys.stderr
        )
    print(json.dumps({"benchmark": "http_client", "microseconds": found}))


def _ways(url: str) -> dict[str, Fetch]:
    sys.path.append(str(Path(__file__).resolve().parent.parent / "layers" / "shared"))
    client = import_module("xporter_bridge.xporter.http").HttpClient(url)
    pool = urllib3.connection_from_url(url, retries=False)
    patience = urllib3.Timeout(*TIMEOUT)
    session = requests.Session()

    def by_urllib3(query: dict[str, str]) -> bytes:
        target = f"{PATH}?{urlencode(query)}"
        return _read(
            pool.request(
                "GET", target, headers=HEADERS, redirect=False, timeout=patience,
                preload_content=False, decode_content=False,
            )
        )  # fmt: skip

    def by_get(query: dict[str, str]) -> bytes:
        return session.get(url + PATH, params=query, headers=HEADERS, timeout=TIMEOUT).content

    def by_request(query: dict[str, str]) -> bytes:
        answer = session.request(
            "GET", url + PATH, params=query, headers=HEADERS, timeout=TIMEOUT,
            allow_redirects=False, stream=True,
        )  # fmt: skip
        return _read(answer.raw)

    def by_send(query: dict[str, str]) -> bytes:
        request = requests.Request("GET", f"{url}{PATH}?{urlencode(query)}", headers=HEADERS)
        answer = session.send(
            request.prepare(), timeout=TIMEOUT, allow_redirects=False, stream=True, proxies={}
        )
        return _read(answer.raw)

    def ours(query: dict[str, str]) -> bytes:
        return bytes(client.send("GET", PATH, HEADERS, read_seconds=60, query=query).content)

    return {
        "urllib3": by_urllib3,
        "Session.get": by_get,
        "Session.request": by_request,
        "Session.send": by_send,
        "ours": ours,
    }


def _read(answer: Any) -> bytes:
    content: bytes = answer.read()
    answer.release_conn()
    return content


def _microseconds(ways: dict[str, Fetch], rows: int) -> dict[str, int]:
    query = {"changedRows": "*", "page": "1", "pageSize": str(rows)}
    if len({fetch(query) for fetch in ways.values()}) != 1:
        raise RuntimeError("not everybody got the same page")
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, fetch in ways.items():
            began = time.process_time()
            for _ in range(REQUESTS):
                fetch(query)
            seconds = (time.process_time() - began) / REQUESTS
            best[name] = min(seconds, best.get(name, seconds))
    return {name: round(seconds * 1e6) for name, seconds in best.items()}


if __name__ == "__main__":
    main()
