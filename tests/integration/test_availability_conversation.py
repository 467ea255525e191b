"""Asking Xporter for data that it must fetch: every way in which the wait can end."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.support.conversation_world import ESTAB, Company, CrashError
from tools.simulator.http.server import RunningSimulator
from xporter_bridge.availability.accept import request_dataset, request_endpoint
from xporter_bridge.availability.model import AvailabilityRequest, PullState, state_of
from xporter_bridge.errors import RequestRejectedError
from xporter_bridge.operations.model import OperationKind, identity

DAY = {"date": "2026-11-20"}


@pytest.fixture
def company() -> Iterator[Company]:
    with RunningSimulator(time_scale=6000) as simulator:
        school = requests.post(
            f"{simulator.url}/_sim/schools",
            json={"estab": ESTAB, "students": 5, "seed": 3, "today": "2026-11-20"},
            timeout=20,
        ).json()
        with Company(simulator, school) as made:
            yield made


def _set(company: Company, **settings: Any) -> None:
    url = f"{company.simulator.url}/_sim/application"
    assert requests.put(url, json=settings, timeout=20).ok


def _faults(company: Company, *faults: dict[str, Any]) -> None:
    url = f"{company.simulator.url}/_sim/faults"
    assert requests.put(url, json=list(faults), timeout=20).ok


def _asked(company: Company) -> list[str]:
    answer = requests.get(f"{company.simulator.url}/_sim/requests", timeout=20).json()
    return [each["query"] for each in answer["requests"] if "callbackUrl" in each["query"]]


def _pending(company: Company) -> int:
    """Return how many callbacks the simulator still has to make."""
    answer = requests.get(f"{company.simulator.url}/_sim/callbacks", timeout=20).json()
    return int(answer["pending"])


def _request(company: Company) -> AvailabilityRequest:
    return request_endpoint(company.school(), "AttendanceForDate", DAY, company.availability)


def _held(company: Company, pull: AvailabilityRequest) -> AvailabilityRequest:
    found = company.availability_requests.get(ESTAB, pull.id)
    assert found
    return found


def _until(company: Company, holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until, "it did not come to that"
        if not company.work():
            time.sleep(0.01)


def _ends(company: Company, pull: AvailabilityRequest) -> AvailabilityRequest:
    _until(company, lambda: _held(company, pull).generation > 0)
    return _held(company, pull)


def _staleness(company: Company, pull: AvailabilityRequest) -> Any:
    item = company.datasets.get(ESTAB, pull.dataset)
    assert item
    return item.demand.staleness


@pytest.mark.parametrize("shape", ["__DbStatus__", "DbStatus", "__DBStatus__", "list", "form"])
def test_everything_ok_is_pulled_as_fresh_whatever_the_shape(company: Company, shape: str) -> None:
    _set(company, availability_body=shape)
    pull = _ends(company, _request(company))
    assert (pull.state, pull.outcome) == (PullState.PULLING, "ready")
    assert _staleness(company, pull) is None
    assert [m for _, m in company.pulls.messages] == [
        {"estab": ESTAB, "dataset": "attendancefordate-2026-11-20"}
    ]


@pytest.mark.parametrize("reply", ["data", "dbstatus", "empty"])
def test_whatever_the_request_is_answered_with_the_data_are_pulled(
    company: Company, reply: str
) -> None:
    _set(company, availability_reply=reply, availability_delay_seconds=0.1)
    assert _ends(company, _request(company)).outcome == "ready"


def test_a_status_that_is_ok_at_once_needs_no_callback(company: Company) -> None:
    _set(company, availability_reply="dbstatus", availability_outcome="never")
    assert _ends(company, _request(company)).outcome == "ready"


@pytest.mark.parametrize(("outcome", "status"), [("not_ok", "Pending"), ("error", "Error")])
def test_what_is_not_ok_is_pulled_as_stale_with_the_statuses(
    company: Company, outcome: str, status: str
) -> None:
    _set(company, availability_outcome=outcome)
    pull = _ends(company, _request(company))
    assert pull.outcome == "not_ok"
    assert _staleness(company, pull) == {
        "reason": "not_ok",
        "statuses": [
            {"database": "XodAttendanceForDate", "status": status},
            {"database": "XodSchoolData", "status": "OK"},
        ],
    }


def test_silence_ends_at_the_deadline_and_the_late_callback_changes_nothing(
    company: Company,
) -> None:
    _set(company, availability_outcome="late")
    pull = _request(company)
    company.work()
    assert _held(company, pull).state is PullState.WAITING
    company.skipped = timedelta(minutes=12)
    company.watch()
    ended = _ends(company, pull)
    assert ended.outcome == "silence"
    assert _staleness(company, pull) == {"reason": "silence", "statuses": []}
    _until(company, lambda: not company.statuses.messages and _callbacks(company) == 1)
    company.work()
    assert _held(company, pull) == ended


def _callbacks(company: Company) -> int:
    answer = requests.get(f"{company.simulator.url}/_sim/callbacks", timeout=20).json()
    return sum(each["status"] == 202 for each in answer["callbacks"])


def test_the_deadline_is_kept_by_a_message_even_if_no_watcher_runs(company: Company) -> None:
    _set(company, availability_outcome="never")
    pull = _request(company)
    company.work()
    company.skipped = timedelta(minutes=12, seconds=1)
    assert _ends(company, pull).outcome == "silence"


def test_a_callback_that_comes_twice_pulls_once(company: Company) -> None:
    _faults(company, {"kind": "duplicate_callback"})
    pull = _ends(company, _request(company))
    _until(company, lambda: _callbacks(company) == 2)
    company.work()
    assert _held(company, pull) == pull
    assert len(company.pulls.messages) == 1


def test_a_forged_callback_is_refused(company: Company) -> None:
    _set(company, availability_outcome="never")
    _faults(company, {"kind": "forged_callback"})
    pull = _request(company)
    company.work()
    assert _held(company, pull).state is PullState.WAITING


@pytest.mark.parametrize("fault", [{"kind": "server_error"}, {"kind": "cut_json"}])
def test_a_request_that_fails_is_pulled_as_stale(company: Company, fault: dict[str, Any]) -> None:
    _faults(company, {**fault, "path": "attendancefordate"})
    pull = _ends(company, _request(company))
    assert pull.outcome == "not_asked"
    assert _staleness(company, pull)["reason"] == "not_asked"


def test_the_callback_url_is_encoded_whole(company: Company) -> None:
    pull = _ends(company, _request(company))
    assert "id=" not in _asked(company)[0].replace("%", "")[:20]
    assert f"%26id%3D{pull.id}" in _asked(company)[0]


def test_the_same_request_has_the_same_id_until_it_is_served(company: Company) -> None:
    first = _request(company)
    assert _request(company).id == first.id
    pull = _ends(company, first)
    assert _request(company).id == first.id
    _serve(company, pull)
    assert state_of(_held(company, pull), company.datasets.get(ESTAB, pull.dataset)) == "completed"
    assert _request(company).id != first.id


def _serve(company: Company, pull: AvailabilityRequest) -> None:
    company.datasets._items.update(ESTAB, pull.dataset, set_={"served": pull.generation})


def test_a_stale_pull_is_asked_for_once_more_when_the_database_has_aged(company: Company) -> None:
    _set(company, availability_outcome="error")
    first = _ends(company, _request(company))
    _serve(company, first)
    company.skipped = timedelta(minutes=31)
    company.watch()
    company.work()
    number, second, _ = company.availability_requests.latest_pull(ESTAB, first.dataset)
    assert number == 2
    assert second
    second = _ends(company, second)
    _serve(company, second)
    company.skipped = timedelta(days=2)
    company.watch()
    company.work()
    assert company.availability_requests.latest_pull(ESTAB, first.dataset)[0] == 2


def test_a_stale_pull_is_not_repeated_if_another_has_followed(company: Company) -> None:
    _set(company, availability_outcome="error")
    first = _ends(company, _request(company))
    _serve(company, first)
    company.datasets.add_demand(ESTAB, first.dataset, company.now())
    company.skipped = timedelta(minutes=31)
    company.watch()
    company.work()
    assert company.availability_requests.latest_pull(ESTAB, first.dataset)[0] == 1


def test_a_configured_dataset_is_pulled_without_waiting(company: Company) -> None:
    pull = request_dataset(company.school(), "students", company.availability)
    assert (pull.state, pull.outcome, pull.generation) == (PullState.PULLING, "not_needed", 1)
    assert _staleness(company, pull) is None
    assert request_dataset(company.school(), "students", company.availability).id == pull.id


def test_a_dataset_made_by_a_request_can_be_asked_for_by_its_name(company: Company) -> None:
    pull = _ends(company, _request(company))
    _serve(company, pull)
    again = request_dataset(company.school(), pull.dataset, company.availability)
    assert again.definition == pull.definition
    assert again.id != pull.id


@pytest.mark.parametrize("number", range(1, 8))
@pytest.mark.parametrize("is_after", [False, True])
def test_a_crash_at_any_write_neither_loses_the_request_nor_repeats_it(
    company: Company, number: int, is_after: bool
) -> None:
    id_ = identity(OperationKind.PULL, ESTAB, "attendancefordate-2026-11-20/1")
    company.crashes.planned[id_] = (number, is_after)
    try:
        pull = _request(company)
    except CrashError:
        pull = _request(company)
    assert pull.id == id_
    _until(company, lambda: not _pending(company))
    company.work()
    # If it was the callback's own store that crashed, the deadline is what is left.
    company.skipped = timedelta(minutes=13)
    company.watch()
    assert _ends(company, pull).outcome in {"ready", "silence"}
    assert company.availability_requests.latest_pull(ESTAB, pull.dataset)[0] == 1
    item = company.datasets.get(ESTAB, pull.dataset)
    assert item
    assert item.is_due


def test_what_cannot_be_asked_is_refused_with_a_reason(company: Company) -> None:
    with pytest.raises(RequestRejectedError) as wrong:
        request_endpoint(company.school(), "AttendanceForDate", {}, company.availability)
    assert (wrong.value.status, "date" in wrong.value.detail) == (400, True)
    with pytest.raises(RequestRejectedError) as unknown:
        request_dataset(company.school(), "nonsense", company.availability)
    assert unknown.value.status == 404
    with pytest.raises(RequestRejectedError) as nobody:
        request_endpoint(None, "AttendanceForDate", DAY, company.availability)
    assert nobody.value.status == 404


@pytest.mark.parametrize(
    "text", ["[see SEN file]", "{", '{"Status": "OK"', '[{"Status": "OK"}]', "[" * 5_000]
)
@pytest.mark.parametrize("column", ["Note", "Status", "DbStatus"])
def test_a_text_in_a_row_ends_no_wait_and_breaks_no_request(
    company: Company, column: str, text: str
) -> None:
    _set(company, availability_delay_seconds=0.1)
    _faults(company, {"kind": "added_column", "column": column, "value": text})
    pull = _request(company)
    assert company.work() == 1
    assert _held(company, pull).state is PullState.WAITING
    assert _ends(company, pull).outcome == "ready"


@pytest.mark.parametrize("body", ["page", "words", "bytes", "empty", "list_of_words"])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/html"])
def test_a_callback_whose_body_says_nothing_ends_the_wait(
    company: Company, body: str, content_type: str
) -> None:
    fault = {"callback": "availability", "count": 1}
    _faults(
        company,
        {"kind": "odd_body", "body": body, "content_type": content_type, **fault},
        {"kind": "second_question_mark", **fault},
    )
    assert _ends(company, _request(company)).outcome == "not_ok"


@pytest.mark.parametrize("content_type", ["text/html", "application/x-www-form-urlencoded", "x"])
def test_a_callback_is_read_for_what_it_is_and_not_for_what_it_is_called(
    company: Company, content_type: str
) -> None:
    text = '{"__DbStatus__": [{"DatabaseName": "XodAttendanceForDate", "Status": "OK"}]}'
    fault = {"kind": "odd_body", "callback": "availability"}
    _faults(company, {**fault, "body": text, "content_type": content_type})
    assert _ends(company, _request(company)).outcome == "ready"
