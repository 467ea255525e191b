"""A Singer tap made with Meltano's SDK; its messages go to a file instead of to a target."""

from __future__ import annotations

import os
import sys

import requests
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BasePageNumberPaginator

from pull_comparison.contest import PAGE_SIZE, Task
from pull_comparison.rows import TABLE

_COLUMNS = [
    "Id",
    "StudentId",
    "Forename",
    "Surname",
    "PreviousSchoolName",
    "LEA",
    "EstabId",
    "LeavingDate",
    "LeavingReason",
    "LastUpdated",
    "RowHash",
]


class _Pages(BasePageNumberPaginator):
    def has_more(self, response: requests.Response) -> bool:
        pagination = response.json()["__pagination__"][0]
        return bool(pagination["PageNumber"] < pagination["PageCount"])


class _Rows(RESTStream):  # type: ignore[type-arg]
    name = "rows"
    primary_keys = ("Id",)
    replication_key = None
    records_jsonpath = f"$.{TABLE}[*]"
    schema = th.PropertiesList(*(th.Property(name, th.StringType) for name in _COLUMNS)).to_dict()

    @property
    def url_base(self) -> str:
        return str(self.config["base"])

    @property
    def path(self) -> str:  # type: ignore[override]
        return str(self.config["path"])

    def get_new_paginator(self) -> _Pages:
        return _Pages(1)

    def get_url_params(self, _: object, next_page_token: object) -> dict[str, object]:
        return {"page": next_page_token or 1, "pageSize": PAGE_SIZE}


class _SchoolTap(Tap):
    name = "tap-school"
    config_jsonschema = th.PropertiesList(
        th.Property("base", th.StringType), th.Property("path", th.StringType)
    ).to_dict()

    def discover_streams(self) -> list[_Rows]:
        return [_Rows(self)]


def run(task: Task) -> None:
    """Sync everything, with standard output going to a file."""
    with (task.folder / "messages.jsonl").open("wb") as file:
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(file.fileno(), 1)
        try:
            _SchoolTap(config={"base": task.base, "path": task.path}).sync_all()
            sys.stdout.flush()
        finally:
            os.dup2(kept, 1)
