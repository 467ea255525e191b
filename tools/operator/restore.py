"""Restores the items that a table has lost from a copy by DynamoDB: see `docs/runbook.md`."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]

# An open writeback may have been sent since the copy was made: sent again, a mark stands twice.
_ENDED = {"completed", "failed", "unknown"}
# The attributes of a pull under way when the copy was made.
_UNDER_WAY = ("checkpoint", "unpublished", "hold", "decision", "decided_hold", "lease_expires_at")
# What may come back of a dataset whose data has been erased: enough to go on counting.
_OF_THE_ERASED = ("estab", "dataset", "definition", "requested", "watch_shard", "watch_at")


class Restorer:
    """Knows what may come back: nothing that is there, was erased, or would be done twice."""

    def __init__(self, dynamodb: Any, s3: Any, schools: str, bucket: str) -> None:
        self._dynamodb, self._schools = dynamodb, dynamodb.Table(schools)
        self._s3, self._bucket = s3, bucket
        self._erased: dict[str, bool] = {}

    def restore(
        self, copy: str, table: str, advance: Callable[[int], None] = lambda _: None
    ) -> Mapping[str, int]:
        """Put every item of the copy that the table lacks, and return how many were not put too.

        It may be repeated, and the system may run meanwhile.
        """
        found = {"restored": 0, "there": 0, "left_out": 0}
        target = self._dynamodb.Table(table)
        for item in self._items(copy):
            wanted = self._wanted(item)
            outcome = "left_out" if wanted is None else _put(target, wanted)
            found[outcome] += 1
            advance(1)
        return found

    def _items(self, table: str) -> Iterator[Item]:
        client = self._dynamodb.meta.client
        for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            yield from page["Items"]

    def _wanted(self, item: Item) -> Item | None:
        if self._is_erased(item["estab"]):
            return None
        if "operation" in item:
            return item if item.get("state") in _ENDED else None
        return self._caught_up(item) if "dataset" in item else item

    def _is_erased(self, estab: str) -> bool:
        if estab not in self._erased:
            school = self._schools.get_item(Key={"estab": estab}).get("Item", {})
            is_erased = school.get("state") == "erased" or bool(school.get("erasure_requested_at"))
            self._erased[estab] = is_erased
        return self._erased[estab]

    def _caught_up(self, item: Item) -> Item | None:
        """Go on after what readers have seen since: no sequence may come a second time."""
        if item["dataset"].startswith("#"):  # a place in which a pull of that time was running
            return None
        kept = {name: value for name, value in item.items() if name not in _UNDER_WAY}
        key = f"manifests/estab={item['estab']}/dataset={item['dataset']}/latest.json"
        try:
            latest = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode()
        except self._s3.exceptions.NoSuchKey:
            return None if item.get("sequence") else kept  # it ended, or had no data yet
        manifest = json.loads(latest)
        if "erased" in manifest:
            kept = {name: value for name, value in item.items() if name in _OF_THE_ERASED}
            kept |= {"state": "erased", "served": item.get("requested", 0)}
        return kept | {
            "sequence": manifest["sequence"],
            "manifest": latest,
            "next_changed_rows": manifest["next_changed_rows"] or "",
            "as_of": manifest["as_of"] or "",
        }


def _put(table: Any, item: Item) -> str:
    try:
        table.put_item(Item=item, ConditionExpression="attribute_not_exists(estab)")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return "there"
        raise
    return "restored"
