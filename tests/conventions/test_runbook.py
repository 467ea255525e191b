"""docs/runbook.md: a section for each alarm, with symptom, cause and command, in that order."""

import re
import shlex
from functools import cache
from typing import Any

import botocore.session
import click
import pytest
from botocore import xform_name

from tests.support import template
from tests.support.template import ROOT
from tests.tools.operator.test_documented_commands import arguments_of, parse

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
ALARMS = {
    **template.resources("AWS::CloudWatch::Alarm"),
    **template.resources("AWS::CloudWatch::CompositeAlarm"),
}
LABELS = ["Symptom", "Cause", "Command"]
SECTIONS = dict(re.findall(r"(?ms)^## (.+?)\n(.*?)(?=^## |\Z)", RUNBOOK))
BLOCK = re.compile(r"(?ms)^```sh\n(.*?)^```")


def anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


SECTION_OF = {anchor(heading): text for heading, text in SECTIONS.items()}


def linked(alarm: str) -> str:
    description = str(ALARMS[alarm]["AlarmDescription"]["Fn::Sub"])
    return description.rpartition("#")[2]


def faults(section: str) -> list[str]:
    """Return what a section of an alarm lacks."""
    labels = re.findall(r"(?m)^\*\*(\w+)\.\*\* \S", section)
    if labels != LABELS:
        return [f"has {labels}, not {LABELS}"]
    *_, command = section.split("**Command.**")
    block = BLOCK.search(command)
    if block is None:
        return ["has no command"]
    return [fault for line in joined(block[1]) for fault in [unknown(line)] if fault]


def joined(block: str) -> list[str]:
    """Return the commands of a block; a backslash at the end of a line goes on in the next."""
    return [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def unknown(line: str) -> str:
    """Return why nobody can run a command; empty if somebody can."""
    words = words_of(line)
    match words:
        case ["xporter-bridge", *_]:
            try:
                parse(arguments_of(line.removeprefix("xporter-bridge ")))
            except (click.ClickException, AssertionError) as error:
                return f"{line}: {error!r}"
            return unknown_function(words)
        case ["aws", service, operation, *options]:
            return unknown_call(service, operation, options)
    return f"{line}: neither ours nor of AWS"


def words_of(line: str) -> list[str]:
    """Return a command's words; what the shell puts in is one word, from the inside out."""
    while (shorter := re.sub(r"\"?\$\([^()]*\)\"?", "X", line)) != line:
        line = shorter
    return shlex.split(line, comments=True)


def unknown_function(words: list[str]) -> str:
    if words[1] == "logs" and len(words) > 2 and not words[2].startswith("-"):
        known = {*template.functions(), "callbacks_access"}
        return "" if words[2] in known else f"there is no function {words[2]}"
    return ""


@cache
def operations(service: str) -> dict[str, Any]:
    model = botocore.session.get_session().get_service_model(service)
    return {
        xform_name(name, "-"): model.operation_model(name).input_shape
        for name in model.operation_names
    }


def unknown_call(service: str, operation: str, options: list[str]) -> str:
    known = operations(service)
    if operation not in known:
        return f"AWS has no {service} {operation}"
    members = known[operation].members if known[operation] else {}
    allowed = {f"--{xform_name(name, '-')}" for name in members} | {"--query", "--output"}
    wrong = [each for each in options if each.startswith("--") and each not in allowed]
    return f"{service} {operation} has no {wrong}" if wrong else ""


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarms_section_has_symptom_cause_and_command(alarm: str) -> None:
    assert linked(alarm) in SECTION_OF
    assert faults(SECTION_OF[linked(alarm)]) == []


def test_no_section_is_about_an_alarm_that_there_is_not() -> None:
    described = {each for each in SECTION_OF if each.startswith("alarm-")}
    assert described <= {linked(alarm) for alarm in ALARMS}


GOOD = "**Symptom.** a\n\n**Cause.** b\n\n**Command.** c\n\n```sh\nxporter-bridge doctor\n```\n"


@pytest.mark.parametrize(
    ("edited", "fault"),
    [
        (GOOD, ""),
        (GOOD.replace("**Cause.** b\n\n", ""), "not ['Symptom'"),
        (GOOD.replace("Symptom", "x").replace("Cause", "Symptom"), "not ['Symptom'"),
        (GOOD.replace("```sh", "```"), "has no command"),
        (GOOD.replace("doctor", "heal"), "heal"),
        (GOOD.replace("doctor", "doctor --heal"), "heal"),
        (GOOD.replace("doctor", "logs no_such --errors"), "no function no_such"),
        (GOOD.replace("xporter-bridge doctor", "restart"), "neither ours nor of AWS"),
        (GOOD.replace("xporter-bridge doctor", "aws lambda heal"), "no lambda heal"),
        (GOOD.replace("xporter-bridge doctor", "aws sqs list-queues --al"), "has no ['--al']"),
        (GOOD.replace("xporter-bridge doctor", "aws lambda get-account-settings"), ""),
    ],
)
def test_a_section_that_lacks_something_is_found(edited: str, fault: str) -> None:
    found = faults(edited)
    assert bool(found) == bool(fault)
    assert fault in "".join(found)


@pytest.mark.parametrize(
    "line",
    sorted(
        {
            line
            for block in BLOCK.findall(RUNBOOK)
            for line in joined(block)
            if line.startswith("aws ")
        }
    ),
)
def test_every_command_of_aws_on_the_page_exists(line: str) -> None:
    service, operation, *options = words_of(line)[1:]
    if operation == "wait":  # a waiter, and then its options
        return
    assert unknown_call(service, operation, options) == ""
