"""Checks of every alarm, and of the way of a notification from an alarm to a person."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.wait import expect, until
from tools.stack.deployment import stack_resources
from tools.trial.alarm_tap import open_alarm_tap

# What a step of the demo does on purpose raises these, or may.
EXPECTED = {"PullHeldAlarm": "a mass change was held"}
_TOLD = "PullDeadLettersAlarm"
_KINDS = {
    "AWS::CloudWatch::Alarm": "MetricAlarm",
    "AWS::CloudWatch::CompositeAlarm": "CompositeAlarm",
}


def look_at_every_alarm(journey: Journey) -> str:
    """Every alarm has made up its mind, and none rings but for what the steps did on purpose."""

    def look() -> Mapping[str, str]:
        states = alarm_states(journey)
        if undecided := undecided_alarms(states):
            raise NotYetError(f"no data for {', '.join(undecided)}")
        return states

    states = until(look)
    rings = [name for name, state in states.items() if state == "ALARM"]
    unexpected = sorted(set(rings) - set(EXPECTED))
    expect(not unexpected, f"rings without a reason: {', '.join(unexpected)}")
    return f"{len(states)} alarms, {len(rings)} ring: {', '.join(rings) or 'none'}"


def list_every_alarm(journey: Journey) -> str:
    """Every alarm of the template is there, and none rings."""
    states = alarm_states(journey)
    unexpected = sorted(
        name for name, state in states.items() if state == "ALARM" and name not in EXPECTED
    )
    expect(not unexpected, f"rings without a reason: {', '.join(unexpected)}")
    return f"{len(states)} alarms, {len(undecided_alarms(states))} without data, as none is counted"


def undecided_alarms(states: Mapping[str, str]) -> list[str]:
    """Return the alarms that have no data to decide on."""
    return sorted(name for name, state in states.items() if state == "INSUFFICIENT_DATA")


def alarm_states(journey: Journey) -> dict[str, str]:
    """Return the state of every alarm of the stack by its logical id.

    Raises:
        StepFailedError: CloudWatch does not know one of them.
    """
    resources = stack_resources(journey.stack.aws("cloudformation"), journey.stack.name)
    names = {
        resource["PhysicalResourceId"]: resource["LogicalResourceId"]
        for resource in resources
        if resource["ResourceType"] in _KINDS
    }
    pages = (
        journey.stack.aws("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNames=list(names), AlarmTypes=list(_KINDS.values()))
    )
    found = [alarm for page in pages for alarm in _alarms(page)]
    states = {names[alarm["AlarmName"]]: str(alarm["StateValue"]) for alarm in found}
    missing = sorted(set(names.values()) - set(states))
    expect(bool(states) and not missing, f"not in CloudWatch: {', '.join(missing)}")
    return states


def hear_an_alarm(journey: Journey) -> str:
    """An alarm that rings is told to whoever subscribed: through SNS, under the stack's key."""
    stack = journey.stack
    sqs, cloudwatch = stack.aws("sqs"), stack.aws("cloudwatch")
    topic, alarm = stack.physical_ids["AlarmTopic"], stack.physical_ids[_TOLD]
    queue = open_alarm_tap(sqs, stack.aws("sns"), topic, f"{stack.name}-alarms")
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="a trial")

    def look() -> None:
        if alarm not in _told(sqs, queue):
            raise NotYetError(f"{_TOLD} rang, and nobody was told")

    until(look)
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="the trial is over")
    return f"{_TOLD} was set to ring, and a subscriber was told"


def _alarms(page: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    return [*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())]


def _told(sqs: Any, queue: str) -> set[str]:
    """Return the names of the alarms that the queue has been told of."""
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
    messages = [json.loads(message["Body"]) for message in answer.get("Messages", ())]
    return {json.loads(message["Message"])["AlarmName"] for message in messages}
