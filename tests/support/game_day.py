"""A game day: a fault is made, the metrics move, an alarm's own condition is met and ends again.

Metrics of ours are read from what the functions print. What AWS measures is measured here as AWS
does: calls of functions, answers of the two APIs, messages in queues. Samples name resources by
their logical ids, and have a clock of their own, which only the test puts forward.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from unittest import mock

import boto3
from botocore.exceptions import ClientError

from tests.support import template
from tests.support.alarm_conditions import STACK, State, is_rule_met, state_of
from tests.support.company_api import CompanyApi, request
from tests.support.moto_cloud import REGION, Cloud
from tools.operator.main import main
from tools.operator.target import Resource, Target
from tools.stack.metric_lines import Metric, Sample, samples

ALARMS = template.resources("AWS::CloudWatch::Alarm")
QUEUES = frozenset(template.resources("AWS::SQS::Queue"))
COMPOSITES = template.resources("AWS::CloudWatch::CompositeAlarm")
# The clock of the metrics stands still but for ``later``; here every period has just begun.
BEGINNING = datetime(2026, 11, 24, 0, 0, 30, tzinfo=UTC)
WATCHDOG = {"FunctionName": "WatchDeadlinesFunction"}
RUNS_IN_FIVE_MINUTES = 81
LOCAL = {"api_url": "http://127.0.0.1:9", "callbacks_url": "http://127.0.0.1:9"}
_Test = TypeVar("_Test", bound=Callable[..., Any])


def game_day(*alarms: str) -> Callable[[_Test], _Test]:
    """Declare which alarms a test raises; the runbook's list of game days is held to it."""
    assert {*alarms} <= {*ALARMS, *COMPOSITES}

    def declare(test: _Test) -> _Test:
        test.alarms = frozenset(alarms)  # type: ignore[attr-defined]
        return test

    return declare


