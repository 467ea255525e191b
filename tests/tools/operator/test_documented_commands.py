"""Every command that a page, an alarm or a diagnosis names exists, with its options."""

import re
import shlex
from pathlib import Path

import click
import pytest

from tests.support.template import ROOT
from tools.operator.main import cli

PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    ROOT / "template.yaml",
    *(ROOT / "tools/operator").rglob("*.py"),
]
# A command ends with its line, its quotation, the shell's next word, or the sentence.
COMMAND = re.compile(
    r"(?<![\w/-])xporter-bridge ([a-z-](?:\"[^\"\n]*\"|'[^'\n]*'|[^\n`|>;)…'\"])*)"
)
# Not within quotation marks.
END = re.compile(r"(?:(?<=\w)[,:.](?:\s|$)|\s+(?:#|→))(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)")
# What stands for a value in a page.
PLACEHOLDERS = {
    "ESTAB": "3281102", "DATASET": "students", "QUEUE": "Pull",
    "{first}": "students", "COMMAND": "status", "SHELL": "bash", "writeback-": "writeback-1",
}  # fmt: skip


def named() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if page.suffix == ".py":  # a sentence may go on in the next literal
            text = re.sub(r"\"\s*\n\s*f?\"", "", text)
            text = re.sub(r"\{school\['estab'\]\}|\{estab\}", "3281102", text)
        found += [(page.name, each.strip()) for each in COMMAND.findall(text)]
    return sorted(set(found))


def arguments_of(text: str) -> list[str]:
    """Return the words of the command, up to the end of the sentence that it stands in."""
    text = re.sub(r"\$\([^)]*$", "", text)
    words = shlex.split(END.split(text)[0], comments=True)
    for name, value in PLACEHOLDERS.items():
        words = [value if word == name else word for word in words]
    return words


def parse(words: list[str]) -> None:
    """Let click read a command line as it would, and run nothing."""
    command: click.Command = cli
    context = click.Context(command, info_name="xporter-bridge")
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0]) if words else None
        assert found is not None, words
        context = click.Context(found, context, info_name=words[0])
        command, words = found, words[1:]
    if words and words != ["--help"]:
        command.parse_args(context, list(words))


@pytest.mark.parametrize(("page", "text"), named())
def test_a_command_that_is_named_exists(page: str, text: str) -> None:
    words = arguments_of(text)
    if words == ["--help"]:
        return
    if words[:1] == ["itself"] or words[1:2] == ["--help"]:
        words = words[:1] if words[:1] != ["itself"] else ["status"]
    parse(words)


def test_pages_name_most_commands() -> None:
    pages = {Path(page).suffix for page, _ in named()}
    assert {".md", ".py"} <= pages
    assert len(named()) > 60
