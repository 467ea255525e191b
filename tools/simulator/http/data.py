"""The data endpoints: ``/api/v1/School/{estab}/{Resource}/{id?}``."""

from starlette.requests import Request

from tools.simulator.http.errors import XporterError, forbidden, not_found
from tools.simulator.http.replies import ChangeSet, Paging, Reply
from tools.simulator.school.schools import School
from tools.simulator.service.application import World
from tools.simulator.service.authorisation import claims_of, school_of
from tools.simulator.service.changesets import START, Snapshot
from tools.simulator.service.data_drift import edit_for, keep_drifting
from tools.simulator.service.endpoints import RESOURCES
from tools.simulator.service.queries import Query, folded, parse
from tools.simulator.service.scopes import covers
from tools.simulator.service.selection import Selection
from tools.simulator.service.tokens import Claims

_DEFAULT_PAGE_SIZE = 25
_PINS_KEPT = 10_000


def read(world: World, request: Request) -> tuple[School, Claims, Query]:
    """Return the requested data, if the token, its school and its scopes allow it.

    Raises:
        XporterError: One of them does not.
    """
    claims = claims_of(world, request.headers.get("authorization"), request.url.path)
    school = school_of(world, claims, request.path_params["estab"])
    school.requests_served += 1
    resource = RESOURCES.get(request.path_params["resource"])
    if resource is None:
        raise not_found(f"Unknown resource {request.path_params['resource']}")
    if not covers(claims.scopes, resource.scope):
        raise forbidden(f"{resource.name} needs the scope {resource.scope}")
    parameters = folded(request.query_params.multi_items())
    return school, claims, parse(resource, request.path_params.get("id"), parameters)


def reply(world: World, school: School, claims: Claims, query: Query) -> Reply:
    """Return the data reply to a query."""
    paging = None
    if query.is_paged:
        paging = Paging(query.page or 1, query.page_size or _DEFAULT_PAGE_SIZE)
    if paging and paging.number > 1:
        keep_drifting(world, school, query)
    revision = _revision(world, school, claims, query, paging)
    selection = Selection(school, query, frozenset(claims.scopes), revision)
    change_set = None
    if query.changed_rows:
        change_set = _change_set(world, selection, claims.relying_party, query.changed_rows)
    return Reply(selection, paging, change_set, edit_for(world, school, query))


def _revision(
    world: World, school: School, claims: Claims, query: Query, paging: Paging | None
) -> int:
    """Return the revision to read: pages after the first go on with that of the first."""
    pull = (
        claims.relying_party, school.estab, query.fingerprint, paging and paging.size,
        query.changed_rows,
    )  # fmt: skip
    if world.faults.take("stale_cache", estab=school.estab, path=query.resource.name):
        return world.pins.setdefault(pull, school.revision)
    if paging is None or paging.number == 1:
        world.pins.pop(pull, None)
        world.pins[pull] = school.revision
        if len(world.pins) > _PINS_KEPT:
            del world.pins[next(iter(world.pins))]
    return world.pins.get(pull, school.revision)


def _change_set(
    world: World, selection: Selection, relying_party: str, requested: str
) -> ChangeSet:
    snapshot = _snapshot(world, selection, relying_party, requested)
    tables = world.snapshots.compare(snapshot, selection) if snapshot else {}
    previous = snapshot.hash if snapshot else START
    following = world.snapshots.keep(selection, relying_party, previous)
    return ChangeSet(requested, following, snapshot, tables, world.application.deleted_paging)


def _snapshot(
    world: World, selection: Selection, relying_party: str, requested: str
) -> Snapshot | None:
    """Return the data that the requested hash identifies; None for the start of a chain."""
    if requested == START:
        return None
    estab = selection.school.estab
    try:
        if world.faults.take("unknown_hash", estab=estab, path=selection.query.resource.name):
            world.snapshots.forget(estab)
        return world.snapshots.find(relying_party, estab, requested)
    except XporterError:
        if world.application.unknown_hash == "restart":
            return None
        raise