class GameDay:
    """The recorded metrics of one day, and the alarms that were seen on."""

    def __init__(self, printed: Callable[[], str], cloud: Cloud | None = None) -> None:
        self._printed, self._cloud = printed, cloud
        self._recorded: list[Sample] = []
        self._passed = timedelta()
        self._waiting_since: dict[str, float] = {}
        self.parameters = {
            name: facts["Default"]
            for name, facts in template.load()["Parameters"].items()
            if "Default" in facts
        }
        self.is_watchdog_running = True
        self.raised: set[str] = set()

    @property
    def cloud(self) -> Cloud:
        assert self._cloud
        return self._cloud

    # ------------------------------------------------------------------ what happens

    def later(self, **span: float) -> None:
        """Put the clock of the metrics forward."""
        self._collect()
        self._passed += timedelta(**span)

    def run(self, function: str, event: Mapping[str, Any], **how: Any) -> Any:
        """Invoke a function and count it as Lambda does; None if it ended with an error."""
        name = {"FunctionName": template.logical_id(function)}
        self._note("AWS/Lambda", "Invocations", name, 1)
        try:
            reply = Cloud.invoke(self.cloud, function, event, **how)
        except Exception:  # noqa: BLE001 - as Lambda, which counts every error alike
            reply = None
        self._note("AWS/Lambda", "Errors", name, reply is None)
        return reply

    def call(self, api: str, function: str, event: Mapping[str, Any]) -> int:
        """Let an API call its function, and count the status that is answered; return it."""
        reply = self.run(function, event)
        status = 500 if reply is None else int(reply["statusCode"])
        self._note("AWS/ApiGateway", "5xx", {"ApiId": api}, status >= 500)
        return status

    def deliver(self, queue: str, **how: Any) -> None:
        """Give a queue's messages to its function once; what fails is on the queue again."""

        def invoke(function: str, event: Mapping[str, Any]) -> Any:
            failed = [{"itemIdentifier": each["messageId"]} for each in event["Records"]]
            return self.run(function, event, **how) or {"batchItemFailures": failed}

        with mock.patch.object(self.cloud, "invoke", invoke):
            self.cloud.deliver(queue)

    def deliver_until_dead(self, queue: str) -> None:
        """Deliver a queue's messages until SQS moves them to the dead-letter queue."""
        policy = template.resources("AWS::SQS::Queue")[queue]["RedrivePolicy"]
        for _ in range(policy["maxReceiveCount"]):
            self.deliver(queue)
        dead = self.cloud.ref(policy["deadLetterTargetArn"]["Fn::GetAtt"][0])
        for message in self.cloud.take_raw(queue):  # the queues of moto_cloud have no policy
            self.cloud.client("sqs").send_message(QueueUrl=dead, MessageBody=message["Body"])

    # ------------------------------------------------------------------ what an operator does

    def operate(self, monkeypatch: Any, command: str) -> str:
        """Run a command of the runbook against this deployment; return what it prints."""
        self._collect()
        target = Target("bridge", boto3.Session("a", "b", region_name=REGION), None, None, LOCAL)
        vars(target)["resources"] = {
            name: Resource("AWS::SQS::Queue", self.cloud.ref(name)) for name in QUEUES
        }
        sqs = target.client("sqs")
        monkeypatch.setattr("tools.operator.commands.session.find", lambda _: target)
        monkeypatch.setattr("tools.operator.commands.session.Api", lambda _: _Api(self.cloud))
        monkeypatch.setattr(
            "tools.operator.commands.trigger.invoke", lambda _, name, event: self.run(name, event)
        )
        monkeypatch.setattr(sqs, "start_message_move_task", _unknown_action)
        assert main(command.split()) == 0
        return self._collect()

    # ------------------------------------------------------------------ what alarms see

    def raises(self, *alarms: str) -> None:
        """Require that the alarms are on now."""
        for alarm in alarms:
            assert self.is_on(alarm), f"{alarm} is not on"
            self.raised.add(alarm)

    def ends(self, *alarms: str) -> None:
        """Require that the alarms are not on now."""
        on = [alarm for alarm in alarms or self.raised if self.is_on(alarm)]
        assert on == []

    def is_on(self, alarm: str) -> bool:
        """Tell whether an alarm, or an alarm on alarms, is on by its own condition."""
        if alarm in COMPOSITES:
            return is_rule_met(COMPOSITES[alarm]["AlarmRule"]["Fn::Sub"], self.is_on)
        self._collect()
        self._measure()
        now = self._now
        found = state_of(ALARMS[alarm], self._recorded, now, parameters=self.parameters)
        return found is State.ALARM

    def _collect(self) -> str:
        text = self._printed()
        for line in text.splitlines():
            for each in samples(line):
                self._add(replace(each.metric, namespace=STACK), each.values)
        return text

    def _measure(self) -> None:
        """Measure the queues that are used by now, as SQS does."""
        now = self._now
        if self.is_watchdog_running:
            self._note("AWS/Lambda", "Invocations", WATCHDOG, RUNS_IN_FIVE_MINUTES)
        for name in QUEUES.intersection(self._cloud.used_queues() if self._cloud else ()):
            depth, dimension = self.cloud.depth(name), {"QueueName": name}
            since = self._waiting_since.setdefault(name, now) if depth else now
            if not depth:
                self._waiting_since.pop(name, None)
            self._note("AWS/SQS", "ApproximateNumberOfMessagesVisible", dimension, depth)
            self._note("AWS/SQS", "ApproximateAgeOfOldestMessage", dimension, now - since)

    def _note(self, namespace: str, name: str, dimensions: Mapping[str, str], value: float) -> None:
        metric = Metric(namespace, name, tuple(sorted(dimensions.items())))
        self._add(metric, (float(value),))

    def _add(self, metric: Metric, values: tuple[float, ...]) -> None:
        self._recorded.append(Sample(metric, self._now, values))

    @property
    def _now(self) -> float:
        return (BEGINNING + self._passed).timestamp()


class _Api:
    """The API as the command line calls it, without a network."""

    def __init__(self, cloud: Cloud) -> None:
        self._company = CompanyApi(cloud)

    def schools(self) -> Iterator[Any]:
        yield self.get("/v1/schools")["schools"]

    def get(self, path: str) -> Any:
        return self._company.get(path).document

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = self._company.send(request("POST", path, json.dumps(body)))
        assert answer.status < 300, answer.text
        return answer.document


def _unknown_action(**_: Any) -> None:
    """Answer as an emulator that knows no move of messages; the command then moves by hand."""
    raise ClientError({"Error": {"Code": "InvalidAction", "Message": "unknown"}}, "Move")
