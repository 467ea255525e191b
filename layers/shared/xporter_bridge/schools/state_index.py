"""The index of the schools' table by state and by the time when the registrations are due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from xporter_bridge.aws.dynamodb import DynamoTable, Item
from xporter_bridge.errors import ConflictError
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.timestamps import iso

_INDEX = "by_state"
# Sorts behind every time, so that a school that is not due is still counted by its state.
NEVER_DUE = "9999"


class StateIndex:
    """The schools by state; reads no school as a whole."""

    def __init__(self, client: Any, table: str) -> None:
        self._items = DynamoTable(client, table, "estab")

    def registrations_due(self, state: SchoolState, now: datetime) -> Iterator[tuple[str, str]]:
        """Yield (estab, since when) of every school in the state whose registrations are due."""
        yield from self._in_state(state, iso(now))

    def postpone_registrations(self, estab: str, seen: str, until: datetime) -> None:
        """Make the registrations due at a later time, unless their due time has changed since."""
        times = dict.fromkeys(("registrations_due_at", "due_at"), iso(until))
        try:
            self._items.update(estab, set_=times, condition="due_at = :seen", seen=seen)
        except ConflictError:
            return  # The school was checked meanwhile, or is not pulled any more.

    def in_state(self, state: SchoolState) -> Iterator[str]:
        """Yield every school in the state, page by page."""
        for estab, _ in self._in_state(state, NEVER_DUE):
            yield estab

    def page_of_state(
        self, state: SchoolState, limit: int, after: str | None
    ) -> tuple[list[tuple[str, str]], str | None]:
        """Return (position, estab) of one page of schools in the state, and the last position.

        That is what to give for the next page; it is None at the end.
        """
        start: dict[str, str] | None = None
        if after:
            due_at, _, estab = after.partition("#")
            start = {"estab": estab, "state": str(state), "due_at": due_at}
        items, following = self._items.query_index_page(_INDEX, "state", str(state), limit, start)
        last = _place(following) if following else None
        return [(_place(item), item["estab"]) for item in items], last

    def count(self, state: SchoolState) -> int:
        """Return how many schools are in the state."""
        return self._items.count_index(_INDEX, "state", state)

    def _in_state(self, state: SchoolState, due_until: str) -> Iterator[tuple[str, str]]:
        for item in self._items.query_index(_INDEX, "state", state, "due_at", due_until):
            yield item["estab"], item["due_at"]


def _place(item: Item) -> str:
    return f"{item['due_at']}#{item['estab']}"
