"""What EventBridge takes for buses, patterns and schedules."""

import re
from collections.abc import Iterator
from typing import Any

from tests.support.template_rules.rule import rule
from tests.support.translated_template import Stack

_FILTERS = {
    "prefix", "suffix", "anything-but", "numeric", "cidr", "exists", "equals-ignore-case",
    "wildcard",
}  # fmt: skip


@rule("eventbridge/latest/APIReference/API_CreateEventBus.html")
def a_bus_has_a_name_that_there_can_be(stack: Stack) -> Iterator[str]:
    for name, bus in stack.of("AWS::Events::EventBus").items():
        if not re.fullmatch(r"[.\-_A-Za-z0-9]{1,256}", bus["Name"]) or bus["Name"] == "default":
            yield f"{name} is called {bus['Name']}"


@rule("eventbridge/latest/userguide/eb-create-pattern.html")
def a_pattern_is_made_of_lists(stack: Stack) -> Iterator[str]:
    for name, properties in stack.of("AWS::Events::Rule", "AWS::Events::Archive").items():
        if "EventPattern" in properties:
            yield from (f"{name}: {fault}" for fault in _faults(properties["EventPattern"], ""))


def _faults(pattern: Any, path: str) -> Iterator[str]:
    if not isinstance(pattern, dict) or not pattern:
        yield f"{path or 'the pattern'} is {pattern}"
        return
    for key, value in pattern.items():
        if isinstance(value, dict):
            yield from _faults(value, f"{path}.{key}")
        elif not isinstance(value, list) or not value:
            yield f"{path}.{key} is {value}"
        else:
            wrong = [each for each in value if isinstance(each, dict) and not {*each} <= _FILTERS]
            yield from (f"{path}.{key} has {each}" for each in wrong)


@rule("eventbridge/latest/APIReference/API_CreateArchive.html")
def an_archive_is_of_a_bus_and_keeps_for_days(stack: Stack) -> Iterator[str]:
    for name, archive in stack.of("AWS::Events::Archive").items():
        if archive.get("RetentionDays", 0) < 0 or len(archive.get("ArchiveName", "")) > 48:
            yield f"{name} keeps for {archive.get('RetentionDays')} days"
        if archive["SourceArn"] not in {
            stack.arn(bus) for bus in stack.of("AWS::Events::EventBus")
        }:
            yield f"{name} is of {archive['SourceArn']}"


@rule("scheduler/latest/UserGuide/schedule-types.html")
def a_rate_is_a_number_and_its_unit(stack: Stack) -> Iterator[str]:
    for name, schedule in stack.of("AWS::Scheduler::Schedule").items():
        text = schedule["ScheduleExpression"]
        single, several = r"1 (minute|hour|day)", r"([2-9]|[1-9]\d+) (minutes|hours|days)"
        if not re.fullmatch(rf"rate\(({single}|{several})\)|cron\(\S+( \S+){{5}}\)", text):
            yield f"{name} runs at {text}"


@rule("scheduler/latest/APIReference/API_RetryPolicy.html")
def a_schedule_tries_again_within_its_bounds(stack: Stack) -> Iterator[str]:
    for name, schedule in stack.of("AWS::Scheduler::Schedule").items():
        retry = schedule["Target"].get("RetryPolicy", {})
        age, attempts = (
            retry.get("MaximumEventAgeInSeconds", 60),
            retry.get("MaximumRetryAttempts", 0),
        )
        if not (60 <= age <= 86_400 and 0 <= attempts <= 185):
            yield f"{name} tries {attempts} times within {age} seconds"


@rule("scheduler/latest/APIReference/API_FlexibleTimeWindow.html")
def a_flexible_schedule_says_how_flexible(stack: Stack) -> Iterator[str]:
    for name, schedule in stack.of("AWS::Scheduler::Schedule").items():
        window = schedule["FlexibleTimeWindow"]
        minutes = window.get("MaximumWindowInMinutes")
        if (window["Mode"] == "FLEXIBLE") != (minutes is not None) or not 1 <= (
            minutes or 1
        ) <= 1440:
            yield f"{name} has the window {window}"


@rule("scheduler/latest/UserGuide/setting-up.html")
def a_schedule_may_start_what_it_starts(stack: Stack) -> Iterator[str]:
    for name, schedule in stack.of("AWS::Scheduler::Schedule").items():
        target = schedule["Target"]
        if target["Arn"] not in stack.allowed(target["RoleArn"], "lambda:InvokeFunction"):
            yield f"{name} may not start {target['Arn']}"
        role = next(r for r in stack.of("AWS::IAM::Role") if stack.arn(r) == target["RoleArn"])
        trust = str(stack.of("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"])
        if "scheduler.amazonaws.com" not in trust:
            yield f"{name} cannot take its role"
