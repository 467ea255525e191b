"""What a person can see and do on the page: events, callbacks, and what schools and Xporter do."""

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from threading import Lock
from typing import Any

import httpx

from tools.demo.simulator import Simulator
from tools.stack.event_tap import open_event_tap
from tools.stack.local_stack import LocalStack

_KEPT_EVENTS = 100
_QUEUE = "local-page"
_FIRST_ESTAB = 3281102
_STUDENTS = 210


class Console:
    """The events, callbacks and buttons of one stack."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._simulator = Simulator(stack.xporter_url)
        self._events: deque[str] = deque(maxlen=_KEPT_EVENTS)
        self._lock = Lock()
        sqs, events = stack.aws("sqs"), stack.aws("events")
        # A queue of its own: the event tap belongs to the tests and to the demo.
        self._queue = open_event_tap(sqs, events, stack.outputs["EventBusName"], _QUEUE)
        self.actions: Mapping[str, Callable[[], str]] = {
            "A school authorises us": self._authorise,
            "Three pupils change": partial(self._change, rows=3),
            "A third of the pupils vanish": partial(self._change, deletes=_STUDENTS // 3),
            "Xporter fails (503)": partial(self._fault, "server_error"),
            "Xporter is slow (2 s)": partial(self._fault, "slow", delay_ms=2000),
            "Callbacks are lost": partial(self._fault, "lost_callback"),
            "No fault": partial(self._fault, None),
            "Run the watchdog": partial(self._trigger, "watch_deadlines"),
            "Count the schools": partial(self._trigger, "schedule_registrations"),
        }

    def events(self) -> list[str]:
        """Return the newest events as JSON, the newest first."""
        sqs = self._stack.aws("sqs")
        with self._lock:
            while messages := sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get(
                "Messages"
            ):
                for message in messages:
                    self._events.appendleft(message["Body"])
                    handle = message["ReceiptHandle"]
                    sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=handle)
            return list(self._events)

    def callbacks(self) -> list[dict[str, Any]] | None:
        """Return the callbacks of Xporter, the newest first; None if it is no simulator."""
        try:
            return list(reversed(self._simulator.callbacks()))
        except (httpx.HTTPError, ValueError, KeyError):
            return None

    def do(self, name: str) -> str:
        """Do what a button says, and return a sentence about it."""
        action = self.actions.get(name)
        if action is None:
            return "There is no such button."
        try:
            return action()
        except httpx.HTTPError as error:
            return f"Xporter did not do so: {error}"

    def _authorise(self) -> str:
        taken = {str(school["estab"]) for school in self._simulator.schools()}
        estab = next(e for n in range(10_000) if (e := str(_FIRST_ESTAB + n)) not in taken)
        self._simulator.found(estab, _STUDENTS, seed=int(estab))
        self._simulator.authorise(estab, install_completed=True)
        return f"School {estab} has authorised us; its pupils are pulled within seconds."

    def _change(self, **counts: int) -> str:
        schools = self._simulator.schools()
        if not schools:
            return "There is no school yet."
        estab = str(schools[0]["estab"])
        self._simulator.change(estab, "XodSchoolData", **counts)
        return f"So it is at school {estab}, and Xporter calls us back."

    def _fault(self, kind: str | None, **facts: int) -> str:
        self._simulator.set_faults(*([{"kind": kind, **facts}] if kind else []))
        return "From now on, until another button is pressed." if kind else "Xporter works."

    def _trigger(self, function: str) -> str:
        self._stack.trigger(function)
        return f"{function} has run."
