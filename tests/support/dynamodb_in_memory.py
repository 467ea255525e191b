"""A table in memory with the calls of ``Items``, which can be told to crash at any write."""

import copy
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from xporter_bridge.errors import ConflictError

Item = dict[str, Any]
T = TypeVar("T")


def _no_crash(key: tuple[str, ...]) -> None:
    del key


class ItemsInMemory:
    """One table. ``before`` and ``after`` are called around every write and may raise."""

    def __init__(
        self,
        *key: str,
        before: Callable[[tuple[str, ...]], None] = _no_crash,
        after: Callable[[tuple[str, ...]], None] = _no_crash,
    ) -> None:
        self._key = key
        self._before, self._after = before, after
        self._items: dict[tuple[str, ...], Item] = {}
        self._lock = threading.Lock()

    def get(self, *key: str) -> Item | None:
        with self._lock:
            return self._copied(self._items.get(key))

    def update(
        self,
        *key: str,
        set_: Mapping[str, Any] | None = None,
        add: Mapping[str, int] | None = None,
        condition: str = "",
        **values: Any,
    ) -> Item:
        self._before(key)
        with self._lock:
            held = self._items.get(key, {})
            if condition and not _holds(condition, held, {**(set_ or {}), **values}):
                raise ConflictError("in_memory")
            item = {**held, **(set_ or {}), **dict(zip(self._key, key, strict=True))}
            for name, number in (add or {}).items():
                item[name] = held.get(name, 0) + number
            self._items[key] = self._kept(item)
            made = self._copied(self._items[key])
        self._after(key)
        return made

    def put_new(self, item: Mapping[str, Any]) -> None:
        key = tuple(item[name] for name in self._key)
        self._before(key)
        with self._lock:
            if key in self._items:
                raise ConflictError("in_memory")
            self._items[key] = self._kept(dict(item))
        self._after(key)

    def delete(self, *key: str, condition: str = "", **values: Any) -> None:
        self._before(key)
        with self._lock:
            if condition and not _holds(condition, self._items.get(key, {}), values):
                raise ConflictError("in_memory")
            self._items.pop(key, None)
        self._after(key)

    def query_partition(self, partition: str) -> Iterator[Item]:
        with self._lock:
            found = [item for key, item in sorted(self._items.items()) if key[0] == partition]
        yield from self._copied(found)

    def query_due(self, now: str, shards: Iterable[int]) -> Iterator[Item]:
        with self._lock:
            found = [
                {name: item[name] for name in (*self._key, "watch_at")}
                for item in self._items.values()
                if item.get("watch_at", "~") <= now and item["watch_shard"] in shards
            ]
        yield from found

    def _kept(self, item: Item) -> Item:
        return {
            name: self._copied(value)
            for name, value in item.items()
            if value is not None and value not in ("", b"", [], {}, ())
        }

    def _copied(self, value: T) -> T:
        """Return a copy, so that nobody changes what is stored by changing what was given."""
        return copy.deepcopy(value)


def _holds(condition: str, item: Item, values: Mapping[str, Any]) -> bool:
    """Tell whether it holds: clauses joined by AND, of which those in brackets are joined by OR."""
    if " AND " in condition:
        return all(_holds(part, item, values) for part in condition.split(" AND "))
    condition = re.sub(r"^\((.* OR .*)\)$", r"\1", condition)
    return any(_clause(clause.strip(), item, values) for clause in condition.split(" OR "))


def _clause(clause: str, item: Item, values: Mapping[str, Any]) -> bool:
    if found := re.fullmatch(r"attribute_(not_)?exists\(#?(\w+)\)", clause):
        return (found[2] in item) is (found[1] is None)
    found = re.fullmatch(r"#?(\w+) (=|<=|<) :(\w+)", clause)
    assert found, f"not understood in memory: {clause}"
    if found[1] not in item:
        return False
    held, given = item[found[1]], values[found[3]]
    return bool({"=": held == given, "<=": held <= given, "<": held < given}[found[2]])
