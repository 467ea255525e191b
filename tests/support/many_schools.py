"""A client of DynamoDB that holds a whole fleet in memory, for what moto is too slow for.

It knows the two calls that reading a fleet makes, and no more; moto holds the same code to
DynamoDB's rules in ``integration/test_fleet_pages.py``.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from boto3.dynamodb.types import TypeSerializer

_serialize = TypeSerializer().serialize
# Of an index of keys, about so many entries make the megabyte that one call answers at most.
_MOST_KEYS = 10_000
Item = Mapping[str, Any]


class ManySchools:
    """Holds items of a table of schools with their indexes; counts the calls by kind."""

    def __init__(self, schools: Iterable[Item], indexes: Mapping[str, tuple[str, str]]) -> None:
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._schools = {item["estab"]: item for item in schools}
        self._indexes: dict[tuple[str, Any], list[Item]] = defaultdict(list)
        for name, (partition, sort) in indexes.items():
            for item in self._schools.values():
                if item.get(sort) not in {None, ""} and item.get(partition) is not None:
                    self._indexes[name, item[partition]].append(item)
            for key in [key for key in self._indexes if key[0] == name]:
                self._indexes[key].sort(key=lambda item, sort=sort: item[sort])
        self._sorts = {name: sort for name, (_, sort) in indexes.items()}
        self._partitions = {name: partition for name, (partition, _) in indexes.items()}

    def get_item(self, *, Key: Mapping[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803 - boto's
        self._count("get_item")
        item = self._schools.get(Key["estab"]["S"])
        return {"Item": _kept(item)} if item else {}

    def query(self, **asked: Any) -> dict[str, Any]:
        self._count("query")
        if "IndexName" not in asked:
            return {"Items": []}  # no school of the fleet has been pulled
        values = asked["ExpressionAttributeValues"]
        of = values[":v"]
        index = asked["IndexName"]
        found = self._indexes.get((index, int(of["N"]) if "N" in of else of["S"]), [])
        after = values.get(":after", {}).get("S")
        if after is not None:
            found = [item for item in found if item[self._sorts[index]] > after]
        begin = 0
        if "ExclusiveStartKey" in asked:
            last = asked["ExclusiveStartKey"]["estab"]["S"]
            begin = 1 + next(n for n, item in enumerate(found) if item["estab"] == last)
        end = begin + min(asked.get("Limit", _MOST_KEYS), _MOST_KEYS)
        page = found[begin:end]
        answer: dict[str, Any] = {"Count": len(page)}
        if asked.get("Select") != "COUNT":
            names = ("estab", self._partitions[index], self._sorts[index])
            answer["Items"] = [_kept({name: item[name] for name in names}) for item in page]
        if end < len(found):
            last = page[-1]
            names = ("estab", self._partitions[index], self._sorts[index])
            answer["LastEvaluatedKey"] = _kept({name: last[name] for name in names})
        return answer

    def _count(self, call: str) -> None:
        with self._lock:
            self.calls[call] += 1


def _kept(item: Item) -> dict[str, Any]:
    return {
        name: _serialize(value) for name, value in item.items() if value not in (None, "", [], {})
    }
