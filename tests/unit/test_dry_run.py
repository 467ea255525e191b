"""A dry run, and that nobody but a caller of ``lambda:Invoke`` can ask for one."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.builders import ESTAB, callback, records
from tests.support.moto_cloud import Context
from xporter_bridge import dry_run, telemetry
from xporter_bridge.dry_run import MARK, DryRunEndedError
from xporter_bridge.entrypoints import answer_callback, consume_messages, run_schedule
from xporter_bridge.errors import ConfigurationError, TransientError
from xporter_bridge.messages import Message

FUNCTION = "arn:aws:lambda:eu-west-2:123456789012:function:stack-ReceiveDatabase-AbC1"
VERSION = Context(invoked_function_arn=f"{FUNCTION}:17")
URL = "https://callbacks.example.app/callbacks/database?estab=3281102"
MARKED = {MARK: True}


def write() -> None:
    dry_run.end_unless_read("sqs", "SendMessage")


def received(
    event: Mapping[str, Any], context: Context = VERSION, work: Callable[[], object] = write
) -> dict[str, Any]:
    def accept(_: object) -> str:
        work()
        return ESTAB

    return answer_callback(event, context, kind="database", accept=accept)


def test_a_dry_run_ends_at_the_first_write_and_says_which() -> None:
    report = received({**callback(URL), **MARKED})["dry_run"]
    assert report == {"ended_at": "sqs:SendMessage", "status": None, "failed": 0}


def test_what_is_taken_for_an_answer_is_never_a_good_one() -> None:
    assert received({**callback(URL), **MARKED})["statusCode"] == 503
    report = received({**callback(URL), **MARKED}, work=lambda: None)
    assert (report["statusCode"], report["dry_run"]["status"]) == (503, 202)


def test_the_run_after_a_dry_run_writes_again() -> None:
    received({**callback(URL), **MARKED})
    assert not dry_run.is_on()
    assert received(callback(URL))["statusCode"] == 202


@pytest.mark.parametrize("qualifier", [":live", "", ":$LATEST"])
def test_a_mark_in_an_event_of_an_alias_makes_neither_a_dry_run_nor_a_real_one(
    qualifier: str,
) -> None:
    # API Gateway, queues and schedules all call the alias, and never a version by its number.
    context = Context(invoked_function_arn=FUNCTION + qualifier)
    with pytest.raises(ConfigurationError):
        received({**callback(URL), **MARKED}, context, lambda: pytest.fail("it was run"))


@pytest.mark.parametrize(
    "event",
    [
        callback(f"{URL}&{MARK}=true"),
        callback(URL, headers={MARK: "true"}),
        callback(URL, "POST", body=json.dumps(MARKED).encode(), content_type="application/json"),
        callback(f"https://callbacks.example.app/{MARK}?estab=3281102"),
        callback(f"https://callbacks.example.app/callbacks/authentication/{MARK}"),
    ],
)
def test_no_part_of_a_request_that_its_sender_writes_asks_for_a_dry_run(
    event: dict[str, Any],
) -> None:
    seen = []
    assert received(event, work=lambda: seen.append(dry_run.is_on()))["statusCode"] == 202
    assert seen == [False]


def test_no_message_of_a_queue_asks_for_a_dry_run() -> None:
    seen = []
    event = records({**MARKED, "estab": ESTAB})
    consume_messages(
        event,
        VERSION,
        function="f",
        read=Message.read,
        handle=lambda _: seen.append(dry_run.is_on()),
        park=print,
    )
    assert seen == [False]


def test_a_message_is_neither_failed_nor_parked_by_a_dry_run() -> None:
    parked: list[object] = []
    reply = consume_messages(
        {**records({"estab": ESTAB}), **MARKED},
        VERSION,
        function="plan_pulls",
        read=Message.read,
        handle=lambda _: write(),
        park=lambda *given: parked.append(given),
    )
    assert reply["dry_run"] == {"ended_at": "sqs:SendMessage", "status": None, "failed": 0}
    assert parked == []


def test_what_fails_in_a_dry_run_is_told() -> None:
    def fail(_: object) -> None:
        raise TransientError("dynamodb:GetItem")

    event = {**records({"estab": ESTAB}), **MARKED}
    reply = consume_messages(
        event, VERSION, function="f", read=Message.read, handle=fail, park=print
    )
    assert reply["dry_run"]["failed"] == 1


def test_a_schedule_is_tried_too() -> None:
    def run() -> dict[str, int]:
        write()
        return {"due": 1}

    reply = run_schedule(MARKED, VERSION, function="watch_deadlines", run=run)
    assert reply["dry_run"]["ended_at"] == "sqs:SendMessage"


def test_the_threads_of_a_dry_run_write_nothing_either() -> None:
    def in_a_thread() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(write).result()

    report = received({**callback(URL), **MARKED}, work=in_a_thread)["dry_run"]
    assert report["ended_at"] == "sqs:SendMessage"


def test_no_fault_handling_on_the_way_swallows_the_end() -> None:
    assert not issubclass(DryRunEndedError, Exception)


def test_a_dry_run_reads_and_calls_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    dry_run.end_unless_read("sqs", "SendMessage")
    dry_run._on.set()
    try:
        dry_run.end_unless_read("dynamodb", "GetItem")
        for call in ("dynamodb:UpdateItem", "s3:PutObject", "events:PutEvents", "lambda:Invoke"):
            with pytest.raises(DryRunEndedError, match=call):
                dry_run.end_unless_read(*call.split(":"))
        with pytest.raises(DryRunEndedError, match="xporter"):
            dry_run.end_at("xporter")
    finally:
        dry_run._on.clear()


def test_a_dry_run_is_counted_by_no_metric_and_marked_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work() -> None:
        telemetry.record("answer_mended")
        telemetry.count("MessageParked", "plan_pulls")

    received({**callback(URL), **MARKED}, work=work)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in lines] == ["answer_mended", "callback_accepted"]
    assert all(line["dry_run"] for line in lines)
