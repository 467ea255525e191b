"""Counts what AWS charges for in the calls that functions make: units, requests and bytes."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.support import template
from tools.aws_rules.dynamodb import item_bytes

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
_WRITE_UNIT, _READ_UNIT = 1024, 4096
# SQS and EventBridge charge for every 64 KB begun.
_CHUNK = 64 * 1024
# An index entry has its keys and some overhead; here always below one unit.
_INDEX_ENTRY = 150
_S3_READS = {"GetObject", "HeadObject"}
_S3_FREE = {"DeleteObject", "DeleteObjects", "AbortMultipartUpload"}
Key = tuple[str, ...]


class Meter:
    """What has been used; ``used`` may be read and emptied at any time."""

    def __init__(self, logical_ids: Mapping[str, str]) -> None:
        """``logical_ids`` gives the resource of template.yaml behind a table's name."""
        self.used: Counter[str] = Counter()
        self._logical_ids = logical_ids
        self._items: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._lock = threading.Lock()

    def take(self, model: Any, sent: Mapping[str, Any], answer: Mapping[str, Any] | None) -> None:
        """Count one call; ``answer`` is None where a condition did not hold."""
        service = model.service_model.service_name
        with self._lock:
            getattr(self, f"_{service}")(model.name, sent, answer or {})

    # ------------------------------------------------------------------ DynamoDB

    def _dynamodb(self, name: str, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        if name in {"Query", "Scan", "GetItem"}:
            self._read(sent, answer)
        else:
            self._write(name, sent, answer)

    def _read(self, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        items = [answer["Item"]] if "Item" in answer else answer.get("Items", [])
        size = sum(map(item_bytes, items)) or answer.get("ScannedCount", 0) * _INDEX_ENTRY
        units = _units(size, _READ_UNIT)
        self.used["dynamodb_reads"] += units if sent.get("ConsistentRead") else units / 2
        if "Item" in answer:
            self._items[self._identity(sent, sent["Key"])] = answer["Item"]

    def _write(self, name: str, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        key = sent.get("Key") or sent["Item"]
        identity = self._identity(sent, key)
        before = self._items.get(identity, {})
        after = {} if name == "DeleteItem" else answer.get("Attributes") or sent.get("Item", before)
        size = max(item_bytes(before), item_bytes(after))
        self.used["dynamodb_writes"] += _units(size, _WRITE_UNIT)
        for index in self._indexes(sent["TableName"]):
            old, new = (_entry(item, index) for item in (before, after))
            self.used["dynamodb_writes"] += (old != new) * (bool(old) + bool(new))
        self._items[identity] = after

    def _identity(self, sent: Mapping[str, Any], key: Mapping[str, Any]) -> tuple[str, str]:
        schema = self._table(sent["TableName"])["KeySchema"]
        names = [part["AttributeName"] for part in schema]
        return sent["TableName"], json.dumps([key[name] for name in names])

    def _indexes(self, table: str) -> Iterator[Key]:
        for index in self._table(table).get("GlobalSecondaryIndexes", []):
            yield tuple(part["AttributeName"] for part in index["KeySchema"])

    def _table(self, name: str) -> dict[str, Any]:
        return dict(template.load()["Resources"][self._logical_ids[name]]["Properties"])

    # ------------------------------------------------------------------ the others

    def _s3(self, name: str, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        if name not in _S3_FREE:
            self.used["s3_reads" if name in _S3_READS else "s3_writes"] += 1

    def _sqs(self, name: str, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        entries = sent.get("Entries", [sent])
        size = sum(len(entry.get("MessageBody", "").encode()) for entry in entries)
        self.used["sqs_requests"] += _units(size, _CHUNK)

    def _events(self, name: str, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        for entry in sent["Entries"]:
            self.used["events"] += _units(len(entry["Detail"].encode()), _CHUNK)

    def _kms(self, name: str, sent: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        self.used["kms_requests"] += 1

    def _secretsmanager(
        self, name: str, sent: Mapping[str, Any], answer: Mapping[str, Any]
    ) -> None:
        self.used["secret_reads"] += 1


@contextmanager
def metered(meter: Meter) -> Iterator[None]:
    """Let the meter see every call that is made within the block, and what it was answered."""
    prepare, call = BaseClient._emit_api_params, BaseClient._make_api_call
    sent = threading.local()

    def prepared(client: Any, api_params: Any, operation_model: Any, **given: Any) -> Any:
        sent.parameters = prepare(client, api_params, operation_model, **given)
        return sent.parameters

    def called(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        model = client.meta.service_model.operation_model(operation)
        try:
            answer = call(client, operation, parameters)
        except ClientError:
            meter.take(model, sent.parameters, None)
            raise
        meter.take(model, sent.parameters, answer)
        return answer

    with (
        mock.patch.object(BaseClient, "_emit_api_params", prepared),
        mock.patch.object(BaseClient, "_make_api_call", called),
    ):
        yield


def _units(size: int, unit: int) -> int:
    return max(1, -(-size // unit))


def _entry(item: Mapping[str, Any], index: Key) -> tuple[str, ...]:
    """Return what stands in an index for an item: nothing if it lacks a key of it."""
    return tuple(str(item[name]) for name in index) if set(index) <= item.keys() else ()
