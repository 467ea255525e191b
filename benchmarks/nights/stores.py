"""The tests' AWS in memory, with calls that take virtual time and are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from math import ceil
from typing import Any, TypeVar

from sortedcontainers import SortedList

from nights.parameters import Night
from nights.virtual_time import Clock
from tests.support.fakes import S3, Calls, CountedItems, KilledError
from xporter_bridge.aws.dynamodb import watch_attributes
from xporter_bridge.errors import ConflictError
from xporter_bridge.pulls import stored_form
from xporter_bridge.pulls.record import DatasetRecord
from xporter_bridge.timestamps import parse

T = TypeVar("T")
Item = dict[str, Any]
_MOST_RECORDS = 50_000
_WATCHED = ("watch_at", "watch_shard")


class TimedCalls(Calls):
    """Every call of AWS: it takes its time, is counted, and may be the invocation's last."""

    def __init__(self, clock: Clock, night: Night) -> None:
        super().__init__()
        self._clock, self._latencies = clock, night.latencies
        self.counts: Counter[str] = Counter()

    def make(self, name: str, work: Callable[[], T], fault: Callable[[str, bool], Exception]) -> T:
        del fault
        self._clock.spend(self._latencies.of(name))
        worker = self._clock.running
        if worker is not None:
            worker.calls += 1
            worker.used[name] += 1
            if worker.deaths is not None and worker.calls >= worker.deaths:
                raise KilledError
        self.counts[name] += 1
        return work()

    def add(self, name: str, number: int) -> None:
        """Count what is no call, such as write units."""
        self.counts[name] += number
        if self._clock.running is not None:
            self._clock.running.used[name] += number


class TimedItems(CountedItems):
    """A table that also counts its write units and finds a school's items without a search.

    Args:
        changed: Told of every item that was written, before and after.
    """

    def __init__(
        self, calls: TimedCalls, now: Callable[[], datetime], changed: Changed, *key: str
    ) -> None:
        super().__init__(calls, *key)
        self._metered, self._now, self._changed = calls, now, changed
        self._sort_keys: dict[str, set[tuple[str, ...]]] = {}
        self._watched: dict[int, SortedList] = {}
        self._bytes: dict[tuple[str, ...], int] = {}
        self.looks: list[float] = []

    def seed(self, item: Item) -> None:
        """Put an item there as if it had always been."""
        key = tuple(item[name] for name in self._key)
        self._items[key] = item
        self._note(key, {}, item)

    def forget(self, *key: str) -> None:
        """Remove an item, without a call."""
        self._note(key, self._items.pop(key), {})

    def find(self, *key: str) -> Item | None:
        """Return an item, without a call."""
        return self._items.get(key)

    def update(self, *key: str, **arguments: Any) -> Any:
        before = self._items.get(key)
        try:
            made = super().update(*key, **arguments)
        except ConflictError:
            self._metered.add("write_units", _units(self._bytes.get(key, 0)))
            raise
        after, size = self._items[key], self._bytes.get(key, 0)
        self._note(key, before or {}, after)
        units = _units(max(size, self._bytes[key])) + _index_units(before or {}, after)
        self._metered.add("write_units", units)
        self._changed(key, before or {}, after)
        return made

    def _note(self, key: tuple[str, ...], before: Item, after: Item) -> None:
        self._sort_keys.setdefault(key[0], set()).add(key)
        self._bytes[key] = sum(len(name) + len(str(value)) for name, value in after.items())
        if all(before.get(name) == after.get(name) for name in _WATCHED):
            return
        if "watch_at" in before:
            self._watched[before["watch_shard"]].remove((before["watch_at"], key))
        if "watch_at" in after:
            shard = self._watched.setdefault(after["watch_shard"], SortedList())
            shard.add((after["watch_at"], key))

    def get(self, *key: str) -> Item | None:
        found = super().get(*key)
        self._metered.add("read_units", _read_units(self._bytes.get(key, 0)))
        return found

    def query_partition(self, partition: str) -> Iterator[Item]:
        keys = sorted(self._sort_keys.get(partition, ()))
        found = self._metered.make("Query", lambda: [self._items[key] for key in keys], _no_fault)
        self._metered.add("read_units", _read_units(sum(self._bytes[key] for key in keys)))
        yield from found

    def _copied(self, item: T) -> T:
        """Return the item itself: nothing here changes what a table gave."""
        return item

    def query_due(self, now: str, shards: Iterable[int]) -> Iterator[Item]:
        """Yield as ``DynamoTable`` does: shard by shard, in the order of their times."""
        for shard in shards:
            self._metered.make("Query", lambda: None, _no_fault)
            self._metered.add("read_units", 1)  # at least: keys of some 80 bytes
            watched = self._watched.get(shard, SortedList())
            # "~" comes after every key, so that a look that is due now is among them.
            for watch_at, key in list(watched.irange(maximum=(now, ("~",)))):
                self.looks.append((self._now() - parse(watch_at)).total_seconds())
                yield {**dict(zip(self._key, key, strict=True)), "watch_at": watch_at}

    def query_index(
        self, index: str, attribute: str, value: str, sort: str, up_to: str
    ) -> Iterator[Item]:
        del index
        yield from self._metered.make(
            "Query",
            lambda: [
                dict(item)
                for item in list(self._items.values())
                if item.get(attribute) == value and item[sort] <= up_to
            ],
            _no_fault,
        )

    def count_index(self, index: str, attribute: str, value: str) -> int:
        del index
        return self._metered.make(
            "Query",
            lambda: sum(item.get(attribute) == value for item in self._items.values()),
            _no_fault,
        )


