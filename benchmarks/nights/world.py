"""The system of one night: the product's use cases over stores in memory, in virtual time."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from nights.callbacks import let_callbacks_come, let_schools_authorise
from nights.credentials import NightVault, Transit
from nights.ending import is_over
from nights.fleet import MODEL, settle, strangers
from nights.operations import NightOperations
from nights.parameters import THREE, Night
from nights.queues import Body, Consumer, TimedQueue
from nights.samples import Samples, states_written
from nights.stores import Item, NightS3, ReadRecords, TimedCalls, TimedItems
from nights.virtual_time import Clock
from nights.xporter import NightXporter
from tests.support.builders import RELYING_PARTY
from tests.support.fakes import Events
from xporter_bridge import telemetry
from xporter_bridge.aws.dynamodb import WATCH_SHARDS
from xporter_bridge.aws.sqs import Queue
from xporter_bridge.callbacks.signed_urls import SigningKey
from xporter_bridge.datasets.config import configured
from xporter_bridge.events.bus import EventBus
from xporter_bridge.ingestion import fetch
from xporter_bridge.ingestion.dependencies import PullDependencies
from xporter_bridge.ingestion.pull_school import pull
from xporter_bridge.onboarding.messages import read_onboarding
from xporter_bridge.onboarding.onboard import onboard
from xporter_bridge.onboarding.prove_secret import OnboardDependencies
from xporter_bridge.pulls import repository
from xporter_bridge.pulls.messages import DatabaseChanged
from xporter_bridge.pulls.plan import plan
from xporter_bridge.pulls.slots import slow_places_of
from xporter_bridge.registrations.messages import RegisterWebhooks
from xporter_bridge.registrations.register import RegisterDependencies, register
from xporter_bridge.registrations.schedule import schedule
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.session import SchoolSessions
from xporter_bridge.snapshots.store import SnapshotStore
from xporter_bridge.watchdog.overdue import WatchDependencies, enqueue_overdue

Say = Callable[[str], None]


class World:
    """Everything that takes part, and what is counted of it."""

    base_url = "https://callbacks.example.app"
    keys = (SigningKey("k1", b"a key that nobody else has"),)

    def __init__(self, night: Night, say: Say) -> None:
        self.night, self._say, self._chance = night, say, random.Random(night.seed)
        self.clock = Clock(THREE)
        self._moment: datetime | None = None
        self.calls = TimedCalls(self.clock, night)
        self.metrics: Counter[str] = Counter()
        self.watch: Counter[str] = Counter()
        self.ends: dict[str, float] = {}
        self._make_stores()
        self._make_queues()
        self._make_use_cases()
        self.quiet_since: float | None = None
        self.samples = Samples()
        self.due: set[tuple[str, ...]] = set()
        self.served: Counter[tuple[str, ...]] = Counter()
        self.last_served = 0.0

    def _make_stores(self) -> None:
        self.schools = SchoolRepository(None, "schools")
        self.datasets = repository.DatasetRepository(None, "datasets", configured())
        self.state_writes: Counter[tuple[str, int]] = Counter()
        self.school_items: Any = TimedItems(self.calls, self.now, self._note_state_written, "estab")
        self.dataset_items: Any = TimedItems(
            self.calls, self.now, self._note_written, "estab", "dataset"
        )
        self.schools._items = self.school_items  # noqa: SLF001 - as the tests' worlds do
        self.datasets._items = self.dataset_items  # noqa: SLF001
        self.operations = NightOperations(self.clock, self.night)
        self.s3 = NightS3(self.calls, MODEL)
        self.store = SnapshotStore(self.s3, "data", "staging")
        self.bus = EventBus(Events(self.calls), "bus")

    def _make_queues(self) -> None:
        night, caps = self.night, self.night.capacities

        def queue(name: str, handle: Callable[[Body], None], places: int, **how: Any) -> TimedQueue:
            consumer = Consumer(
                name, handle, places, overhead_seconds=night.latencies.overhead,
                deployed_at=night.deployed_at, cold_start_seconds=night.latencies.cold_start, **how,
            )  # fmt: skip
            return TimedQueue(self.clock, self.calls, consumer, self._chance)

        self.pull_queue = queue(
            "pull",
            self._pull,
            night.pulls_at_a_time,
            visibility_seconds=caps.visibility_seconds,
            max_receives=caps.max_receives,
            twice_share=night.twice_share if night.scenario == "twice" else 0,
            killed_share=night.killed_share if night.scenario == "killed" else 0,
        )
        self.database_queue = queue(
            "plan",
            self._plan,
            night.in_proportion(caps.planners),
            visibility_seconds=180,
            batch=caps.plan_batch,
        )
        self.authentication_queue = queue(
            "onboard",
            self._onboard,
            night.in_proportion(caps.onboarders),
            visibility_seconds=720,
        )
        self.registration_queue = queue(
            "register",
            self._register,
            night.in_proportion(caps.registrars),
            visibility_seconds=1080,
        )

    def _make_use_cases(self) -> None:
        night = self.night
        hangs = round(night.schools * night.hanging_share) if night.scenario == "hanging" else 0
        every = [f"{int(MODEL) + number}" for number in range(night.schools)]
        self.hanging = frozenset(self._chance.sample(every, hangs))
        self.xporter: Any = NightXporter(self.clock, night, self.hanging)
        vault: Any = NightVault(self.calls)
        sessions = SchoolSessions(
            self.schools, vault, self.xporter, RELYING_PARTY, self.clock.spend
        )
        self._pulls = Queue(self.pull_queue, "pulls")
        self._nowhere = Queue(None, "nothing is sent there")
        self.pulling = PullDependencies(
            self.datasets, self.store, sessions, self._pulls, self.bus, timedelta(days=90),
            self.now, slow_places=slow_places_of(night.pulls_at_a_time),
        )  # fmt: skip
        self._watching = WatchDependencies(
            self.schools, self.datasets, self._pulls, self._nowhere, self._nowhere, self.bus
        )
        self._registering = RegisterDependencies(
            sessions, self.datasets, self._pulls, self._nowhere, configured(), self.base_url,
            lambda: self.keys, timedelta(hours=6), self.now,
        )  # fmt: skip
        transit: Any = Transit(self.calls)
        registrations = Queue(self.registration_queue, "registrations")
        self._onboarding = OnboardDependencies(
            self.schools, self.datasets, vault, transit, self.xporter, RELYING_PARTY, registrations,
            self._pulls, self._nowhere, configured(), self.bus, timedelta(hours=6), self.now,
        )  # fmt: skip

    def now(self) -> datetime:
        return self._moment or self.clock.now()

    def now_is(self, moment: datetime | None) -> None:
        """Set the clock of what is done before the night; None returns it to the night's."""
        self._moment = moment

    def run(self) -> None:
        """Let the night pass."""
        with (
            mock.patch.object(telemetry, "_print", self._note_line),
            mock.patch.object(telemetry, "count", self._count),
            mock.patch.object(fetch, "work_alone", self.clock.work_alone),
            mock.patch.object(repository, "read", ReadRecords().read),
        ):
            self._say(f"{self.night.scenario}: settling {self.night.schools} schools")
            is_onboarding = self.night.scenario == "onboarding"
            estabs = strangers(self) if is_onboarding else settle(self, self._chance)
            self.expected = {(estab, name) for estab in estabs for name in configured()}
            for counts in (self.calls.counts, self.metrics, self.served, self.xporter.counts):
                counts.clear()
            self.state_writes.clear()
            self.dataset_items.looks.clear()
            self.xporter.has_refreshed = self.night.scenario != "keys"
            self.due.clear()
            if self.night.scenario == "keys":
                self.keys = (SigningKey("k2", b"the key that replaced it"), *self.keys)
                self.clock.at(0, lambda: self._register_schools(everyone=True))
            elif is_onboarding:
                let_schools_authorise(self, self._chance, estabs)
            elif self.night.scenario != "silent":
                let_callbacks_come(self, self._chance, estabs)
            self.clock.at(0, self._every_minute)
            self.clock.at(self._chance.uniform(0, 900), self._every_hour)
            self._said_at = time.monotonic()
            self.clock.run()

    def _every_minute(self) -> None:
        self.samples.take(self)
        if is_over(self):
            self.clock.is_over = True
            return
        for shard in WATCH_SHARDS:
            self.clock.start(lambda shard=shard: self._watch(shard))
        self.clock.at(self.clock.global_seconds + 60, self._every_minute)
        if time.monotonic() - self._said_at > 10:
            self._said_at = time.monotonic()
            self._say(
                f"  {self.clock.now():%H:%M} served {sum(self.served.values())}, "
                f"waiting {self.pull_queue.depth}, due {len(self.due)}"
            )

    def _every_hour(self) -> None:
        self._register_schools(everyone=False)
        self.clock.at(self.clock.global_seconds + 3600, self._every_hour)

    def _register_schools(self, *, everyone: bool) -> None:
        due = Queue(self.registration_queue, "registrations")
        self.watch["schedules"] += 1
        self.clock.start(lambda: schedule(self.schools, due, self.now(), everyone=everyone))

    def _watch(self, shard: int) -> None:
        began, whole = self.clock.seconds, self.night.watch_seconds

        def has_time(part: float) -> bool:
            self.clock.spend(self.night.latencies.look)
            return self.clock.seconds < began + part * whole

        self.operations.watch(shard, self.now(), lambda: has_time(0.5))
        found = self.watch_once(lambda: has_time(1), (shard,))
        seen, took = found["datasets"], round(self.clock.seconds - began)
        self.watch.update(runs=1, looks=seen, cut=bool(found["cut"]), seconds=took)
        self.watch["most"] = max(self.watch["most"], seen)

    def watch_once(
        self, has_time: Callable[[], bool], shards: Sequence[int] = WATCH_SHARDS
    ) -> Mapping[str, int]:
        """Run the watchdog at the present time."""
        return enqueue_overdue(self._watching, shards, self.now(), has_time)

    def _pull(self, body: Body) -> None:
        worker = self.clock.running
        assert worker is not None
        worker.used.clear()
        until = self.clock.seconds + self.night.capacities.pull_seconds - 240
        pull(
            body["estab"],
            body["dataset"],
            self.pulling,
            remaining_seconds=lambda: until - self.clock.seconds,
        )
        self._note_invocation(worker.used)

    def _note_invocation(self, used: Counter[str]) -> None:
        """Sort an invocation by what it did; calls are kept for those that found nothing new."""
        if not used["PullUnchanged"] and not used["PullCommitted"] and not used["PullFailed"]:
            self.metrics["invocations_without_work"] += 1
            return
        self.metrics["pulls"] += 1
        if not used["PullCommitted"] and not used["PullFailed"]:
            kind = "unchanged" if used["PullUnchanged"] == 1 else "visit"
            self.metrics[kind] += used["PullUnchanged"]
            self.metrics.update({f"{kind}:{name}": number for name, number in used.items()})

    def _plan(self, body: Body) -> None:
        message = DatabaseChanged.read(body)
        plan(message, self.schools, self.datasets, self._pulls, configured(), self.now())

    def _onboard(self, body: Body) -> None:
        onboard(read_onboarding(body), self._onboarding)

    def _register(self, body: Body) -> None:
        register(RegisterWebhooks.read(body), self._registering)
        self.ends["registered"] = self.clock.seconds

    def _count(self, name: str, dimension: str, value: float = 1) -> None:
        del dimension
        self.metrics[name] += value if name != "PullDuration" else 1
        if self.clock.running is not None:
            self.clock.running.used[name] += 1
        if name in {"PullCommitted", "PullUnchanged"}:
            self.clock.spend(self.night.latencies.compute)

    def _note_line(self, line: Mapping[str, Any]) -> None:
        self.metrics[line["message"]] += 1

    def _note_state_written(self, key: tuple[str, ...], before: Item, after: Item) -> None:
        del key
        self.state_writes.update(states_written(before, after, int(self.clock.seconds)))

    def _note_written(self, key: tuple[str, ...], before: Item, after: Item) -> None:
        is_due = after.get("requested", 0) > after.get("served", 0)
        was_due = before.get("requested", 0) > before.get("served", 0)
        if is_due:
            self.due.add(key)
        elif was_due:
            self.due.discard(key)
            self.served[key] += 1
            self.last_served = self.clock.seconds
            if key[0] not in self.hanging:
                self.ends["others"] = self.clock.seconds
