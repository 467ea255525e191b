"""A consumer of the client keeps a copy that ends equal to the truth, whatever happens."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from tests.support.builders import ESTAB
from tests.support.fakes import KilledError
from tests.support.published_dataset import DATA, PublishedDataset
from xporter_bridge_client import Bridge, DamagedError, NotAllowedError, Step, SupersededError
from xporter_bridge_client.follow import follow
from xporter_bridge_client.objects import Objects

CHANGES = 1_000
Tables = dict[str, list[dict[str, Any]]]
Rows = dict[str, dict[str, dict[str, Any]]]


def pupils(*numbers: int, **facts: Any) -> Tables:
    return {"Students": [{"Id": str(number), "Name": "A", **facts} for number in numbers]}


def steps(published: PublishedDataset, since: str = "", copy: Rows | None = None) -> list[Step]:
    """Follow to the end, and apply every step to the copy."""
    made = []
    for step in Bridge(DATA, published.s3).follow(ESTAB, "students", since):
        if copy is not None:
            step.apply(copy)
        made.append(step)
    return made


def content(tables: Tables | Rows) -> dict[str, list[str]]:
    """Return the rows of every table that has some, in one order, each once."""
    found = {}
    for name, rows in tables.items():
        each = rows.values() if isinstance(rows, dict) else rows
        found[name] = sorted({json.dumps(row, sort_keys=True, default=str) for row in each})
    return {name: rows for name, rows in found.items() if rows}


class Consumer:
    """Applies steps without a transaction, and may die anywhere; it keeps a copy and a cursor."""

    def __init__(self, published: PublishedDataset, chance: random.Random) -> None:
        self.copy: Rows = {}
        self.cursor = ""
        self._published, self._chance = published, chance
        self.meanwhile: Callable[[], None] = lambda: None
        self.deaths = self.interruptions = 0
        self.faults = True

    def get_object(self, **place: str) -> Any:
        if self.faults and self._chance.random() < 0.01:
            raise KilledError
        if self.faults and self._chance.random() < 0.01:
            self.interruptions += 1
            self.meanwhile()
        return self._published.s3.get_object(**place)

    def run(self) -> None:
        objects = Objects(DATA, self)
        try:
            for step in follow(objects, ESTAB, "students", self.cursor, lambda _: None):
                self._apply(step)
                self.cursor = step.cursor
        except KilledError:
            self.deaths += 1

    def _apply(self, step: Step) -> None:
        dies_at = self._chance.randrange(400) if self.faults else -1
        if dies_at == 0:
            raise KilledError
        if dies_at == 1 and step.tables:
            replace(step, tables=step.tables[:1]).apply(self.copy)
            raise KilledError
        step.apply(self.copy)
        if dies_at == 2:
            raise KilledError


class School:
    """Rows that change at random: with an Id, with another key, and with repeated Ids."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.tables: Tables = {
            "Students": [{"Id": str(n), "Name": "A"} for n in range(1, 40)],
            "AttendCodes": [{"Mark": mark, "Name": "A"} for mark in "/\\LMN"],
            "UDFs": [{"Field": f"F{n}", "Value": "1.50"} for n in range(5)],
            "Contacts": [{"Id": str(n), "Pupil": "1"} for n in range(1, 10)],
        }

    def change(self) -> None:
        for name, rows in self.tables.items():
            for _ in range(self._chance.randrange(3)):
                self._change(name, rows)

    def _change(self, name: str, rows: list[dict[str, Any]]) -> None:
        kind, number = self._chance.choice("iudr"), self._chance.randrange(60)
        if kind == "d" and len(rows) > 3:
            rows.pop(self._chance.randrange(len(rows)))
        elif kind == "u":
            place = self._chance.randrange(len(rows))
            rows[place] = {**rows[place], "Name": f"N{self._chance.random():.6f}"}
        elif name == "Contacts" and kind == "r":  # one Id for two pupils
            rows.append({**self._chance.choice(rows), "Pupil": str(number)})
        else:
            key = {"AttendCodes": "Mark", "UDFs": "Field"}.get(name, "Id")
            if str(number) not in {row[key] for row in rows}:
                rows.append({key: str(number), "Name": "new"})
        met = {json.dumps(row, sort_keys=True): row for row in rows}
        rows[:] = met.values()


