"""DynamoDB items as plain dicts, and the few calls that every table makes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer

from xporter_bridge.aws.errors import translate_aws_errors
from xporter_bridge.errors import ConflictError

Item = dict[str, Any]
WATCH_INDEX = "by_watch_at"
# Items that were stored when there were eight lie in the first eight, where they are still found.
WATCH_SHARDS = range(16)
_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class DynamoTable:
    """One table. Attributes that are None or empty are not stored.

    Every table has the sparse index ``by_watch_at`` over (``watch_shard``, ``watch_at``). The
    watchdog checks each item in the index at its ``watch_at``. The shard spreads the index over
    partitions.
    """

    def __init__(self, client: Any, table: str, *key: str) -> None:
        self._client = client
        self._table = table
        self._key = key

    def get(self, *key: str) -> Item | None:
        """Return the item by a consistent read, or None."""
        with translate_aws_errors("dynamodb:GetItem"):
            answer = self._client.get_item(
                TableName=self._table, Key=self._keys(key), ConsistentRead=True
            )
        return _plain(answer["Item"]) if "Item" in answer else None

    def update(
        self,
        *key: str,
        set_: Mapping[str, Any] | None = None,
        add: Mapping[str, int] | None = None,
        condition: str = "",
        **values: Any,
    ) -> Item:
        """Set, remove (None and empty values) and add attributes; return the whole new item.

        Args:
            condition: An expression over the item's attributes and ``:name`` for each of
                ``values``. Write an attribute as ``#name`` if DynamoDB reserves the word.

        Raises:
            ConflictError: The condition does not hold.
        """
        expression, names, bound = _update_expression(set_ or {}, add or {})
        arguments = _arguments(condition, values, names, bound)
        with translate_aws_errors("dynamodb:UpdateItem"):
            answer = self._client.update_item(
                TableName=self._table,
                Key=self._keys(key),
                UpdateExpression=expression,
                ReturnValues="ALL_NEW",
                **arguments,
            )
        return _plain(answer["Attributes"])

    def put_new(self, item: Mapping[str, Any]) -> None:
        """Store an item that must not exist yet.

        Raises:
            ConflictError: It exists.
        """
        with translate_aws_errors("dynamodb:PutItem"):
            self._client.put_item(
                TableName=self._table,
                Item={name: _serialize(value) for name, value in item.items() if _is_kept(value)},
                ConditionExpression="attribute_not_exists(#key)",
                ExpressionAttributeNames={"#key": self._key[0]},
            )

    def delete(self, *key: str, condition: str = "", **values: Any) -> None:
        """Delete the item, if it is there; the condition is as for ``update``.

        Raises:
            ConflictError: The condition does not hold.
        """
        arguments = _arguments(condition, values, {}, {})
        with translate_aws_errors("dynamodb:DeleteItem"):
            self._client.delete_item(TableName=self._table, Key=self._keys(key), **arguments)

    def query_partition(self, partition: str) -> Iterator[Item]:
        """Yield every item of one partition, in the order of the sort key."""
        yield from self._query(
            KeyConditionExpression="#p = :p",
            ExpressionAttributeNames={"#p": self._key[0]},
            ExpressionAttributeValues={":p": _serialize(partition)},
            ConsistentRead=True,
        )

    def query_partition_page(
        self, partition: str, limit: int, start: Mapping[str, str] | None
    ) -> tuple[list[Item], Item | None]:
        """Return one page of a partition, the last sort key first, and the start of the next."""
        arguments: dict[str, Any] = {"Limit": limit, "ScanIndexForward": False}
        if start:
            arguments["ExclusiveStartKey"] = {k: _serialize(v) for k, v in start.items()}
        with translate_aws_errors("dynamodb:Query"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#p = :p",
                ExpressionAttributeNames={"#p": self._key[0]},
                ExpressionAttributeValues={":p": _serialize(partition)},
                ConsistentRead=True,
                **arguments,
            )
        following = answer.get("LastEvaluatedKey")
        return [_plain(item) for item in answer["Items"]], _plain(following) if following else None

    def query_due(self, now: str, shards: Iterable[int]) -> Iterator[Item]:
        """Yield the keys and ``watch_at`` of every item of the shards that must be looked at.

        Within a shard, the item that has waited longest comes first.
        """
        for shard in shards:
            yield from self._query(
                IndexName=WATCH_INDEX,
                KeyConditionExpression="watch_shard = :shard AND watch_at <= :now",
                ExpressionAttributeValues={":shard": _serialize(shard), ":now": _serialize(now)},
            )

    def query_index(
        self, index: str, attribute: str, value: str, sort: str, up_to: str
    ) -> Iterator[Item]:
        """Yield the items of an index under a value, up to a value of its sort key."""
        yield from self._query(
            IndexName=index,
            KeyConditionExpression="#a = :v AND #s <= :last",
            ExpressionAttributeNames={"#a": attribute, "#s": sort},
            ExpressionAttributeValues={":v": _serialize(value), ":last": _serialize(up_to)},
        )

    def query_index_after(
        self, index: str, attribute: str, value: int, sort: str, after: str, page: int
    ) -> Iterator[Item]:
        """Yield the items of an index under a value, after a value of its sort key.

        Args:
            page: How many items one call reads at most; the next call is made when needed.
        """
        yield from self._query(
            IndexName=index,
            KeyConditionExpression="#a = :v AND #s > :after",
            ExpressionAttributeNames={"#a": attribute, "#s": sort},
            ExpressionAttributeValues={":v": _serialize(value), ":after": _serialize(after)},
            Limit=page,
        )

    def query_index_page(
        self, index: str, attribute: str, value: str, limit: int, start: Mapping[str, str] | None
    ) -> tuple[list[Item], Item | None]:
        """Return one page of an index under a value, and the start of the next page."""
        arguments: dict[str, Any] = {"Limit": limit}
        if start:
            arguments["ExclusiveStartKey"] = {k: _serialize(v) for k, v in start.items()}
        with translate_aws_errors("dynamodb:Query"):
            answer = self._client.query(
                TableName=self._table,
                IndexName=index,
                KeyConditionExpression="#a = :v",
                ExpressionAttributeNames={"#a": attribute},
                ExpressionAttributeValues={":v": _serialize(value)},
                **arguments,
            )
        following = answer.get("LastEvaluatedKey")
        return [_plain(item) for item in answer["Items"]], _plain(following) if following else None

    def scan_page(
        self, limit: int, start: Mapping[str, str] | None
    ) -> tuple[list[Item], Item | None]:
        """Return one page of the table in no particular order, and the start of the next page."""
        arguments: dict[str, Any] = {"Limit": limit}
        if start:
            arguments["ExclusiveStartKey"] = {k: _serialize(v) for k, v in start.items()}
        with translate_aws_errors("dynamodb:Scan"):
            answer = self._client.scan(TableName=self._table, **arguments)
        following = answer.get("LastEvaluatedKey")
        items = [_plain(item) for item in answer["Items"]]
        return items, _plain(following) if following else None

    def count_index(self, index: str, attribute: str, value: str | int) -> int:
        """Return how many items an index holds under a value."""
        total = 0
        arguments: dict[str, Any] = {}
        while True:
            with translate_aws_errors("dynamodb:Query"):
                answer = self._client.query(
                    TableName=self._table,
                    IndexName=index,
                    Select="COUNT",
                    KeyConditionExpression="#a = :v",
                    ExpressionAttributeNames={"#a": attribute},
                    ExpressionAttributeValues={":v": _serialize(value)},
                    **arguments,
                )
            total += int(answer["Count"])
            if "LastEvaluatedKey" not in answer:
                return total
            arguments = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _query(self, **arguments: Any) -> Iterator[Item]:
        while True:
            with translate_aws_errors("dynamodb:Query"):
                answer = self._client.query(TableName=self._table, **arguments)
            yield from map(_plain, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _keys(self, key: tuple[str, ...]) -> dict[str, Any]:
        return {name: _serialize(value) for name, value in zip(self._key, key, strict=True)}


def watch_attributes(watch_at: str | None, *shard_key: str) -> Item:
    """Return the attributes that put an item into the index, or take it out when empty.

    Args:
        shard_key: Items of the same values lie in the same shard.
    """
    shard = hashlib.sha256("/".join(shard_key).encode()).digest()[0] % len(WATCH_SHARDS)
    return {"watch_at": watch_at, "watch_shard": shard if watch_at else None}


def reschedule_watch(items: DynamoTable, *key: str, seen: str, watch: Item) -> None:
    """Change the ``watch_attributes``, unless another process changed them since they were read."""
    try:
        items.update(*key, set_=watch, condition="watch_at = :seen", seen=seen)
    except ConflictError:
        return  # The other process had newer facts.


def _update_expression(
    set_: Mapping[str, Any], add: Mapping[str, int]
) -> tuple[str, dict[str, str], dict[str, Any]]:
    names = {f"#{name}": name for name in (*set_, *add)}
    kept = {name: value for name, value in set_.items() if _is_kept(value)}
    bound = {f":{name}": _serialize(value) for name, value in {**kept, **add}.items()}
    clauses = (
        ("SET", [f"#{name} = :{name}" for name in kept]),
        ("REMOVE", [f"#{name}" for name in set_ if name not in kept]),
        ("ADD", [f"#{name} :{name}" for name in add]),
    )
    expression = " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses if parts)
    return expression, names, bound


def _arguments(
    condition: str, values: Mapping[str, Any], names: dict[str, str], bound: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a condition; DynamoDB refuses empty arguments."""
    named = names | {f"#{name}": name for name in re.findall(r"#(\w+)", condition)}
    given = bound | {f":{name}": _serialize(value) for name, value in values.items()}
    arguments = {
        "ExpressionAttributeNames": named,
        "ExpressionAttributeValues": given,
        "ConditionExpression": condition,
    }
    return {name: value for name, value in arguments.items() if value}


def _is_kept(value: Any) -> bool:
    return value is not None and value not in ("", b"", [], {}, ())


def _plain(item: Mapping[str, Any]) -> Item:
    return {name: _native(_deserialize(value)) for name, value in item.items()}


def _native(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Binary):
        return bytes(value)  # type: ignore[call-overload]
    if isinstance(value, dict):
        return {name: _native(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_native(entry) for entry in value]
    return value
