"""Compares the processor time of one page between our HTTP client and its alternatives.

* urllib3: a connection pool and nothing above it.
* Session.get: the usual call; requests follows redirects and decodes the body.
* Session.request: no redirects; the body is streamed and read here.
* Session.send: the same with a request that was prepared without the session.
* ours: ``HttpClient``, which is the adapter of requests without a session, with limits and checks.

One thread requests pages of ``pull_comparison.page_server`` over one kept connection. The clients
alternate, and the best of several repetitions counts. Run
``.venv/bin/python benchmarks/http_client.py``; the last line of stdout is JSON.
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
REQUESTS, REPETITIONS = 200, 7
PATH = "/api/v1/School/3281102/Students"
HEADERS = {"Accept": "application/json", "Authorization": f"Idaas {'x' * 664}"}
TIMEOUT = (3, 60)
Fetch = Callable[[dict[str, str]], bytes]


def main() -> None:
    """Measure every client, show a table, print the JSON."""
    with arena(max(PAGE_ROWS)) as ring:
        url = ring.serve(Scenario(rows=max(PAGE_ROWS)))
        clients = _clients(url)
        found = {f"{rows} rows": _microseconds(clients, rows) for rows in PAGE_ROWS}
    print(
        f"\n{'microseconds a page':20}" + "".join(f"{rows:>12}" for rows in found), file=sys.stderr
    )
    for name in clients:
        print(
            f"{name:20}" + "".join(f"{each[name]:>12}" for each in found.values()), file=sys.stderr
        )
    print(json.dumps({"benchmark": "http_client", "microseconds": found}))


def _clients(url: str) -> dict[str, Fetch]:
    return {
        "urllib3": _by_urllib3(url),
        **_by_session(url),
        "ours": _by_our_client(url),
    }


def _by_urllib3(url: str) -> Fetch:
    pool = urllib3.connection_from_url(url, retries=False)
    timeout = urllib3.Timeout(*TIMEOUT)

    def fetch(query: dict[str, str]) -> bytes:
        target = f"{PATH}?{urlencode(query)}"
        return _read(
            pool.request(
                "GET", target, headers=HEADERS, redirect=False, timeout=timeout,
                preload_content=False, decode_content=False,
            )
        )  # fmt: skip

    return fetch


def _by_session(url: str) -> dict[str, Fetch]:
    session = requests.Session()

    def by_get(query: dict[str, str]) -> bytes:
        return session.get(url + PATH, params=query, headers=HEADERS, timeout=TIMEOUT).content

    def by_request(query: dict[str, str]) -> bytes:
        response = session.request(
            "GET", url + PATH, params=query, headers=HEADERS, timeout=TIMEOUT,
            allow_redirects=False, stream=True,
        )  # fmt: skip
        return _read(response.raw)

    def by_send(query: dict[str, str]) -> bytes:
        request = requests.Request("GET", f"{url}{PATH}?{urlencode(query)}", headers=HEADERS)
        response = session.send(
            request.prepare(), timeout=TIMEOUT, allow_redirects=False, stream=True, proxies={}
        )
        return _read(response.raw)

    return {"Session.get": by_get, "Session.request": by_request, "Session.send": by_send}


def _by_our_client(url: str) -> Fetch:
    sys.path.append(str(Path(__file__).resolve().parent.parent / "layers" / "shared"))
    client = import_module("xporter_bridge.xporter.http").HttpClient(url)

    def fetch(query: dict[str, str]) -> bytes:
        return bytes(client.send("GET", PATH, HEADERS, read_seconds=60, query=query).content)

    return fetch


def _read(response: Any) -> bytes:
    content: bytes = response.read()
    response.release_conn()
    return content


def _microseconds(clients: dict[str, Fetch], rows: int) -> dict[str, int]:
    query = {"changedRows": "*", "page": "1", "pageSize": str(rows)}
    if len({fetch(query) for fetch in clients.values()}) != 1:
        raise RuntimeError("the clients received different pages")
    best: dict[str, float] = {}
    for _ in range(REPETITIONS):
        for name, fetch in clients.items():
            began = time.process_time()
            for _ in range(REQUESTS):
                fetch(query)
            seconds = (time.process_time() - began) / REQUESTS
            best[name] = min(seconds, best.get(name, seconds))
    return {name: round(seconds * 1e6) for name, seconds in best.items()}


if __name__ == "__main__":
    main()
