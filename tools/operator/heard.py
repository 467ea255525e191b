"""Reads facts that the API does not have from the product's table: callbacks and the breaker."""

from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from .aws_errors import explained, is_denied
from .findings import time_of
from .target import Target


def heard_at(target: Target, estab: str) -> dict[str, datetime] | None:
    """Return the time of the latest callback by dataset; None if the caller may not read it."""
    query: dict[str, Any] = {
        "TableName": target.output("DatasetsTableName"),
        "KeyConditionExpression": "estab = :estab",
        "ExpressionAttributeValues": {":estab": {"S": estab}},
        "ProjectionExpression": "dataset, heard_at",
    }
    pages = target.client("dynamodb").get_paginator("query")
    with explained():
        try:
            items = [item for page in pages.paginate(**query) for item in page["Items"]]
        except ClientError as error:
            if is_denied(error):
                return None
            raise
    times = {item["dataset"]["S"]: time_of(item.get("heard_at", {}).get("S")) for item in items}
    return {dataset: time for dataset, time in times.items() if time}


def breaker_opened_at(target: Target) -> datetime | None:
    """Return since when the pulls of all schools are held back; None if not, or if unreadable."""
    key = {"estab": {"S": "#fleet"}, "dataset": {"S": "#breaker"}}
    table = target.output("DatasetsTableName")
    with explained():
        try:
            item = target.client("dynamodb").get_item(TableName=table, Key=key).get("Item", {})
        except ClientError as error:
            if is_denied(error):
                return None
            raise
    return time_of(item.get("opened_at", {}).get("S"))
