"""A follower of the feed misses nothing that enters the index within the stated time."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from tests.support.builders import ESTAB, NOW, OTHER_ESTAB
from xporter_bridge.api.change_feed import CURSOR_LIFE, OVERLAP, ChangeView, change_page
from xporter_bridge.aws import clients
from xporter_bridge.erasure import tombstone
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.pulls.change import (
    CLOCK_SKEW,
    INDEX_DELAY,
    SAFETY_MARGIN,
    Change,
    ChangeKind,
    position_of,
)
from xporter_bridge.timestamps import iso

Known = dict[tuple[str, str | None], int | None]


@dataclass
class LateIndex:
    """An index that shows each change some time after its stamp, as DynamoDB may."""

    now: datetime = NOW
    stored: dict[tuple[str, str], tuple[datetime, str]] = field(default_factory=dict)
    waiting: list[tuple[datetime, str]] = field(default_factory=list)

    def commit(self, change: Change, delay: timedelta) -> None:
        self.waiting.append((change.at + delay, change.text()))

    def read(self, after: str, until: datetime, page: int) -> Iterator[str]:
        assert page > 0
        shown = dict[tuple[str, str], str]()
        for visible_at, text in self.waiting:
            change = Change.read(text)
            key = (change.estab, change.dataset)
            # Of two commits of a dataset, the index has the later one once it has it at all.
            if visible_at <= self.now:
                shown[key] = max(shown.get(key, ""), text)
        yield from sorted(text for text in shown.values() if after < text < position_of(until))


def committed(number: int, at: datetime, sequence: int = 1) -> Change:
    return Change(at, ESTAB, f"dataset-{number}", sequence, ChangeKind.COMMITTED)


class Follower:
    """Reads pages and stores the cursor, as a consumer does."""

    def __init__(self, index: LateIndex, limit: int = 3) -> None:
        self.index, self.limit = index, limit
        self.cursor: str | None = None
        self.known: Known = {}
        self.delivered = 0

    def page(self) -> bool:
        got = change_page(cast("Any", self.index), self.cursor, self.limit, self.index.now)
        assert len(got.changes) <= self.limit
        self.delivered += len(got.changes)
        for change in got.changes:
            self.apply(change)
        self.cursor = got.cursor
        return got.more

    def walk(self) -> None:
        while self.page():
            pass

    def apply(self, change: ChangeView) -> None:
        at = (change.estab, change.dataset)
        self.known[at] = max(self.known.get(at) or 0, change.sequence or 0)


@pytest.mark.parametrize("seed", range(60))
def test_every_commit_is_delivered_however_late_within_the_overlap(seed: int) -> None:
    chance = random.Random(seed)
    index = LateIndex()
    follower = Follower(index, limit=chance.choice([1, 2, 7, 50]))
    truth: Known = {}
    sequences = dict.fromkeys(range(12), 0)
    for _ in range(400):
        index.now += timedelta(seconds=chance.choice([0.001, 1, 5, 40, 200]))
        if chance.random() < 0.5:
            number = chance.randrange(12)
            sequences[number] += 1
            change = committed(number, index.now, sequences[number])
            late = chance.random() < 0.2
            delay = chance.uniform(0, OVERLAP.total_seconds() - 1) if late else chance.random()
            index.commit(change, timedelta(seconds=delay))
            truth[(ESTAB, change.dataset)] = change.sequence
        elif chance.random() < 0.7:
            follower.page()  # sometimes it stops between two pages
        else:
            follower.walk()
    index.now += OVERLAP * 2
    follower.walk()
    follower.walk()
    assert follower.known == truth


def test_nothing_comes_before_its_time_and_all_of_it_afterwards() -> None:
    index = LateIndex()
    # The later of the two is visible first.
    index.commit(committed(1, NOW), timedelta(seconds=20))
    index.commit(committed(2, NOW + timedelta(seconds=1)), timedelta())
    follower = Follower(index)
    index.now = NOW + timedelta(seconds=10)
    follower.walk()
    assert follower.known == {}
    index.now = NOW + SAFETY_MARGIN + timedelta(seconds=2)
    follower.walk()
    assert set(follower.known) == {(ESTAB, "dataset-1"), (ESTAB, "dataset-2")}


def test_what_is_older_than_the_overlap_comes_once() -> None:
    index = LateIndex()
    for number in range(20):
        index.commit(committed(number, NOW + timedelta(seconds=number)), timedelta())
    index.now = NOW + timedelta(hours=1)
    follower = Follower(index)
    follower.walk()
    follower.walk()
    assert follower.delivered == 20


def test_the_margin_is_longer_than_a_commit_needs_from_its_stamp_into_the_index() -> None:
    writing = timedelta(seconds=clients.longest_seconds("dynamodb"))
    assert writing + CLOCK_SKEW + INDEX_DELAY <= SAFETY_MARGIN
    assert OVERLAP >= 10 * SAFETY_MARGIN


def test_a_cursor_lives_as_long_as_the_tombstone_of_a_dataset() -> None:
    assert CURSOR_LIFE == tombstone._TOMBSTONE
    index = LateIndex()
    cursor = change_page(cast("Any", index), None, 1, NOW).cursor
    change_page(cast("Any", index), cursor, 1, NOW + CURSOR_LIFE - OVERLAP)
    with pytest.raises(RequestRejectedError, match="older than 30 days") as old:
        change_page(cast("Any", index), cursor, 1, NOW + CURSOR_LIFE)
    assert old.value.status == 400


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%%%",
        _encoded("estab=3281102"),
        _encoded(f"changes|{position_of(NOW)}"),
        _encoded("changes|2026-11-24T03:00:00.000Z|"),
        _encoded(f"changes|{position_of(NOW)}|{position_of(NOW)}"),
        _encoded(f"changes|{position_of(NOW)}|{position_of(NOW)}#328#students#1#c"),
        base64.urlsafe_b64encode(b"\xff\xfe\xfd").decode(),
    ],
)
def test_a_cursor_of_another_form_is_refused(cursor: str) -> None:
    with pytest.raises(RequestRejectedError, match="invalid cursor") as refused:
        change_page(cast("Any", LateIndex()), cursor, 1, NOW)
    assert refused.value.status == 400


def test_an_erased_school_is_one_change_without_a_dataset() -> None:
    index = LateIndex()
    index.commit(Change(NOW, OTHER_ESTAB, "", 0, ChangeKind.SCHOOL_ERASED), timedelta())
    page = change_page(cast("Any", index), None, 10, NOW + timedelta(hours=1))
    assert [each.model_dump() for each in page.changes] == [
        {
            "estab": OTHER_ESTAB,
            "kind": "school_erased",
            "dataset": None,
            "sequence": None,
            "committed_at": iso(NOW),
            "manifest_key": None,
        }
    ]