class ReadRecords:
    """Reads each stored item once, however often it is met: a write puts another in its place.

    In place of ``pulls.stored_form.read``, for the fleet's hundred environments share one process.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[Item, DatasetRecord]] = {}

    def read(self, item: Item) -> DatasetRecord:
        key = (item["estab"], item["dataset"])
        known = self._known.get(key)
        if known is None or known[0] is not item:
            if len(self._known) >= _MOST_RECORDS:
                self._known.clear()
            known = self._known[key] = (item, stored_form.read(item))
        return known[1]


Changed = Callable[[tuple[str, ...], Item, Item], None]


class NightS3(S3):
    """Buckets in which the schools' first snapshots are all the same, held once.

    What is listed is staged, so only that is searched.
    """

    def __init__(self, calls: Calls, model: str) -> None:
        self._held = _Objects(model)
        super().__init__(calls, self._held)

    def keep_model(self) -> None:
        """Keep the model's objects of now as the first ones of every school that has none."""
        self._held.keep_model()

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterable[dict[str, Any]]:  # noqa: N803
        place = f"{Bucket}/{Prefix}"

        def listed() -> list[dict[str, Any]]:
            found = sorted(key for key in self._held.staged if key.startswith(place))
            return [{"Contents": [{"Key": k.removeprefix(f"{Bucket}/"), "Size": 0} for k in found]}]

        return self._make("ListObjectsV2", listed)


class _Objects(dict[str, bytes]):
    def __init__(self, model: str) -> None:
        super().__init__()
        self._model = model
        self._first: dict[str, bytes] = {}
        self.staged: set[str] = set()

    def keep_model(self) -> None:
        self._first = {name: body for name, body in self.items() if self._model in name}

    def __setitem__(self, name: str, body: bytes) -> None:
        super().__setitem__(name, body)
        if name.startswith("staging/"):
            self.staged.add(name)

    def pop(self, name: str, *default: Any) -> Any:
        self.staged.discard(name)
        return super().pop(name, *default)

    def __missing__(self, name: str) -> bytes:
        school = next((part for part in name.split("/") if "estab=" in part or part.isdigit()), "")
        estab = school.removeprefix("estab=")
        if not estab or estab == self._model:
            raise KeyError(name)
        return self._first[name.replace(estab, self._model)]


def shard_of(estab: str) -> int:
    """Return the shard of the index in which a school's datasets lie."""
    return int(watch_attributes("now", estab)["watch_shard"])


def _index_units(before: Mapping[str, Any], after: Mapping[str, Any]) -> int:
    """Return the write units of the index: one for each entry that goes or comes."""
    if all(before.get(name) == after.get(name) for name in _WATCHED):
        return 0
    return ("watch_at" in before) + ("watch_at" in after)


def _units(size: int) -> int:
    return max(1, ceil(size / 1024))


def _read_units(size: int) -> int:
    """Return the units of one consistent read."""
    return max(1, ceil(size / 4096))


def _no_fault(name: str, is_done: bool) -> Exception:
    del is_done
    return AssertionError(name)
