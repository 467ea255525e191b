"""Reads the stored rows of each contestant by its documented layout only."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import orjson

from pull_comparison.contest import ESTAB

_LATEST = "manifests/estab={}/dataset=studentschoolhistory/latest.json"


def found(name: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (Id, RowHash) of every row, also if the contestant has renamed the columns."""
    for path in _files(name, folder):
        with _opened(path) as lines:
            for line in lines:
                row = orjson.loads(line)
                row = row.get("record", {}) if name == "singer" else row
                told = {key.replace("_", "").casefold(): value for key, value in row.items()}
                if "rowhash" in told:
                    yield str(told["id"]), str(told["rowhash"])


def _files(name: str, folder: Path) -> list[Path]:
    if name == "ours":
        return _snapshots(folder / "data")
    patterns = {
        "floor": "rows.ndjson.gz",
        "requests": "rows.jsonl",
        "dlt": "out/school/rows/*",
        "singer": "messages.jsonl",
    }
    return sorted(folder.glob(patterns[name]))


def _snapshots(bucket: Path) -> list[Path]:
    """Follow ``latest.json`` to what it names, as docs/data.md has it."""
    latest = bucket / _LATEST.format(ESTAB)
    if not latest.exists():
        return []
    tables = orjson.loads(latest.read_bytes())["tables"]
    return [bucket / table["snapshot_key"] for table in tables.values()]


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if is_packed else path.open("rb")  # type: ignore[return-value]
