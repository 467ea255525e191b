import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.builders import ESTAB, callback, records
from tests.support.moto_cloud import Context
from xporter_bridge.callbacks.request import CallbackRequest, read_request
from xporter_bridge.entrypoints import answer_callback, consume_messages, run_schedule
from xporter_bridge.errors import (
    CallbackRejectedError,
    ConfigurationError,
    ConflictError,
    ContractError,
    RateLimitedError,
    TransientError,
    XporterBridgeError,
    XporterRefusedError,
    XporterUnavailableError,
)
from xporter_bridge.messages import Message

URL = "https://callbacks.example.app/callbacks/database?estab=3281102"
CANARY = "canary-0755658d"
CONTEXT = Context()


def raising(error: BaseException) -> Callable[[Any], Any]:
    def fail(_: Any) -> Any:
        raise error

    return fail


def answered(
    accept: Callable[[CallbackRequest], str | None], event: dict[str, Any] | None = None
) -> tuple[int, dict[str, Any]]:
    reply = answer_callback(
        event or callback(URL),
        CONTEXT,
        kind="database",
        accept=lambda event: accept(read_request(event)),
    )
    assert reply["headers"] == {"content-type": "application/json"}
    return reply["statusCode"], json.loads(reply["body"])


# -- callbacks


def test_a_stored_callback_is_acknowledged_with_an_empty_object() -> None:
    assert answered(lambda _: ESTAB) == (202, {})


def test_the_callback_reaches_its_receiver_decoded() -> None:
    seen = []

    def accept(request: CallbackRequest) -> str:
        seen.append(request)
        return ESTAB

    answered(accept, callback(URL, "POST", body=b"\x00\xff", is_base64=True))
    assert (seen[0].method, seen[0].body, seen[0].query["estab"]) == ("POST", b"\x00\xff", ESTAB)


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (CallbackRejectedError(400, "body_absent"), 400, "bad request"),
        (CallbackRejectedError(404, "unsigned"), 404, "Not Found"),
        (CallbackRejectedError(404, "wrong_signature"), 404, "Not Found"),
        (CallbackRejectedError(413, "body_too_large"), 413, "too large"),
        (TransientError("sqs:SendMessage"), 503, "try again"),
        (RateLimitedError("xporter_429", 3), 503, "try again"),
        (ConflictError("school_changed"), 503, "try again"),
        (ContractError("answer_is_no_object"), 500, "error"),
        (ConfigurationError("secret has no current version"), 500, "error"),
        (ZeroDivisionError(CANARY), 500, "error"),
        (UnicodeEncodeError("utf-8", CANARY, 0, 1, "no"), 500, "error"),
    ],
)
def test_each_error_is_answered_with_what_the_sender_should_do(
    error: Exception, status: int, message: str
) -> None:
    assert answered(raising(error)) == (status, {"message": message})


def test_a_failure_is_logged_by_its_type_and_place_and_never_by_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answered(raising(ValueError(CANARY)))
    printed = capsys.readouterr()
    assert "callback_failed" in printed.out
    assert CANARY not in printed.out + printed.err


