"""dlt's declarative REST source into JSON lines on the file system, with its defaults."""

from __future__ import annotations

import os

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt
from dlt.destinations import filesystem
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator
from dlt.sources.rest_api import rest_api_source

from pull_comparison.contest import PAGE_SIZE, Task
from pull_comparison.rows import TABLE


def run(task: Task) -> None:
    """Extract, normalise and load one resource."""
    paginator = PageNumberPaginator(
        base_page=1, page_param="page", total_path="__pagination__[0].PageCount"
    )
    endpoint = {"path": task.path, "params": {"pageSize": PAGE_SIZE}, "data_selector": TABLE}
    source = rest_api_source(
        {
            "client": {"base_url": task.base, "paginator": paginator},
            "resources": [{"name": "rows", "primary_key": "Id", "endpoint": endpoint}],
        }
    )
    pipeline = dlt.pipeline(
        "pull",
        pipelines_dir=str(task.folder / "work"),
        destination=filesystem(str(task.folder / "out")),
        dataset_name="school",
    )
    pipeline.run(source, loader_file_format="jsonl", write_disposition="replace")
