"""Replies that are whole, and still not as documented: what faults make of a data reply."""

import json
import re
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tools.simulator.service.application import World
from tools.simulator.service.endpoints import RESOURCES, Resource
from tools.simulator.service.faults import Fault

Document = dict[str, Any]
Edit = Callable[[Document, Resource, Fault], None]


def _tables(document: Document) -> list[str]:
    return [
        name
        for name, value in document.items()
        if isinstance(value, list) and not name.startswith("__") and name != "meta"
    ]


def _empty(document: Document, resource: Resource, fault: Fault) -> None:
    """Send every table, or the one that is named, without rows: an export that failed."""
    del resource
    wanted = str(fault.parameters.get("table", "")).lower()
    for name in _tables(document):
        if not wanted or name.lower() == wanted:
            document[name] = []
    rows = max((len(document[name]) for name in _tables(document)), default=0)
    for paging in document.get("__pagination__", []):
        paging.update(RowCount=rows, PageCount=-(-rows // paging["PageSize"]))


def _not_ready(document: Document, resource: Resource, fault: Fault) -> None:
    """Send empty arrays beside a DBStatus that is not OK."""
    _empty(document, resource, Fault("empty_tables"))
    status = fault.parameters.get("value", "Pending")
    shape = str(fault.parameters.get("column", "__DbStatus__"))
    said = {"DatabaseName": resource.database, "Status": status}
    document[shape] = status if shape.lower() == "status" else [said]


def _ids_in_another_form(document: Document, resource: Resource, fault: Fault) -> None:
    """Name deleted rows otherwise than the rows themselves are named: PL-5 in place of 5."""
    del resource
    form = fault.parameters.get("value", "PL-{}")
    for name, entries in document.items():
        if name.endswith("_deleted"):
            document[name] = [
                {"Id": form.format(entry["Id"]) if isinstance(form, str) else form}
                for entry in entries
            ]


def _odd_time(document: Document, resource: Resource, fault: Fault) -> None:
    """Write the time in meta otherwise, or leave it out."""
    del resource
    time = fault.parameters.get("value")
    document["meta"] = [{"Id": 1, "MIS": "simsnet", "DateTime": time}] if time else []


def _not_quite_json(body: bytes, fault: Fault) -> bytes:
    """Write a reply as no JSON parser reads it: in the first text of its first row, or around."""
    kind = str(fault.parameters.get("value", "nan"))
    raw = {"nan": b"NaN", "infinity": b"-Infinity"}
    texts = {"control": b'"a\n\x0bb"', "surrogate": rb'"a\ud83d"', "apostrophe": rb'"O\'Brien"'}
    if kind == "bom":
        return b"\xef\xbb\xbf" + body
    if kind == "comma":
        return body.replace(b"}]", b"},]").replace(b"]}", b"],}")
    column = str(fault.parameters.get("column", "Forename")).encode()
    value = rb'("' + column + rb'": ?)(?:"(?:[^"\\]|\\.)*"|null)'
    written = {**raw, **texts}[kind]
    return re.sub(value, lambda found: found[1] + written, body)


EDITS: dict[str, Edit] = {
    "empty_tables": _empty,
    "not_ready": _not_ready,
    "deleted_ids": _ids_in_another_form,
    "odd_meta": _odd_time,
}


def is_odd(world: World, request: Request) -> bool:
    """Tell whether a fault may make the reply odd: it must be read whole then."""
    is_data = request.path_params.get("resource", "") in RESOURCES
    return is_data and any(world.faults.is_on(kind) for kind in (*EDITS, "odd_json"))


def odd_reply(world: World, request: Request, place: dict[str, Any], body: bytes) -> bytes:
    """Return the reply that the faults make of a data reply."""
    resource = RESOURCES[request.path_params["resource"]]
    struck = [(edit, world.faults.take(kind, **place)) for kind, edit in EDITS.items()]
    edits = [(edit, fault) for edit, fault in struck if fault]
    document = json.loads(body) if edits else {}
    if edits and "ExceptionMessage" not in document:
        for edit, fault in edits:
            edit(document, resource, fault)
        body = json.dumps(document).encode()
    text = world.faults.take("odd_json", **place)
    return _not_quite_json(body, text) if text else body


def answered(body: bytes, whole: Response) -> Response:
    """Return a reply with another body."""
    headers = {name: value for name, value in whole.headers.items() if name != "content-length"}
    return Response(body, whole.status_code, headers=headers)
