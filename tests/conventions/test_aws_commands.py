"""Every command of the AWS CLI in a block of a page exists, with its options.

The AWS CLI is not among what set-up installs, so these are held against AWS's own model of its
calls and not run; commands of `xporter-bridge` are run by `tests/e2e/test_documented_commands.py`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import botocore.session
import pytest
from botocore import xform_name

from tests.conventions.test_runbook import unknown_call
from tests.support.template import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"(?ms)^[ ]*```(?:sh|console)\n(.*?)^[ ]*```")
# The CLI's own commands beside the calls of the API.
OF_THE_CLI = {"s3": {"cp", "ls", "sync", "rm"}}
# Services that the CLI calls otherwise than the API's model does.
NAMES = {"s3api": "s3"}
INNER = re.compile(r"\$\(([^()]*)\)")
QUOTED = re.compile(r"'[^']*'")


def commands(block: str) -> Iterator[list[str]]:
    """Yield the words of each command of the AWS CLI, also of one within another."""
    # What stands in single quotes is one word to the shell, whatever it holds.
    text = QUOTED.sub("QUOTED", block.replace("\\\n", " "))
    while found := INNER.search(text):
        yield from _of_line(found[1])
        text = text[: found.start()] + "INNER" + text[found.end() :]
    for line in text.splitlines():
        yield from _of_line(line)


def _of_line(line: str) -> Iterator[list[str]]:
    for part in re.split(r"\||;|&&|\bdo\b", line.removeprefix("$ ").split("   #")[0]):
        found = re.search(r"(?:^|=|\s)aws\s.*", part)
        if found:
            yield shlex.split(found[0].lstrip("= "), comments=True)[1:]


def fault_of(words: list[str]) -> str:
    service, operation, *options = words
    if operation in OF_THE_CLI.get(service, set()):
        return ""
    if operation == "wait":
        waiters = botocore.session.get_session().get_waiter_model(service).waiter_names
        known = {xform_name(each, "-") for each in waiters}
        return "" if options[0] in known else f"{service} has no waiter {options[0]}"
    return unknown_call(NAMES.get(service, service), operation, options)


FOUND = sorted(
    {
        (page.name, shlex.join(words))
        for page in PAGES
        for block in BLOCK.findall(page.read_text(encoding="utf-8"))
        for words in commands(block)
    }
)


@pytest.mark.parametrize(("page", "command"), FOUND)
def test_a_command_of_aws_on_a_page_exists(page: str, command: str) -> None:
    assert page
    assert fault_of(shlex.split(command)) == ""


def test_most_pages_that_have_such_commands_are_read() -> None:
    assert {"README.md", "runbook.md", "api.md", "data-protection.md", "data.md"} <= {
        page for page, _ in FOUND
    }
    assert len(FOUND) > 25


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        ('queue=$(aws sqs create-queue --queue-name "x")', ""),
        ('aws sqs list-queues --max "$(aws sqs heal)"', "no sqs heal"),
        ("for x in a b; do\n  aws s3api list-everything --bucket b\ndone", "list-everything"),
        ("aws dynamodb wait table-heals --table-name t", "no waiter table-heals"),
        ("aws s3 cp a b | gunzip", ""),
    ],
)
def test_a_command_that_does_not_exist_is_found(block: str, fault: str) -> None:
    faults = [fault_of(words) for words in commands(block)]
    assert (fault in "".join(faults)) if fault else (faults and not any(faults))
