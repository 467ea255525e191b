"""DynamoDB's rules beyond its service model: for items, keys, and combined expressions.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html and
…/developerguide/CapacityUnitCalculations.html (how an item's size is counted).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from tools.aws_rules.expression_tokens import ExpressionError
from tools.aws_rules.expressions import (
    Parsed,
    parse_condition,
    parse_projection,
    parse_update,
)

MAX_ITEM_BYTES = 400 * 1024
MAX_KEY_BYTES = 2048
MAX_SORT_KEY_BYTES = 1024
MAX_DEPTH = 32
MAX_DIGITS = 38
_PARSERS = {
    "ConditionExpression": parse_condition,
    "FilterExpression": parse_condition,
    "KeyConditionExpression": parse_condition,
    "UpdateExpression": parse_update,
    "ProjectionExpression": parse_projection,
}
_PLACEHOLDER = {
    "ExpressionAttributeNames": r"#[A-Za-z0-9_]{1,254}",
    "ExpressionAttributeValues": r":[A-Za-z0-9_]{1,254}",
}
# What a condition on a key may be made of.
_OF_KEYS = {"=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"}
_NOTHING: tuple[str, Any] = ("", None)
Item = Mapping[str, Mapping[str, Any]]


def violations(operation: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return what DynamoDB would refuse a request for."""
    if operation == "BatchWriteItem":
        return list(_of_batch(parameters.get("RequestItems", {})))
    if operation == "BatchGetItem":
        tables = parameters.get("RequestItems", {}).values()
        total = sum(len(table.get("Keys", ())) for table in tables)
        return ["RequestItems: more than 100 keys"] if total > 100 else []
    if operation == "TransactWriteItems":
        actions = (part for entry in parameters.get("TransactItems", ()) for part in entry.values())
        return [found for action in actions for found in _of_request(action)]
    return list(_of_request(parameters))


def item_violations(item: Item) -> list[str]:
    """Return what is wrong with an item as it is stored, or would be."""
    return list(_of_item(item))


