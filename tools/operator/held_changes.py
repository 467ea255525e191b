"""Counts the rows of a held change set from the product's own table; never reads a row."""

import json
from typing import Any

from .aws_errors import explained
from .target import Target


def changes_of(target: Target, estab: str, dataset: str) -> list[dict[str, Any]]:
    """Return how many rows of each table a held change set would add or update, and delete."""
    with explained():
        answer: Any = target.client("dynamodb").get_item(
            TableName=target.output("DatasetsTableName"),
            Key={"estab": {"S": estab}, "dataset": {"S": dataset}},
            ProjectionExpression="#hold, manifest",
            ExpressionAttributeNames={"#hold": "hold"},
            ConsistentRead=True,
        )
    item = answer.get("Item", {})
    held = _document(item, "hold").get("manifest", {}).get("tables", {})
    before = _document(item, "manifest").get("tables", {})
    return [
        {
            "table": name,
            "rows_before": before.get(name, {}).get("rows", 0),
            "rows_after": each.get("rows", 0),
            "upserts": each.get("upserts", 0),
            "deletes": each.get("deletes", 0),
        }
        for name, each in sorted(held.items())
    ]


def _document(item: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(item[name]["S"]) if name in item else {}
    return found
