"""The floor: the least work of a client that parses and stores these rows, without checks.

One keep-alive connection, orjson in and out, ISA-L's gzip, one file of JSON lines.
"""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import orjson
from isal import isal_zlib

from pull_comparison.contest import PAGE_SIZE, Task, page_rows


def run(task: Task) -> None:
    """Fetch page after page, and append each to one gzip file."""
    address = urlsplit(task.base)
    connection = http.client.HTTPConnection(address.netloc)
    work = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
    page, pages = 1, 1
    with (task.folder / "rows.ndjson.gz").open("wb") as file:
        while page <= pages:
            query = f"page={page}&pageSize={PAGE_SIZE}"
            connection.request("GET", f"{address.path}{task.path}?{query}")
            document = orjson.loads(connection.getresponse().read())
            pages = document["__pagination__"][0]["PageCount"]
            lines = b"\n".join(map(orjson.dumps, page_rows(document)))
            file.write(work.compress(lines + b"\n"))
            page += 1
        file.write(work.flush())