def item_bytes(item: Item) -> int:
    """Return an item's size, as DynamoDB counts it."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _of_request(parameters: Mapping[str, Any]) -> Iterator[str]:
    yield from _of_item(parameters.get("Item", {}))
    for name in ("Key", "ExclusiveStartKey"):
        yield from _of_key(parameters.get(name, {}))
    yield from _of_item(parameters.get("ExpressionAttributeValues", {}))
    if parameters.get("IndexName") and parameters.get("ConsistentRead"):
        yield "ConsistentRead: a global secondary index has none"
    yield from _of_expressions(parameters)


def _of_batch(tables: Mapping[str, Any]) -> Iterator[str]:
    requests = [(table, request) for table, listed in tables.items() for request in listed]
    if len(requests) > 25:
        yield f"RequestItems: {len(requests)} are above 25"
    for _, request in requests:
        yield from _of_item(request.get("PutRequest", {}).get("Item", {}))
        yield from _of_key(request.get("DeleteRequest", {}).get("Key", {}))
    keys = [
        (table, str(request.get("DeleteRequest")))
        for table, request in requests
        if "DeleteRequest" in request
    ]
    if len(set(keys)) < len(keys):
        yield "RequestItems: an item is named twice"


# ---------------------------------------------------------------------- items


def _of_item(item: Item) -> Iterator[str]:
    size = item_bytes(item)
    if size > MAX_ITEM_BYTES:
        yield f"an item of {size} bytes is above {MAX_ITEM_BYTES}"
    for name, value in item.items():
        yield from (f"{name}: {what}" for what in _of_value(value, 1))


def _of_key(key: Item) -> Iterator[str]:
    """A partition key may have 2,048 bytes, a sort key half; a request does not tell them apart."""
    held = {name: next(iter(value.values()), "") for name, value in key.items()}
    sizes = {
        name: len(each.encode() if isinstance(each, str) else each) for name, each in held.items()
    }
    for name, size in sizes.items():
        if not 1 <= size <= MAX_KEY_BYTES:
            yield f"Key.{name}: {size} bytes are not from 1 to {MAX_KEY_BYTES}"
    if sum(size > MAX_SORT_KEY_BYTES for size in sizes.values()) > 1:
        yield f"Key: both parts are above {MAX_SORT_KEY_BYTES} bytes"


def _of_value(value: Mapping[str, Any], depth: int) -> Iterator[str]:
    if len(value) != 1:
        yield "is not of exactly one type"
    if depth > MAX_DEPTH:
        yield f"is nested more than {MAX_DEPTH} deep"
        return
    for kind, held in value.items():
        if kind == "N":
            yield from _of_number(str(held))
        if kind in {"SS", "NS", "BS"} and (not held or len(set(held)) < len(held)):
            yield "a set is empty or holds a value twice"
        if kind in {"L", "M"}:
            for entry in held.values() if kind == "M" else held:
                yield from _of_value(entry, depth + 1)


def _of_number(text: str) -> Iterator[str]:
    found = re.fullmatch(r"[+-]?(\d*)(?:\.(\d*))?(?:[eE][+-]?\d+)?", text)
    digits = ((found[1] or "") + (found[2] or "")) if found else ""
    if not digits:
        yield f"{text!r} is no number"
    elif len(digits.lstrip("0").rstrip("0")) > MAX_DIGITS:
        yield f"{text} has more than {MAX_DIGITS} digits"


def _value_bytes(value: Mapping[str, Any]) -> int:
    kind, held = next(iter(value.items()), _NOTHING)
    match kind:
        case "S":
            return len(held.encode(errors="surrogatepass"))
        case "N":
            return len(str(held).strip("-.0")) // 2 + 2
        case "B":
            return len(held)
        case "SS" | "NS" | "BS":
            return sum(_value_bytes({kind[0]: entry}) for entry in held)
        case "L":
            return 3 + sum(1 + _value_bytes(entry) for entry in held)
        case "M":
            return 3 + len(held) + item_bytes(held)
    return 1


# ---------------------------------------------------------------------- expressions


def _of_expressions(parameters: Mapping[str, Any]) -> Iterator[str]:
    parsed: dict[str, Parsed] = {}
    for name, parse in _PARSERS.items():
        if name in parameters:
            try:
                parsed[name] = parse(parameters[name])
            except ExpressionError as error:
                yield f"{name}: {error}"
                return
    yield from _of_placeholders(parameters, parsed)
    if "UpdateExpression" in parsed:
        yield from _of_update(parsed["UpdateExpression"], parameters)
    if "KeyConditionExpression" in parsed:
        yield from _of_key_condition(parsed["KeyConditionExpression"])


def _of_placeholders(parameters: Mapping[str, Any], parsed: Mapping[str, Parsed]) -> Iterator[str]:
    for name, used in (
        ("ExpressionAttributeNames", {each for found in parsed.values() for each in found.names}),
        ("ExpressionAttributeValues", {each for found in parsed.values() for each in found.values}),
    ):
        given = parameters.get(name)
        if given is not None and not given:
            yield f"{name}: is empty"
        for each in sorted(used - set(given or ())):
            yield f"{name}: {each} is not defined"
        for each in given or ():
            if not re.fullmatch(_PLACEHOLDER[name], each):
                yield f"{name}: {each!r} is no placeholder"
            elif each not in used:
                yield f"{name}: {each} is not used in any expression"


def _of_update(update: Parsed, parameters: Mapping[str, Any]) -> Iterator[str]:
    names = parameters.get("ExpressionAttributeNames", {})
    written = [
        tuple(names.get(part, part) for part in path)
        for section, paths in update.paths.items()
        if section != "read"
        for path in paths
    ]
    for one, other in combinations(sorted(written), 2):
        if other[: len(one)] == one:
            yield f"UpdateExpression: {'.'.join(one)} and {'.'.join(other)} overlap"
    for path in written:
        if path[0] in parameters.get("Key", {}):
            yield f"UpdateExpression: {path[0]} is part of the key"
    for path in (*update.paths.get("ADD", ()), *update.paths.get("DELETE", ())):
        if len(path) > 1:
            yield f"UpdateExpression: ADD and DELETE take no path such as {'.'.join(path)}"


def _of_key_condition(parsed: Parsed) -> Iterator[str]:
    if (
        parsed.connectives - {"AND"}
        or set(parsed.predicates) - _OF_KEYS
        or len(parsed.predicates) > 2
    ):
        yield "KeyConditionExpression: is more than a key and a range"
    if "=" not in parsed.predicates:
        yield "KeyConditionExpression: lacks an equality"
