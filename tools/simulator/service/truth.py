"""The rows of one table as they are now, exactly as the API would give them."""

from collections.abc import Iterator, Mapping

from tools.simulator.http.errors import ControlError, XporterError
from tools.simulator.school.schools import School
from tools.simulator.service.endpoints import RESOURCES, Shape, tables_named
from tools.simulator.service.page_cache import CHUNK_ROWS, dumps
from tools.simulator.service.queries import Query, folded, parse
from tools.simulator.service.selection import Selection


def truth(
    school: School, table: str, parameters: Mapping[str, str], *, lines: bool
) -> Iterator[bytes]:
    """Yield the table as one JSON array, or as one object per line.

    Options and filters mean what they mean to the API; side tables are filled without their
    option. ``resource`` names the resource when several have a table of this name.

    Raises:
        ControlError: There is no such table, or a parameter is missing.
    """
    shape = _shape(table, parameters.get("resource"))
    query = _query(shape, parameters)
    selection = Selection(school, query, frozenset(school.scopes), school.revision)
    return _lines(selection, shape) if lines else _array(selection, shape)


def _shape(table: str, resource: str | None) -> Shape:
    found = list(tables_named(table, resource))
    if not found:
        raise ControlError(f"no table {table!r}", 404)
    # The shorter name is the plainer resource: AttendanceForDate before AttendanceForDateRange.
    return min(found, key=lambda shape: (len(shape.resource), shape.resource))


def _query(shape: Shape, parameters: Mapping[str, str]) -> Query:
    resource = RESOURCES[shape.resource.lower()]
    given = folded(list(parameters.items()))
    if shape.option:
        given["options"] = ",".join(filter(None, (given.get("options"), shape.option)))
    for name in ("page", "pagesize", "changedrows"):
        given.pop(name, None)
    try:
        return parse(resource, None, given)
    except XporterError as error:
        raise ControlError(error.message) from error


def _parts(selection: Selection, shape: Shape) -> Iterator[bytes]:
    keys = selection.keys(shape)
    for start in range(0, len(keys), CHUNK_ROWS):
        yield dumps(selection.sent(shape, keys[start : start + CHUNK_ROWS]))[1:-1]


def _array(selection: Selection, shape: Shape) -> Iterator[bytes]:
    separator = b"["
    for part in _parts(selection, shape):
        yield separator + part
        separator = b","
    yield b"]" if separator == b"," else b"[]"


def _lines(selection: Selection, shape: Shape) -> Iterator[bytes]:
    keys = selection.keys(shape)
    for start in range(0, len(keys), CHUNK_ROWS):
        rows = selection.sent(shape, keys[start : start + CHUNK_ROWS])
        yield b"".join(dumps(row) + b"\n" for row in rows)
