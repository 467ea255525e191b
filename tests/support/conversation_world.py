"""A company in memory that talks to a simulated Xporter: both conversations, with crashes."""

import itertools
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.support.dynamodb_in_memory import ItemsInMemory
from tools.simulator.http.server import RunningSimulator
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.availability import ask_xporter as availability
from xporter_bridge.availability import settle as availability_outcomes
from xporter_bridge.availability.accept import AvailabilityDependencies
from xporter_bridge.availability.ask_xporter import AskDependencies
from xporter_bridge.availability.messages import AvailabilityReceived
from xporter_bridge.availability.read_callback import read_statuses
from xporter_bridge.availability.repository import AvailabilityRepository
from xporter_bridge.aws.dynamodb import WATCH_SHARDS
from xporter_bridge.callbacks.request import read_request
from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, verify
from xporter_bridge.datasets.config import configured
from xporter_bridge.errors import CallbackRejectedError, TransientError
from xporter_bridge.events.model import Event
from xporter_bridge.operations.model import OperationKind
from xporter_bridge.operations.repository import OperationRepository
from xporter_bridge.pulls.repository import DatasetRepository
from xporter_bridge.schools.model import School
from xporter_bridge.schools.repository import SchoolRepository
from xporter_bridge.schools.session import SchoolSessions
from xporter_bridge.schools.states import SchoolState
from xporter_bridge.schools.vault import OpenedKey, with_secret
from xporter_bridge.watchdog.overdue import enqueue_overdue_operations
from xporter_bridge.writebacks import settle as writeback_outcomes
from xporter_bridge.writebacks.accept import AcceptDependencies, accept
from xporter_bridge.writebacks.messages import OutcomeReceived
from xporter_bridge.writebacks.model import Writeback
from xporter_bridge.writebacks.read_callback import message_of, read_outcome
from xporter_bridge.writebacks.repository import WritebackRepository
from xporter_bridge.writebacks.settle import WritebackDependencies
from xporter_bridge.writebacks.submit import SendDependencies, submit
from xporter_bridge.xporter.client import XporterApi

ESTAB = "3281102"
RELYING_PARTY = "live.example.app"
KEYS = [SigningKey("k1", b"a key that nobody else has")]


class CrashError(Exception):
    """The process died here."""


class Crashes:
    """Lets the n-th durable write about an id fail, before or after it is made; 0 is never."""

    def __init__(self) -> None:
        self.planned: dict[str, tuple[int, bool]] = {}
        self.writes: Counter[str] = Counter()
        self._lock = threading.Lock()

    def before(self, key: tuple[str, ...]) -> None:
        with self._lock:
            self.writes[key[-1]] += 1
        self._strike(key[-1], is_after=False)

    def after(self, key: tuple[str, ...]) -> None:
        self._strike(key[-1], is_after=True)

    def _strike(self, id_: str, *, is_after: bool) -> None:
        if self.planned.get(id_) == (self.writes[id_], is_after):
            del self.planned[id_]
            raise CrashError


class QueueInMemory:
    """A queue whose messages come at least once; a delayed one comes when its time has come."""

    def __init__(self, crashes: Crashes, now: Callable[[], datetime]) -> None:
        self.messages: deque[tuple[datetime, Mapping[str, Any]]] = deque()
        self._crashes, self._now = crashes, now

    def send(self, message: Mapping[str, Any], *, delay_seconds: float = 0) -> None:
        key = ("queue", str(message.get("id") or message.get("dataset") or "outcome"))
        self._crashes.before(key)
        self.messages.append((self._now() + timedelta(seconds=delay_seconds), message))
        self._crashes.after(key)

    def consume(self, handle: Callable[[Mapping[str, Any]], None], most: int) -> int:
        """Handle up to so many messages; one that fails comes again."""
        handled = 0
        for _ in range(min(most, len(self.messages))):
            due, message = self.messages.popleft()
            if due > self._now():
                self.messages.append((due, message))
                continue
            handled += 1
            try:
                handle(message)
            except (CrashError, TransientError):
                self.messages.append((due, message))
        return handled


class VaultInMemory:
    """Gives every school the same key: what it protects is proved elsewhere."""

    def open(self, estab: str, credentials: object) -> OpenedKey:
        return OpenedKey(estab, b"0" * 32, b"wrapped")

    def open_people(self, school: School) -> None:
        """Nobody was erased."""


class BusInMemory:
    """Remembers what was announced."""

    def __init__(self, crashes: Crashes) -> None:
        self.events: list[Event] = []
        self._crashes = crashes

    def publish(self, events: tuple[Event, ...]) -> None:
        for event in events:
            key = ("bus", str(event.data.get("id")))
            self._crashes.before(key)
            self.events.append(event)
            self._crashes.after(key)