def test_a_thousand_changes_with_deaths_and_erasures_end_equal_to_the_truth() -> None:
    chance = random.Random(2026)
    published = PublishedDataset(keys={"AttendCodes": "Mark", "UDFs": ""})
    school, consumer = School(chance), Consumer(published, chance)
    happened = {"erased": 0, "school": 0, "pruned": 0}

    def something() -> None:
        what = chance.randrange(40)
        if what == 0:
            published.erase()
            happened["erased"] += 1
        elif what == 1:
            published.erase_school()
            happened["school"] += 1
        elif what < 6:
            published.prune(keep=chance.randrange(1, 4))
            happened["pruned"] += 1
        school.change()
        published.publish(school.tables)

    consumer.meanwhile = something
    for number in range(CHANGES):
        something()
        if chance.random() < 0.3:
            consumer.run()
        if number % 100 == 99:
            consumer.faults = False
            consumer.run()
            assert content(consumer.copy) == content(school.tables)
            consumer.faults = True
    assert min(happened.values()) > 10
    assert consumer.deaths > 20
    assert consumer.interruptions > 20
    assert Bridge(DATA, published.s3).verify(ESTAB, "students").is_ok


def test_a_copy_begins_with_the_snapshots_and_goes_on_by_changes() -> None:
    published, copy = PublishedDataset(), dict[str, Any]()
    published.publish(pupils(1))
    published.publish(pupils(1, 2))
    [first] = steps(published, "", copy)
    assert first.replaces
    published.publish(pupils(2, 3))
    published.publish(pupils(2, 3, 4))
    made = steps(published, first.cursor, copy)
    assert [(step.replaces, step.manifest and step.manifest.sequence) for step in made] == [
        (False, 3),
        (False, 4),
    ]
    assert set(copy["Students"]) == {"2", "3", "4"}
    assert steps(published, made[-1].cursor) == []


def test_a_step_that_is_applied_twice_changes_nothing() -> None:
    published, copy = PublishedDataset(), dict[str, Any]()
    published.publish(pupils(1, 2))
    [first] = steps(published, "", copy)
    published.publish(pupils(2, 3))
    steps(published, first.cursor, copy)
    steps(published, first.cursor, copy)
    assert content(copy) == content(pupils(2, 3))


def test_a_sequence_that_was_deleted_has_the_copy_begin_anew() -> None:
    published, copy = PublishedDataset(), dict[str, Any]()
    published.publish(pupils(1, 2))
    [first] = steps(published, "", copy)
    for number in range(3, 8):
        published.publish(pupils(number))
    published.prune(keep=2)
    [again] = steps(published, first.cursor, copy)
    assert again.replaces
    assert content(copy) == content(pupils(7))


@pytest.mark.parametrize("later", [1, 2, 5])
def test_a_school_that_was_erased_and_came_back_leaves_nothing_of_its_old_data(later: int) -> None:
    """The new data count from 1: the number of a sequence alone would be believed."""
    published, copy = PublishedDataset(), dict[str, Any]()
    published.publish(pupils(1))
    published.publish(pupils(1, 2))
    [first] = steps(published, "", copy)
    published.erase_school()
    for number in range(later):
        published.publish(pupils(50 + number))
    steps(published, first.cursor, copy)
    assert content(copy) == content(pupils(49 + later))


def test_a_school_that_was_erased_empties_the_copy_once() -> None:
    published, copy = PublishedDataset(), dict[str, Any]()
    published.publish(pupils(1))
    [first] = steps(published, "", copy)
    published.erase_school()
    [gone] = steps(published, first.cursor, copy)
    assert (gone.replaces, gone.cursor, copy) == (True, "", {})
    assert gone.erased
    assert steps(published, gone.cursor) == []


