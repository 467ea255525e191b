"""The usual loop: ``requests``, ``json``, a file of JSON lines."""

from __future__ import annotations

import json

import requests

from pull_comparison.contest import PAGE_SIZE, Task, page_rows


def run(task: Task) -> None:
    """Fetch page after page, and append each to one file."""
    page, pages = 1, 1
    with requests.Session() as session, (task.folder / "rows.jsonl").open("w") as file:
        while page <= pages:
            query = {"page": page, "pageSize": PAGE_SIZE}
            answer = session.get(task.base + task.path, params=query, timeout=60)
            answer.raise_for_status()
            document = answer.json()
            pages = document["__pagination__"][0]["PageCount"]
            for row in page_rows(document):
                file.write(json.dumps(row) + "\n")
            page += 1