@pytest.mark.parametrize(
    ("error", "name", "dimension"),
    [
        (None, "CallbackAccepted", {"Kind": "database"}),
        (CallbackRejectedError(404, "unsigned"), "CallbackRejected", {"Reason": "unsigned"}),
        (TransientError("x"), "CallbackFailed", {"Kind": "database"}),
        (ConfigurationError("x"), "CallbackFailed", {"Kind": "database"}),
    ],
)
def test_every_callback_is_counted_once(
    error: Exception | None,
    name: str,
    dimension: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    answered(raising(error) if error else lambda _: ESTAB)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    (metric,) = lines
    assert metric[name] == [1.0]
    assert dimension.items() <= metric.items()


# -- messages


class Work:
    """A consumer's work, and where it parks."""

    def __init__(self, *errors: Exception | None) -> None:
        self._errors = iter(errors)
        self.handled: list[dict[str, Any]] = []
        self.parked: list[tuple[str, str]] = []

    def handle(self, message: Message) -> None:
        self.handled.append(message.body())
        error = next(self._errors, None)
        if error:
            raise error

    def park(self, body: str, reason: str) -> None:
        self.parked.append((body, reason))

    def consume(self, *bodies: dict[str, Any] | str) -> list[str]:
        reply = consume_messages(
            records(*bodies),
            CONTEXT,
            function="plan_pulls",
            read=Message.read,
            handle=self.handle,
            park=self.park,
        )
        return [failure["itemIdentifier"] for failure in reply["batchItemFailures"]]


def test_a_batch_that_succeeds_reports_no_failure() -> None:
    work = Work()
    assert work.consume({"estab": "1"}, {"estab": "2"}) == []
    assert work.handled == [{"estab": "1"}, {"estab": "2"}]
    assert work.parked == []


@pytest.mark.parametrize("error", [TransientError("x"), RateLimitedError("x"), KeyError("estab")])
def test_one_that_may_succeed_later_comes_again_and_the_others_do_not(error: Exception) -> None:
    work = Work(None, error, None)
    assert work.consume({"estab": "0"}, {"estab": "1"}, {"estab": "2"}) == ["message-1"]
    assert work.handled == [{"estab": "0"}, {"estab": "1"}, {"estab": "2"}]
    assert work.parked == []


def test_one_that_never_can_succeed_is_parked_with_its_reason_and_acknowledged() -> None:
    work = Work(XporterRefusedError("no_scope", f"Pupil {CANARY}"))
    assert work.consume({"estab": "0"}, {"estab": "1"}) == []
    assert work.parked == [('{"estab": "0"}', "no_scope")]


def test_what_cannot_be_parked_is_not_acknowledged() -> None:
    class FullLot(Work):
        def park(self, body: str, reason: str) -> None:
            raise TransientError("sqs:SendMessage")

    # An error of the function brings the whole batch again.
    with pytest.raises(TransientError):
        FullLot(XporterRefusedError("no_scope")).consume({"estab": "0"})


@pytest.mark.parametrize("body", ["", "no json", "{", "[" * 10_000])
def test_a_message_that_is_none_fails_alone_until_the_queue_gives_it_up(body: str) -> None:
    work = Work()
    assert work.consume({"estab": "0"}, body, {"estab": "2"}) == ["message-1"]
    assert work.handled == [{"estab": "0"}, {"estab": "2"}]


def test_a_fault_of_ours_fails_the_whole_batch_without_its_cause() -> None:
    error = ConfigurationError("kms:Decrypt: AccessDeniedException")
    error.__cause__ = ValueError(CANARY)
    with pytest.raises(ConfigurationError, match="AccessDenied") as raised:
        Work(None, error).consume({"estab": "0"}, {"estab": "1"}, {"estab": "2"})
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_failures_of_messages_are_logged_without_their_text_or_body(
    capsys: pytest.CaptureFixture[str],
) -> None:
    work = Work(KeyError(CANARY), XporterRefusedError("refused", CANARY), TransientError("x"))
    work.consume(
        {"estab": "1", "secret": CANARY},
        {"estab": "1", "secret": CANARY},
        {"estab": "1", "secret": CANARY},
        f"no json {CANARY}",
    )
    printed = capsys.readouterr()
    assert CANARY not in printed.out + printed.err


def test_what_xporter_is_only_down_for_comes_back_and_is_no_failure() -> None:
    later: list[tuple[dict[str, Any], int]] = []

    def consume(error: Exception, **facts: Any) -> list[str]:
        reply = consume_messages(
            records({"estab": "1", "unknown": CANARY, **facts}),
            CONTEXT,
            function="onboard_school",
            read=Message.read,
            handle=raising(error),
            park=lambda *_: None,
            resend_later=lambda message, delay_seconds: later.append((message, delay_seconds)),
        )
        return [failure["itemIdentifier"] for failure in reply["batchItemFailures"]]

    assert consume(XporterUnavailableError("xporter_timed_out")) == []
    assert consume(RateLimitedError("xporter_429", 700), tries=1) == []
    assert later == [({"estab": "1", "tries": 1}, 60), ({"estab": "1", "tries": 2}, 700)]
    # A fault of AWS, and what was down for days, is the queue's.
    assert consume(TransientError("dynamodb:GetItem")) == ["message-0"]
    assert consume(XporterUnavailableError("xporter_timed_out"), tries=290) == ["message-0"]
    assert len(later) == 2


# -- schedules


def test_a_schedule_returns_what_it_found_due() -> None:
    assert run_schedule({}, CONTEXT, function="watch_deadlines", run=lambda: {"due": 3}) == {
        "due": 3
    }


@pytest.mark.parametrize("error", [TransientError("x"), ConfigurationError("x")])
def test_a_schedule_that_fails_raises_so_that_it_is_run_again(error: Exception) -> None:
    error.__cause__ = ValueError(CANARY)
    with pytest.raises(type(error)) as raised:
        run_schedule({}, CONTEXT, function="watch_deadlines", run=lambda: raising(error)(None))
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_an_unknown_fault_of_a_schedule_is_reported_and_raised_without_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fault = ValueError(CANARY)
    with pytest.raises(XporterBridgeError, match="ValueError") as raised:
        run_schedule({}, CONTEXT, function="watch_deadlines", run=lambda: raising(fault)(None))
    assert raised.value.__suppress_context__
    assert CANARY not in str(raised.value)
    printed = capsys.readouterr()
    assert "schedule_failed" in printed.out
    assert CANARY not in printed.out + printed.err


# -- logs


def test_every_line_names_the_request_of_lambda_and_who_wrote_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answered(raising(CallbackRejectedError(404, "unsigned")))
    (line,) = [line for line in logged(capsys) if line["message"] == "callback_rejected"]
    assert line["function_request_id"] == CONTEXT.aws_request_id
    assert line["location"].startswith("answer_callback:")


@pytest.mark.parametrize("error", [None, CallbackRejectedError(404, "unsigned"), ValueError("x")])
def test_a_callback_has_one_id_in_the_access_log_of_api_gateway_and_in_ours(
    error: Exception | None, capsys: pytest.CaptureFixture[str]
) -> None:
    event = callback(URL)
    answered(raising(error) if error else lambda _: ESTAB, event)
    (line,) = logged(capsys)
    assert line["request_id"] == event["requestContext"]["requestId"]


def test_what_no_api_called_has_no_id_of_a_call_before(capsys: pytest.CaptureFixture[str]) -> None:
    answered(lambda _: ESTAB)
    run_schedule({}, CONTEXT, function="watch_deadlines", run=lambda: {"due": 3})
    called, scheduled = logged(capsys)
    assert "request_id" in called
    assert "request_id" not in scheduled


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    return [line for line in lines if "message" in line]
