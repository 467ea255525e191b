"""Complete data replies that faults make differ from the documentation."""

import gzip
import json
import re
import zlib
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
    """Send every table, or the named one, without rows, as after an export that failed."""
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
    """Write the Ids of deleted rows in another form than the rows have: PL-5 instead of 5."""
    del resource
    form = fault.parameters.get("value", "PL-{}")
    for name, entries in document.items():
        if name.endswith("_deleted"):
            document[name] = [
                {"Id": form.format(entry["Id"]) if isinstance(form, str) else form}
                for entry in entries
            ]


def _odd_time(document: Document, resource: Resource, fault: Fault) -> None:
    """Write the time in ``meta`` in another form, or leave it out."""
    del resource
    time = fault.parameters.get("value")
    document["meta"] = [{"Id": 1, "MIS": "simsnet", "DateTime": time}] if time else []


def _not_quite_json(body: bytes, fault: Fault) -> bytes:
    """Make a reply invalid as JSON: in the first text of its first row, or around the whole."""
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


def _odd_count(document: Document, resource: Resource, fault: Fault) -> None:
    """Announce another number of pages or rows."""
    del resource
    for paging in document.get("__pagination__", []):
        paging[str(fault.parameters.get("column", "PageCount"))] = fault.parameters.get("value")


def _many_columns(document: Document, resource: Resource, fault: Fault) -> None:
    """Add so many columns to every row of the main table."""
    more = {f"Column{n:06d}": n for n in range(int(fault.parameters.get("value", 12_000)))}
    name = resource.shapes[0].name
    document[name] = [{**row, **more} for row in document[name]]


def _odd_member(document: Document, resource: Resource, fault: Fault) -> None:
    """Add a member beside the tables."""
    del resource
    document[str(fault.parameters.get("column", "Warnings"))] = fault.parameters.get("value")


EDITS: dict[str, Edit] = {
    "empty_tables": _empty,
    "not_ready": _not_ready,
    "deleted_ids": _ids_in_another_form,
    "odd_meta": _odd_time,
    "odd_count": _odd_count,
    "odd_member": _odd_member,
    "many_columns": _many_columns,
}


def is_odd(world: World, request: Request) -> bool:
    """Tell whether a fault may change the reply, which must then be built whole."""
    is_data = request.path_params.get("resource", "") in RESOURCES
    kinds = (*EDITS, "odd_json", "odd_encoding")
    return is_data and any(world.faults.is_on(kind) for kind in kinds)


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


def answered(body: bytes, whole: Response, encoding: Fault | None) -> Response:
    """Return a reply with another body, packed as the fault says."""
    headers = {name: value for name, value in whole.headers.items() if name != "content-length"}
    if encoding:
        body, headers["content-encoding"] = _packed(body, str(encoding.parameters.get("value")))
    return Response(body, whole.status_code, headers=headers)


def _packed(body: bytes, kind: str) -> tuple[bytes, str]:
    """Return the body as it is sent, and its Content-Encoding, which a fault may make wrong."""
    half = len(body) // 2
    raw = zlib.compressobj(wbits=-15)
    return {
        "members": (gzip.compress(body[:half]) + gzip.compress(body[half:]), "gzip"),
        "deflate": (zlib.compress(body), "deflate"),
        "raw_deflate": (raw.compress(body) + raw.flush(), "deflate"),
        "unlabelled": (gzip.compress(body), "identity"),
        "mislabelled": (body, "gzip"),
    }.get(kind, (body, kind))
