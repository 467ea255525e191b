"""Counts the rows of a held change set, by table and year group, from what the product has staged.

The ids of deleted rows are returned only on demand, and nothing else of any row.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from .aws_errors import explained
from .target import Target

_YEAR = "yeargroup"
NO_YEAR = "none"


class HeldChange:
    """What is held of one dataset of one school.

    Raises:
        OperatorError: By each method, if AWS refuses to show it to the caller.
    """

    def __init__(self, target: Target, estab: str, dataset: str) -> None:
        self._target = target
        with explained():
            answer: Any = target.client("dynamodb").get_item(
                TableName=target.output("DatasetsTableName"),
                Key={"estab": {"S": estab}, "dataset": {"S": dataset}},
                ProjectionExpression="#hold, manifest",
                ExpressionAttributeNames={"#hold": "hold"},
                ConsistentRead=True,
            )
        item = answer.get("Item", {})
        hold = _document(item, "hold")
        self._held: Mapping[str, Any] = hold.get("manifest", {}).get("tables", {})
        self._staged: Mapping[str, str] = hold.get("copies", {})
        self._before: Mapping[str, Any] = _document(item, "manifest").get("tables", {})

    def tables(self) -> list[dict[str, Any]]:
        """Return how many rows of each table would be added or updated, and deleted."""
        return [
            {
                "table": name,
                "rows_before": self._before.get(name, {}).get("rows", 0),
                "rows_after": each.get("rows", 0),
                "upserts": each.get("upserts", 0),
                "deletes": each.get("deletes", 0),
            }
            for name, each in sorted(self._held.items())
        ]

    def deleted_ids(self, table: str) -> list[str]:
        """Return the identity of each row of the table that would go."""
        key = self._held[table].get("key", "Id")
        return [str(row.get(key)) for row in self._rows(table, "deletes")]

    def year_groups(self, table: str) -> list[dict[str, Any]]:
        """Return the counts of ``tables`` by year group; empty where rows have none.

        Reads the published snapshot and the staged change files, row by row.
        """
        entry, old = self._held[table], self._before.get(table)
        year = next((each for each in entry.get("columns", ()) if each.casefold() == _YEAR), None)
        if old is None or year is None or not (entry["deletes"] or entry["upserts"]):
            return []
        key = old.get("key", "Id")
        gone = {str(row.get(key)) for row in self._rows(table, "deletes")}
        now, deletes = Counter[str](), Counter[str]()
        for row in self._published(old["snapshot_key"]):
            group = str(row.get(year) or NO_YEAR)
            now[group] += 1
            deletes[group] += str(row.get(key)) in gone
        upserts = Counter(str(row.get(year) or NO_YEAR) for row in self._rows(table, "upserts"))
        return [
            {
                "year_group": group,
                "rows_before": now[group],
                "upserts": upserts[group],
                "deletes": deletes[group],
            }
            for group in sorted({*now, *upserts}, key=_by_number)
            if upserts[group] or deletes[group]
        ]

    def _rows(self, table: str, kind: str) -> Iterator[dict[str, Any]]:
        entry = self._held[table]
        staged = self._staged.get(entry[f"{kind}_key"]) if entry[kind] else None
        return self._read("StagingBucketName", staged) if staged else iter(())

    def _published(self, key: str) -> Iterator[dict[str, Any]]:
        return self._read("BucketName", key)

    def _read(self, bucket: str, key: str) -> Iterator[dict[str, Any]]:
        with explained():
            answer: Any = self._target.client("s3").get_object(
                Bucket=self._target.output(bucket), Key=key
            )
        with gzip.open(answer["Body"]) as lines:
            yield from map(json.loads, lines)


def _by_number(group: str) -> tuple[bool, int, str]:
    return (not group.isdigit(), int(group) if group.isdigit() else 0, group)


def _document(item: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(item[name]["S"]) if name in item else {}
    return found
