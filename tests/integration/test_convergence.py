"""Whatever happens in whatever order, the snapshots end as the school's truth (Hypothesis).

``HYPOTHESIS_PROFILE=nightly`` makes a thousand runs instead of some dozens. A failure prints the
shortest sequence of steps that leads to it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.builders import ESTAB
from tests.support.fakes import Mishap
from tests.support.pull_world import World, in_memory, lines_of, verify
from tests.support.xporter import Xporter
from xporter_bridge.datasets.config import configured
from xporter_bridge.ingestion import fetch as fetching
from xporter_bridge.pulls.messages import DatabaseChanged
from xporter_bridge.pulls.plan import plan

DATASETS = ("students", "contacts")
PROFILES = {
    "ci": settings(max_examples=40, stateful_step_count=20),
    "nightly": settings(max_examples=1000, stateful_step_count=40),
}
PUPILS = 30
FAULTS = (
    {"kind": "rate_limited"},
    {"kind": "rate_limited", "retry_after": 90},
    {"kind": "server_error", "status": 503},
    {"kind": "dropped_connection"},
    {"kind": "cut_json"},
    {"kind": "page_drift"},
    {"kind": "expired_token"},
    {"kind": "unknown_hash"},
    {"kind": "added_column", "column": "HouseColour", "value": "red"},
    {"kind": "added_column", "column": "HouseColour", "value": "[see SEN file]"},
    {"kind": "odd_answer", "status": 403},
    {"kind": "odd_answer", "body": "message"},
    {"kind": "empty_tables"},
    {"kind": "empty_tables", "table": "StudentSiblings"},
    {"kind": "not_ready"},
    {"kind": "deleted_ids"},
    {"kind": "odd_json", "value": "bom"},
    {"kind": "odd_json", "value": "comma"},
    {"kind": "odd_meta", "value": "/Date(1529460887085)/"},
    {"kind": "odd_member", "column": "Warnings", "value": ["late"]},
    {"kind": "odd_count", "value": 10**9},
    {"kind": "odd_count", "column": "RowCount", "value": 7},
    {"kind": "odd_encoding", "value": "members"},
    {"kind": "odd_answer", "body": "object"},
    {"kind": "odd_answer", "status": 503, "retry_after": "Fri, 31 Dec 9999 23:59:59 -2359"},
    # What renews a token, and proves that it is the school's.
    {"kind": "odd_answer", "status": 404, "path": "token"},
    {"kind": "missing_scopes", "path": ""},
)
MISHAPS = st.sampled_from(Mishap)


class School(RuleBasedStateMachine):
    """A school that changes, callbacks that may go astray, and processes that may die."""

    def __init__(self, xporter: Xporter) -> None:
        super().__init__()
        xporter.control("POST", "reset")
        self.world = World(in_memory(), xporter, students=PUPILS)
        self.world.aws.calls.meanwhile = self._others_work
        self.heard: list[datetime] = []
        self.seen: dict[str, dict[str, bytes]] = {name: {} for name in DATASETS}
        self.world.ask(*DATASETS)

    # ------------------------------------------------------------------ the school and Xporter

    @rule(
        rows=st.integers(0, 4),
        inserts=st.integers(0, 3),
        deletes=st.integers(0, 2),
        lost=st.booleans(),
    )
    def something_changes(self, rows: int, inserts: int, deletes: int, lost: bool) -> None:
        if rows + deletes < self._pupils():
            self.world.change(rows=rows, inserts=inserts, deletes=deletes)
        if not lost:
            self.heard.append(self.world.now())

    @rule(returns=st.booleans())
    def most_pupils_go(self, returns: bool) -> None:
        self.world.change(deletes=min(24, self._pupils() - 1), inserts=24 if returns else 0)
        self.heard.append(self.world.now())

    def _pupils(self) -> int:
        return len(lines_of(self.world.xporter.truth("Students")))

    @rule()
    def hashes_expire(self) -> None:
        self.world.xporter.control("POST", f"schools/{ESTAB}/forget-hashes")

    @rule(fault=st.sampled_from(FAULTS), count=st.integers(1, 3), skip=st.integers(0, 3))
    def xporter_fails(self, fault: dict[str, Any], count: int, skip: int) -> None:
        self.world.xporter.set_faults({"path": "/school/", **fault, "count": count, "skip": skip})

    @rule(
        repeated=st.integers(0, 12),
        shared_ids=st.integers(0, 3),
        blank_ids=st.lists(st.sampled_from(["", " ", None]), max_size=2),
    )
    def rows_become_odd(self, repeated: int, shared_ids: int, blank_ids: list[str | None]) -> None:
        odd = {"repeated": repeated, "shared_ids": shared_ids, "blank_ids": blank_ids}
        self.world.xporter.set_school(odd_rows={"Students": odd})
        self.heard.append(self.world.now())

    # ------------------------------------------------------------------ callbacks

    @precondition(lambda self: self.heard)
    @rule(data=st.data(), is_repeated=st.booleans())
    def callback_is_handled(self, data: st.DataObject, is_repeated: bool) -> None:
        """Late, doubled and out of order: any of those that have come, and it may come again."""
        heard_at = data.draw(st.sampled_from(self.heard))
        if not is_repeated:
            self.heard.remove(heard_at)
        self._hear(heard_at)

    def _hear(self, heard_at: datetime) -> None:
        world = self.world
        message = DatabaseChanged(ESTAB, "XodSchoolData", heard_at)
        plan(message, world.aws.schools, world.aws.datasets, world.queue, configured(), world.now())

    # ------------------------------------------------------------------ our processes

    @rule()
    def messages_are_delivered(self) -> None:
        self.world.deliver()

    @rule(at=st.integers(0, 45), mishap=MISHAPS)
    def a_process_has_a_mishap(self, at: int, mishap: Mishap) -> None:
        self.world.aws.calls.plan(at, mishap)
        self.world.deliver()
        self.world.aws.calls.plan(None)

    @rule(at=st.integers(0, 15), mishap=MISHAPS)
    def the_watcher_has_a_mishap(self, at: int, mishap: Mishap) -> None:
        self.world.aws.calls.plan(at, mishap)
        self.world.watch()
        self.world.aws.calls.plan(None)

    @rule(pages=st.integers(1, 4))
    def an_invocation_runs_out_of_time(self, pages: int) -> None:
        left = iter([*[1.0] * pages, *[0.0] * 50])
        self.world.remaining_seconds = lambda: next(left, 1.0)
        self.world.deliver()
        self.world.remaining_seconds = lambda: 600.0

    @rule(seconds=st.sampled_from([1, 10, 45, 120, 3_600, 86_400, 8 * 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.world.advance(seconds=seconds)

    @rule()
    def the_watcher_looks(self) -> None:
        self.world.watch()

    @rule(dataset=st.sampled_from(DATASETS), decision=st.sampled_from(["approve", "reject"]))
    def somebody_decides(self, dataset: str, decision: str) -> None:
        if self.world.item(dataset).hold:
            self.world.aws.datasets.decide(ESTAB, dataset, decision, self.world.now())
            self.world.queue.send({"estab": ESTAB, "dataset": dataset})

    def _others_work(self) -> None:
        self.world.advance(minutes=2)
        self.world.watch()
        self.world.deliver()

    # ------------------------------------------------------------------ at any moment

    @invariant()
    def what_readers_have_seen_stands(self) -> None:
        """Hold that nobody ever reads half a pull, or an older one, or another one than before."""
        for name, seen in self.seen.items():
            now = self.world.readable(name)
            sequences = [
                [key for key in each if key.startswith("manifests/")] for each in (seen, now)
            ]
            assert sequences == sorted(sequences)
            assert all(now[key] == seen[key] for key in now.keys() & seen.keys())
            self.seen[name] = now

    # ------------------------------------------------------------------ quiescence

    def teardown(self) -> None:
        """Let everything come to rest: callbacks that were lost are made up for by silence."""
        world = self.world
        world.xporter.set_faults()
        for heard_at in self.heard:
            self._hear(heard_at)
        world.settle(minutes=90)
        for name in DATASETS:
            item = world.item(name)
            assert not item.has_unfinished_work, "what was asked for waits for more than an hour"
        for _ in range(3):
            world.settle()
            for name in DATASETS:
                self._approve(name)
            world.settle()
            world.advance(hours=28)
            world.watch()
        world.settle()
        verify(world, *DATASETS, staged=True)
        self._verify_events()

    def _approve(self, name: str) -> None:
        item = self.world.item(name)
        if item.hold and not item.demand.decision:
            self.world.aws.datasets.decide(ESTAB, name, "approve", self.world.now())
            self.world.queue.send({"estab": ESTAB, "dataset": name})

    def _verify_events(self) -> None:
        """Hold that every sequence was announced, and under one id."""
        ids: dict[tuple[str, int], set[str]] = defaultdict(set)
        for event in self.world.aws.events():
            if event["type"] == "dataset.changed":
                ids[event["data"]["dataset"], event["data"]["sequence"]].add(event["id"])
        for name in DATASETS:
            for sequence in range(1, self.world.item(name).published.sequence + 1):
                assert len(ids[name, sequence]) == 1


def _manifests(readable: Mapping[str, bytes]) -> list[str]:
    return [key for key in readable if key.startswith("manifests/")]


def test_every_history_ends_with_the_truth(
    xporter: Xporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PAGE_SIZE", 10)
    monkeypatch.setattr("xporter_bridge.xporter.client._QUICK_RETRY_SECONDS", 0)
    chosen = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "ci")]
    run_state_machine_as_test(
        lambda: School(xporter),
        settings=settings(
            chosen,
            deadline=None,
            database=None,
            print_blob=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