def test_a_dataset_that_was_erased_says_why_and_comes_back() -> None:
    published, copy = PublishedDataset(), dict[str, Any]()
    published.publish(pupils(1))
    [first] = steps(published, "", copy)
    published.erase("left_out")
    [gone] = steps(published, first.cursor, copy)
    assert (gone.erased, copy) == ("left_out", {})
    assert steps(published, gone.cursor) == []
    published.publish(pupils(2))
    steps(published, gone.cursor, copy)
    assert content(copy) == content(pupils(2))


def test_ids_that_begin_and_end_to_repeat_renew_the_copy_of_the_table() -> None:
    published, copy, cursor = PublishedDataset(), dict[str, Any](), ""
    twice = pupils(1, 2)["Students"] + pupils(1, Twin=True)["Students"]
    for rows in (pupils(1, 2), {"Students": twice}, pupils(2, 3), pupils(3)):
        published.publish(rows)
        for step in steps(published, cursor, copy):
            cursor = step.cursor
        assert content(copy) == content(rows)


def test_a_cursor_of_another_dataset_is_not_believed() -> None:
    published, copy = PublishedDataset(), dict[str, Any]()
    published.publish(pupils(1))
    other = PublishedDataset("staff")
    other.publish(pupils(9))
    [step] = Bridge(DATA, other.s3).follow(ESTAB, "staff")
    [again] = steps(published, step.cursor, copy)
    assert again.replaces


def test_a_change_file_of_another_length_is_not_applied() -> None:
    published = PublishedDataset()
    published.publish(pupils(1))
    [first] = steps(published)
    published.publish(pupils(1, 2))
    files = published.published[-1].tables["Students"]
    objects = published.s3.objects
    objects[f"{DATA}/{files.upserts_key}"] = objects[f"{DATA}/{files.deletes_key}"]
    with pytest.raises(DamagedError, match="has 0 rows, and its manifest says 1"):
        list(follow(Objects(DATA, published.s3), ESTAB, "students", first.cursor, lambda _: None))


def test_objects_that_stay_missing_are_an_error_and_not_an_empty_copy() -> None:
    published = PublishedDataset()
    made = published.publish(pupils(1))
    del published.s3.objects[f"{DATA}/{made.tables['Students'].snapshot_key}"]
    with pytest.raises(SupersededError):
        list(follow(Objects(DATA, published.s3), ESTAB, "students", "", lambda _: None))


def test_a_refusal_of_s3_is_never_taken_for_an_erasure() -> None:
    class Refuses:
        def get_object(self, **_: str) -> Any:
            from botocore.exceptions import ClientError

            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")

    with pytest.raises(NotAllowedError, match="s3:ListBucket"):
        list(Bridge(DATA, Refuses()).follow(ESTAB, "students", "3:abc"))


class Interrupted:
    """S3, and something that happens before the n-th read."""

    def __init__(self, published: PublishedDataset, at: int, meanwhile: Callable[[], None]) -> None:
        self._published, self._left, self._meanwhile = published, at, meanwhile

    def get_object(self, **place: str) -> Any:
        self._left -= 1
        if self._left == 0:
            self._meanwhile()
        return self._published.s3.get_object(**place)


@pytest.mark.parametrize("at", range(1, 20))
@pytest.mark.parametrize("taken", [1, 2, 3])
def test_a_school_that_comes_back_while_a_consumer_reads_is_never_mixed_with_its_old_data(
    at: int, taken: int
) -> None:
    """The consumer dies after some steps; its cursor must not vouch for rows of the old school."""
    published, copy = PublishedDataset(), dict[str, Any]()
    published.publish(pupils(1))
    [step] = steps(published, "", copy)
    cursor = step.cursor
    for number in range(2, 6):
        published.publish(pupils(1, number))

    def comes_back() -> None:
        published.erase_school()
        for number in range(50, 58):
            published.publish(pupils(50, number + 1))

    objects = Objects(DATA, Interrupted(published, at, comes_back))
    following = follow(objects, ESTAB, "students", cursor, lambda _: None)
    for step in islice(following, taken):
        step.apply(copy)
        cursor = step.cursor
    following.close()
    steps(published, cursor, copy)
    has_come_back = len(published.published) == 8
    assert content(copy) == content(pupils(50, 58) if has_come_back else pupils(1, 5))
