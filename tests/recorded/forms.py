"""What stored items, messages and keys look like, so that two times can be compared."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any


def readable(value: Any) -> Any:
    """Return DynamoDB's JSON with bytes as base64."""
    match value:
        case {"B": content}:
            return {"B": base64.b64encode(bytes(content)).decode()}
        case dict():
            return {name: readable(entry) for name, entry in value.items()}
        case list():
            return [readable(entry) for entry in value]
    return value


def unreadable(value: Any) -> Any:
    """Return DynamoDB's JSON as boto takes it."""
    match value:
        case {"B": content}:
            return {"B": base64.b64decode(content)}
        case dict():
            return {name: unreadable(entry) for name, entry in value.items()}
        case list():
            return [unreadable(entry) for entry in value]
    return value


def table_of(item: Mapping[str, Any]) -> str:
    """Return in which table an item lies, by its key."""
    if "operation" in item:
        return "OperationsTable"
    if "position" in item:
        return "AuditTable"
    return "DatasetsTable" if "dataset" in item else "SchoolsTable"


# ---------------------------------------------------------------------- what things look like

# Under these names the keys are data: tables, columns, keys of objects, parameters.
OPEN = {
    "tables", "columns", "copies", "unpublished", "reported_columns", "parameters", "rows",
    "datasets", "sequences", "mentions", "sha256",
}  # fmt: skip


def shape(value: Any, name: str = "") -> Any:
    """Return the names and types of a document."""
    if isinstance(value, dict):
        if name in OPEN:
            return {"*": merged([shape(entry, "*") for entry in value.values()])}
        return {key: shape(entry, key) for key, entry in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [merged([shape(entry) for entry in value])]
    return type(value).__name__


def merged(shapes: list[Any]) -> Any:
    """Return the distinct shapes, one alone without its list."""
    distinct = {json.dumps(each, sort_keys=True): each for each in shapes}
    found = [distinct[key] for key in sorted(distinct)]
    return found[0] if len(found) == 1 else {"one of": found}


def attribute_shape(name: str, value: Mapping[str, Any]) -> str:
    """Return what one attribute of an item looks like; JSON in it is looked into."""
    [(kind, content)] = value.items()
    if kind == "S" and content[:1] in {"{", "["}:
        return f"JSON {json.dumps(shape(json.loads(content), name))}"
    return f"{kind} of {sorted({next(iter(each)) for each in content})}" if kind == "L" else kind


def kind_of(item: Mapping[str, Any]) -> str:
    """Return what the item is."""
    if table_of(item) == "AuditTable":
        return "audit entry"
    if table_of(item) == "SchoolsTable":
        return "school"
    key = item.get("operation", item.get("dataset"))["S"]  # type: ignore[index]
    for start, kind in (
        ("#slot-", "pull slot"),
        ("#erasure-", "certificate of an erasure"),
        ("#pull/", "latest pull of a dataset"),
        ("pull-", "pull on request"),
        ("writeback-", "writeback"),
    ):
        if key.startswith(start):
            return kind
    return "dataset"


def state_of(item: Mapping[str, Any]) -> str:
    """Return the state of an item and of its parts."""
    said = [item.get(name, {}).get("S", "") for name in ("state", "outcome", "kind")]
    if "parts" in item:
        parts = json.loads(item["parts"]["S"])
        said.append(
            "+".join(sorted({f"{p['state']}{' read' * bool(p['reading'])}" for p in parts}))
        )
    return " ".join(filter(None, said))


def form_of(item: Mapping[str, Any]) -> str:
    """Return which attributes an item has in which state; two of one form are read alike."""
    return f"{kind_of(item)} {state_of(item)}: {' '.join(sorted(item))}"


def message_form(message: Mapping[str, Any]) -> str:
    """Return what a message looks like: its queue, its fields, and the words that decide."""
    body, deciding = message["body"], ("by", "reason", "look_at_scopes", "kind", "is_completed")
    fields = [
        f"{name}={body[name]}" if name in deciding else f"{name}:{_type_of(body[name])}"
        for name in sorted(body)
    ]
    attributes = "".join(f" +{name}" for name in message.get("attributes", ()))
    return f"{message['queue']} {' '.join(fields)}{attributes}"


def _type_of(value: Any) -> str:
    return "empty list" if value == [] else type(value).__name__


def key_form(key: str) -> str:
    """Return a key of an object without what is random in it."""
    key = re.sub(r"[0-9a-f]{32}", "{pull_id}", key)
    return re.sub(r"page-\d{6}", "page-{number}", key) if key.startswith("staging/") else key


def attributes_of(items: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, set[str]]]:
    """Return what each attribute of each kind of item looks like."""
    found: dict[str, dict[str, set[str]]] = {}
    for item in items:
        for name, value in item.items():
            shapes = found.setdefault(kind_of(item), {}).setdefault(name, set())
            shapes.add(attribute_shape(name, value))
    return found
