"""The API for the company's own software, typed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote, urlsplit

import boto3

from .api_changes import Changes
from .api_history import Attempt, Callback, History
from .api_records import AuditEntry, ErasedPerson, StoredDataset
from .api_types import Pull, SchoolState, Writeback
from .errors import BridgeError, WaitTimeoutError
from .http import SignedRequest, Transport
from .manifest import Manifest

Kind = Literal["attendance", "lesson_attendance", "conduct"]
PersonKind = Literal["pupil", "contact", "staff"]
_Waited = TypeVar("_Waited", Pull, Writeback)
_LONGEST_INTERVAL_SECONDS = 15.0


class Api:
    """Calls the API of one stack; every method raises ``ApiError`` and ``NotReachableError``.

    Requests are signed (SigV4) with the credentials of boto3's session, and repeated up to four
    times where a repetition is safe.

    Args:
        url: The stack's output ``ApiUrl``, or ``api_url`` of a local stack.
        region: The stack's region.
        session: A session of boto3; the environment's if None.
        is_signed: False to send no signature; a local stack needs none.
    """

    def __init__(
        self,
        url: str,
        region: str = "eu-west-2",
        session: boto3.Session | None = None,
        *,
        is_signed: bool | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if is_signed is None:
            is_signed = urlsplit(url).scheme == "https"
        auth = None
        if is_signed:
            credentials = (session or boto3.Session()).get_credentials()
            if credentials is None:
                raise BridgeError("no AWS credentials were found: set AWS_PROFILE")
            auth = SignedRequest(credentials, region)
        self._transport = Transport(url, auth, sleep)
        self._sleep, self._clock = sleep, clock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    # Schools and their data

    def schools(
        self,
        *,
        state: str = "",
        troubled: bool | None = None,
        text: str = "",
        fields: Collection[str] = (),
    ) -> Iterator[SchoolState]:
        """Yield every school that is wanted, page by page.

        Troubled schools come with the worst first; all others in no particular order.

        Args:
            state: Only schools in this state.
            troubled: True for schools that need a person, False for the others, None for all.
            text: Only schools whose number or name holds this text, in any case.
            fields: Only these fields of the schools' documents; fewer are answered faster.
        """
        asked = {
            "state": state,
            "troubled": "" if troubled is None else str(troubled).lower(),
            "q": text,
            "fields": ",".join(fields),
        }
        yield from map(SchoolState.read, self._transport.pages("/v1/schools", "schools", asked))

    def school(self, estab: str) -> SchoolState:
        """Return one school."""
        return SchoolState.read(self._transport.send("GET", _path(estab)))

    def history(self, estab: str) -> History:
        """Return what happened at a school lately: states, callbacks and pulls."""
        return History.read(self._transport.send("GET", _path(estab, "history")))

    def attempts(self, estab: str, dataset: str) -> tuple[Attempt, ...]:
        """Return how the latest pulls of a dataset ended, the latest first."""
        path = _path(estab, "datasets", dataset, "attempts")
        return tuple(
            Attempt.read({"dataset": dataset, **each})
            for each in self._transport.send("GET", path)["attempts"]
        )

    def callbacks(self, estab: str) -> tuple[Callback, ...]:
        """Return the latest callbacks that announced data of a school, the latest first."""
        answer = self._transport.send("GET", _path(estab, "callbacks"))
        return tuple(map(Callback.read, answer["callbacks"]))

    def changes(self, after: str = "") -> Changes:
        """Return an iterator over what changed at any school, the earliest first.

        At least once, and in the order of time: ignore a sequence that you have already. A
        dataset comes with its latest sequence only. An ``ApiError`` 400 says that the cursor is
        too old: begin without it, and forget every dataset that does not come.

        Args:
            after: The ``cursor`` of an earlier iterator; if empty, from the earliest change on.
        """
        return Changes(self._transport, after)

    def manifest(self, estab: str, dataset: str) -> Manifest:
        """Return the current manifest of a dataset."""
        return Manifest.read(self._transport.send("GET", _path(estab, "datasets", dataset)))

    def decide_hold(self, estab: str, dataset: str, decision: Literal["approve", "reject"]) -> None:
        """Approve or reject the change set that is held; an ``ApiError`` 409 if none is held.

        Not repeated if the answer is lost: read the school again.
        """
        path = _path(estab, "datasets", dataset, "hold")
        self._transport.send("POST", path, body={"decision": decision}, is_repeatable=False)

    def erase(self, estab: str) -> None:
        """Erase a school with all its data; this cannot be undone. ``school.erased`` follows."""
        self._transport.send("DELETE", _path(estab))

    # Erased people

    def erase_person(self, estab: str, kind: PersonKind, person_id: str) -> str:
        """Erase a person from all data of a school; return the id of the erasure, a digest.

        The same person again gets the same id. ``person.erased`` follows.

        Args:
            person_id: Xporter's ``Id`` in ``Students``, ``Contacts`` or ``Staff``.
        """
        body = {"kind": kind, "id": person_id}
        return str(self._transport.send("POST", _path(estab, "erased-people"), body=body)["id"])

    def erased_people(self, estab: str) -> tuple[ErasedPerson, ...]:
        """Return everybody who was erased from a school and not let back in; nobody is named."""
        answer = self._transport.send("GET", _path(estab, "erased-people"))
        return tuple(map(ErasedPerson.read, answer["people"]))

    def lift_erasure(self, estab: str, erasure_id: str) -> None:
        """Let an erased person back in: the next pulls ask for all rows.

        An ``ApiError`` 404 if there is no such erased person, and perhaps if the answer was lost
        and the repetition finds the person back in.
        """
        self._transport.send("DELETE", _path(estab, "erased-people", erasure_id))

    # What an auditor reads

    def audit(self, subject: str = "") -> Iterator[AuditEntry]:
        """Yield who asked for what and with what outcome, page by page.

        Args:
            subject: An estab, or "stack" for what concerns no single school: the latest first. If
                empty, all entries, in no order.
        """
        asked = {"subject": subject}
        yield from map(AuditEntry.read, self._transport.pages("/v1/audit", "entries", asked))

    def inventory(self) -> dict[str, StoredDataset]:
        """Return the configured datasets by name, with the fields that are stored of each."""
        answer = self._transport.send("GET", "/v1/inventory")
        return {each["dataset"]: StoredDataset.read(each) for each in answer["datasets"]}

    # Pulls

    def request_pull(
        self,
        estab: str,
        dataset: str = "",
        *,
        endpoint: str = "",
        parameters: Mapping[str, Any] | None = None,
        options: list[str] | None = None,
    ) -> str:
        """Request a configured dataset, or an endpoint with parameters; return the pull's id.

        A repeated request gets the same id while the first one is open.
        """
        given = {
            "dataset": dataset,
            "endpoint": endpoint,
            "parameters": parameters,
            "options": options,
        }
        body = {name: value for name, value in given.items() if value}
        answer = self._transport.send("POST", _path(estab, "pulls"), body=body)
        return str(answer["id"])

    def pull(self, estab: str, pull_id: str) -> Pull:
        """Return the state of a pull."""
        return Pull.read(self._transport.send("GET", _path(estab, "pulls", pull_id)))

    def wait_for_pull(
        self,
        estab: str,
        pull_id: str,
        timeout_seconds: float = 1800,
        on_progress: Callable[[Pull], None] | None = None,
    ) -> Pull:
        """Return the pull after its end; ``on_progress`` is called with each state before the end.

        Raises:
            WaitTimeoutError: The pull goes on; it may be waited for again.
        """
        return self._wait(lambda: self.pull(estab, pull_id), timeout_seconds, on_progress)

    # Writebacks

    def write(
        self, estab: str, kind: Kind, payload: Mapping[str, Any], key: str | None = None
    ) -> str:
        """Write attendance or conduct back into the school's MIS; return the writeback's id.

        Args:
            payload: Xporter's own shape (docs/writeback.md).
            key: The idempotency key: the same key and payload give the same writeback. If None, a
                new key is made for this call and its repetitions. A process that may die before it
                has stored the id should give ``idempotency_key(...)``.
        """
        answer = self._transport.send(
            "POST",
            _path(estab, "writebacks"),
            body={"kind": kind, "payload": payload},
            headers={"idempotency-key": key or str(uuid.uuid4())},
        )
        return str(answer["id"])

    def writeback(self, estab: str, writeback_id: str) -> Writeback:
        """Return the state of a writeback."""
        path = _path(estab, "writebacks", writeback_id)
        return Writeback.read(self._transport.send("GET", path))

    def wait_for_writeback(
        self,
        estab: str,
        writeback_id: str,
        timeout_seconds: float = 3 * 3600,
        on_progress: Callable[[Writeback], None] | None = None,
    ) -> Writeback:
        """Return the writeback after its end; Xporter may take more than an hour.

        Raises:
            WaitTimeoutError: The writeback goes on; it may be waited for again.
        """
        return self._wait(lambda: self.writeback(estab, writeback_id), timeout_seconds, on_progress)

    def _wait(
        self,
        look: Callable[[], _Waited],
        timeout_seconds: float,
        on_progress: Callable[[_Waited], None] | None,
    ) -> _Waited:
        until = self._clock() + timeout_seconds
        interval, shown = 0.5, ""
        while True:
            found = look()
            if found.has_ended:
                return found
            if found.state != shown and on_progress:
                on_progress(found)
            shown = found.state
            left = until - self._clock()
            if left <= 0:
                raise WaitTimeoutError(f"{found.id} is {found.state} after {timeout_seconds:g} s")
            self._sleep(min(interval, left))
            interval = min(interval * 1.5, _LONGEST_INTERVAL_SECONDS)


def _path(estab: str, *parts: str) -> str:
    return "/".join(
        ["/v1/schools", quote(estab, safe=""), *(quote(each, safe="") for each in parts)]
    )