class Company:
    """Everything of the system that the two conversations need, and a school that is live."""

    def __init__(
        self,
        simulator: RunningSimulator,
        school: Mapping[str, Any],
        *,
        outcome_deadline: timedelta = timedelta(minutes=75),
        sending_deadline: timedelta = timedelta(minutes=75),
        availability_deadline: timedelta = timedelta(minutes=12),
    ) -> None:
        self.skipped = timedelta()
        self.has_time: Callable[[], bool] = lambda: True
        self.crashes = Crashes()
        self.simulator = simulator
        self.schools = SchoolRepository(None, "schools")
        self.schools._items = ItemsInMemory("estab")  # type: ignore[assignment]
        self.operations = OperationRepository(None, "operations")
        self.written = WritebackRepository(None, "operations")
        self.availability_requests = AvailabilityRepository(None, "operations")
        operations: Any = ItemsInMemory(
            "estab", "operation", before=self.crashes.before, after=self.crashes.after
        )
        for repository in (self.operations, self.written, self.availability_requests):
            repository._items = operations
        self.datasets = DatasetRepository(None, "datasets", configured())
        self.datasets._items = ItemsInMemory("estab", "dataset")  # type: ignore[assignment]
        self.writebacks, self.outcomes, self.requests, self.statuses, self.pulls = (
            QueueInMemory(self.crashes, self.now) for _ in range(5)
        )
        self.bus = BusInMemory(self.crashes)
        self.audit = AuditTrail(None, "audit", timedelta(days=730))
        entries: Any = ItemsInMemory(
            "subject", "position", before=self.crashes.before, after=self.crashes.after
        )
        self.audit._items = entries
        self._server = _Receiver(self).server
        base_url = f"http://127.0.0.1:{self._server.server_port}"
        self.vault: Any = VaultInMemory()
        sessions = SchoolSessions(
            self.schools, self.vault, XporterApi(simulator.url), RELYING_PARTY
        )
        self.accepting = AcceptDependencies(
            self.written, self.vault, self.writebacks, sending_deadline, self.now  # type: ignore[arg-type]
        )  # fmt: skip
        self.deps = WritebackDependencies(self.written, self.bus, self.audit, self.now)  # type: ignore[arg-type]
        self.sending = SendDependencies(sessions, lambda: KEYS, base_url, outcome_deadline)
        self.availability = AvailabilityDependencies(
            self.availability_requests, self.datasets, self.requests, self.pulls,  # type: ignore[arg-type]
            configured(), self.now,
        )  # fmt: skip
        self.asking = AskDependencies(sessions, lambda: KEYS, base_url, availability_deadline)
        key = self.vault.open(ESTAB, None)
        self.schools.change(
            ESTAB,
            lambda _: School(
                ESTAB,
                state=SchoolState.LIVE,
                scopes=tuple(school["scopes"]),
                credentials=with_secret(key, school["secret"]),
            ),
        )

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    def school(self) -> School:
        found = self.schools.get(ESTAB)
        assert found
        return found

    def write(self, kind: str, payload: Mapping[str, Any], key: str) -> Writeback:
        """Ask for a writeback until it is taken, as a caller whose connection breaks would."""
        for attempt in itertools.count():
            try:
                return accept(self.school(), kind, payload, key, self.accepting)
            except CrashError:
                assert attempt < 5
        raise AssertionError

    def submit(self, message: Mapping[str, Any]) -> None:
        submit(message["estab"], message["id"], self.deps, self.sending, has_time=self.has_time)

    def settle(self, message: Mapping[str, Any]) -> None:
        writeback_outcomes.settle(OutcomeReceived.read(message), self.deps)

    def work(self, most: int = 1_000_000) -> int:
        """Let every consumer handle what its queue holds; return how many messages there were."""
        return (
            self.outcomes.consume(self.settle, 1_000_000)
            + self.writebacks.consume(self.submit, most)
            + self.statuses.consume(
                lambda m: availability_outcomes.settle(
                    AvailabilityReceived.read(m), self.availability
                ), most
            )
            + self.requests.consume(
                lambda m: availability.advance(
                    m["estab"], m["id"], self.availability, self.asking
                ),
                most,
            )
        )  # fmt: skip

    def watch(self) -> int:
        queues: Any = {
            OperationKind.PULL: self.requests,
            OperationKind.WRITEBACK: self.writebacks,
        }
        try:
            return enqueue_overdue_operations(
                self.operations, queues, WATCH_SHARDS, self.now(), lambda: True
            ).looked
        except CrashError:
            return 0

    def receive(self, path: str, body: bytes) -> None:
        """Store one callback as the receivers do."""
        event = {
            "requestContext": {"http": {"method": "POST"}},
            "rawQueryString": urlsplit(path).query,
        }
        query = read_request(event).query
        if urlsplit(path).path.endswith("/availability"):
            about = verify(CallbackKind.AVAILABILITY, query, keys=KEYS)
            statuses = read_statuses(body)
            message = AvailabilityReceived(about.estab, about.subject, statuses)
            self.statuses.send(message.body())
            return
        about = verify(CallbackKind.WRITEBACK, query, keys=KEYS)
        outcome = read_outcome(query, body)
        self.outcomes.send(message_of(about.estab, about.subject, outcome).body())

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Receiver:
    def __init__(self, company: Company) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                try:
                    company.receive(self.path, body)
                    self.send_response(202)
                except CallbackRejectedError as rejected:
                    self.send_response(rejected.status)
                except CrashError:
                    self.send_response(500)
                self.end_headers()

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
