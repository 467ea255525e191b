"""Sends writebacks, each part at most once as far as anybody can know, and sees them through.

The mark "is being sent" is stored before a request leaves. A crash, a lost answer or half an
answer leaves that mark, and then nothing is sent again: the outcome callback decides or, at the
deadline, what the MIS itself shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from xporter_bridge import telemetry
from xporter_bridge.callbacks.signed_urls import CallbackKind, SigningKey, sign
from xporter_bridge.casing import fold_keys, spelled
from xporter_bridge.errors import (
    AuthorisationPausedError,
    ConflictError,
    PermanentError,
    RateLimitedError,
    TransientError,
    XporterRefusedError,
    XporterUnavailableError,
)
from xporter_bridge.schools.encryption import unseal
from xporter_bridge.schools.session import SchoolNotReadyError, SchoolSession, SchoolSessions
from xporter_bridge.timestamps import has_come
from xporter_bridge.writebacks.accept import content_context
from xporter_bridge.writebacks.model import PartState, Writeback, WritebackKind
from xporter_bridge.writebacks.read_back import Step, check_overdue_part, read_from_mis
from xporter_bridge.writebacks.read_callback import category, subject_of
from xporter_bridge.writebacks.send_attempt import SendAttempt
from xporter_bridge.writebacks.settle import WritebackDependencies, publish_writeback_events
from xporter_bridge.writebacks.transitions import (
    accepted,
    cancelled,
    claimed,
    is_proof_recent,
    marked_unknown,
    pause,
    postponed,
    read_before_sending_again,
    refused,
    released,
)

_PATHS = {
    (False, "async"): "/api/v1/AttendanceAsync/{estab}/",
    (False, "sync"): "/api/v1/Attendance/{estab}/",
    (True, "async"): "/api/v1/Writeback/ConductAsync",
    (True, "sync"): "/api/v1/Writeback/Conduct",
}


@dataclass(frozen=True)
class SendDependencies:
    """The additional dependencies of calls to Xporter."""

    sessions: SchoolSessions
    keys: Callable[[], Sequence[SigningKey]]
    callback_base_url: str
    deadline: timedelta


def submit(
    estab: str,
    id_: str,
    deps: WritebackDependencies,
    sending: SendDependencies,
    *,
    has_time: Callable[[], bool],
) -> None:
    """Take the writeback's next steps: send, read back overdue parts, announce.

    Idempotent: the stored writeback alone says what is to be done.

    Raises:
        TransientError: Something is left to do; the message should come again.
    """
    writeback = deps.operations.get(estab, id_)
    if writeback is None:
        return
    if not writeback.is_ended:
        writeback = WritebackRun(writeback, deps, sending).carry_on(has_time)
    publish_writeback_events(writeback, deps)


class WritebackRun:
    """One invocation's work on one writeback."""

    def __init__(
        self, writeback: Writeback, deps: WritebackDependencies, sending: SendDependencies
    ) -> None:
        self._writeback = writeback
        self._deps = deps
        self._sending = sending
        self._opened: tuple[SchoolSession, list[dict[str, Any]]] | None = None

    def carry_on(self, has_time: Callable[[], bool]) -> Writeback:
        """Read back overdue parts, then send queued parts.

        A part that is being sent when the process ends counts as sent, so no part is begun
        without enough time: it stays overdue, and the watchdog sends a message within a minute.
        """
        for number in range(len(self._writeback.parts)):
            if self._writeback.parts[number].needs_look(self._deps.now()) and has_time():
                self._look(number)
        for number in self._writeback.part_numbers(PartState.QUEUED):
            if not has_time():
                break
            try:
                self._send(number)
            except (SchoolNotReadyError, AuthorisationPausedError) as error:
                self._give_up(error.reason)
                break
            except (PermanentError, RateLimitedError, XporterUnavailableError) as error:
                self._put_off(number, error)
                break
        return self._writeback

    def _give_up(self, reason: str) -> None:
        self._change(lambda it: cancelled(it, reason, self._deps.now()))

    def _put_off(self, number: int, error: PermanentError | TransientError) -> None:
        """Postpone a part that Xporter did not accept; the part's watch time brings it back.

        A secret that yields no token is no reason to give up: only the school's state is.
        """
        telemetry.warn("writeback_put_off", **self._names, reason=error.reason)
        asked = error.retry_after_seconds if isinstance(error, TransientError) else None
        wait = max(pause(self._sending.deadline), timedelta(seconds=asked or 0))
        now = self._deps.now()
        self._change(lambda it: postponed(it, number, now + wait, now))

    def _look(self, number: int) -> None:
        """Read back a part from the MIS."""
        now = self._deps.now()
        try:
            session, bodies = self._open()
        except SchoolNotReadyError as error:
            reason = error.reason
            self._change(lambda it: marked_unknown(it, number, reason, now))
            return
        kind, xporter = self._writeback.kind, self._sending.sessions.xporter
        self._change(
            check_overdue_part(
                self._writeback,
                number,
                lambda: read_from_mis(kind, bodies[number], session, xporter),
                self._sending.deadline,
                now,
            )
        )

    def _send(self, number: int) -> None:
        """Send a part, unless its time is over or another invocation is sending it."""
        if has_come(self._writeback.parts[number].deadline_at, self._deps.now()):
            self._give_up("not_sent_in_time")
            return
        session, bodies = self._open()
        if self._writeback.parts[number].attempts and not self._is_still_absent(number):
            return
        attempt = self._claim(number)
        if attempt:
            body = {**bodies[number], "callback": [{"Method": "POST", "Url": self._url(number)}]}
            posting = SendAttempt(self._sending.sessions.xporter, self._path, body)
            self._change(self._post(session, posting, number, attempt))

    def _is_still_absent(self, number: int) -> bool:
        """Tell whether a part that an earlier reading did not find is still absent from the MIS.

        While the part waited for Xporter or for the school's agent, a person may have entered the
        marks. If Xporter is still refreshing the register, the part waits on.
        """
        deadline, now = self._sending.deadline, self._deps.now()
        if is_proof_recent(self._writeback.parts[number], deadline, now):
            return True
        session, bodies = self._open()
        kind, xporter = self._writeback.kind, self._sending.sessions.xporter
        found = read_from_mis(kind, bodies[number], session, xporter)
        self._change(lambda it: read_before_sending_again(it, number, found, now))
        part = self._writeback.parts[number]
        if part.state is PartState.QUEUED and not is_proof_recent(part, deadline, now):
            self._change(lambda it: postponed(it, number, now + pause(deadline), now))
            return False
        return part.state is PartState.QUEUED

    def _claim(self, number: int) -> int:
        """Mark a part as being sent and return the number of the attempt, or 0 if it is taken.

        The outcome of another part may be stored meanwhile, so a conflict is looked into.
        """
        while self._writeback.parts[number].state is PartState.QUEUED:
            marked = claimed(self._writeback, number, self._sending.deadline, self._deps.now())
            try:
                self._writeback = self._deps.operations.save(marked)
            except ConflictError:
                self._reload()
            else:
                return self._writeback.parts[number].attempts
        return 0

    def _post(
        self, session: SchoolSession, posting: SendAttempt, number: int, attempt: int
    ) -> Step:
        """Make the request and return the step that its answer leads to."""
        try:
            answer = session.call(posting)
        except (PermanentError, TransientError) as error:
            if not posting.may_have_been_received:
                self._change(lambda it: released(it, number, attempt, self._deps.now()))
                raise
            telemetry.warn("writeback_answer_lost", **self._names, reason=error.reason)
            return lambda it: it
        now = self._deps.now()
        if isinstance(answer, XporterRefusedError):
            telemetry.count("XporterRefused", "writeback")
            reason = category(answer.said)
            return lambda it: refused(it, number, attempt, reason, now)
        tracking_id = spelled(fold_keys(answer).get("trackingid") or "")[:200]
        return lambda it: accepted(it, number, attempt, tracking_id, now)

    def _open(self) -> tuple[SchoolSession, list[dict[str, Any]]]:
        """Return a session with Xporter and the bodies of the parts, opened once."""
        if self._opened is None:
            estab, id_ = self._writeback.estab, self._writeback.id
            session = self._sending.sessions.open(estab, self._deps.now())
            key = self._sending.sessions.vault.open(estab, session.school.credentials)
            content = unseal(
                key.key, self._writeback.content or b"", context=content_context(estab, id_)
            )
            self._opened = session, orjson.loads(content)
        return self._opened

    def _url(self, number: int) -> str:
        attempt = self._writeback.parts[number].attempts
        return sign(
            CallbackKind.WRITEBACK,
            self._writeback.estab,
            subject_of(self._writeback.id, number, attempt),
            base_url=self._sending.callback_base_url,
            keys=self._sending.keys(),
        )

    @property
    def _path(self) -> str:
        is_conduct = self._writeback.kind is WritebackKind.CONDUCT
        return _PATHS[is_conduct, self._writeback.mode].format(estab=self._writeback.estab)

    @property
    def _names(self) -> dict[str, str]:
        return {"estab": self._writeback.estab, "id": self._writeback.id}

    def _change(self, step: Step) -> None:
        changed = self._deps.operations.change(self._writeback.estab, self._writeback.id, step)
        if changed is None:
            raise ConflictError("writeback_gone")
        self._writeback = changed

    def _reload(self) -> None:
        self._change(lambda it: it)
