"""Checks the stages of a company's samconfig.toml against template.yaml: pure."""

from __future__ import annotations

import difflib
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from tools.company.findings import Finding, line_of, syntax_error, table
from tools.company.rules import Template, broken_rules, refused
from tools.operator.example_values import example_values

FILE = "samconfig.toml"
_KEY = "parameter_overrides"
_COMMANDS = {"global", "build", "deploy"}


def check_stages(text: str, template: Template) -> Iterator[Finding]:
    """Yield what is wrong with the stages of a text of the form of samconfig.toml."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield Finding(FILE, syntax_error(text, error), f"No TOML: {error}.", "Correct the line.")
        return
    deployable = set(template["Parameters"]["Stage"]["AllowedValues"]) - {"local"}
    stages = {name: entry for name, entry in document.items() if name in deployable}
    if not stages:
        says = f"There is no stage: {' or '.join(sorted(deployable))}."
        yield Finding(FILE, 1, says, "Copy the samconfig.toml of this repository, and edit it.")
    for stage in stages:
        yield from _check_stage(text, document, stage, template)


def _check_stage(
    text: str, document: Mapping[str, Any], stage: str, template: Template
) -> Iterator[Finding]:
    path = (stage, "global", "parameters", _KEY)
    for command in table(document, stage):
        if command != "global" and _KEY in table(document, stage, command, "parameters"):
            line = line_of(text, (stage, command, "parameters", _KEY))
            says = f"[{stage}.{command}.parameters] has {_KEY}, which only that command reads."
            yield Finding(FILE, line, says, f"Move them to [{stage}.global.parameters].")
        if command not in _COMMANDS:
            line = line_of(text, (stage, command))
            yield Finding(FILE, line, f"There is no command {command!r}.", "Remove the section.")
    given = _given(table(document, stage, "global", "parameters").get(_KEY, ""))
    if given.get("Stage") != stage:
        says = f"Stage is {given.get('Stage', 'not given')!r} in the section of {stage}."
        yield Finding(FILE, line_of(text, path), says, f"Set Stage={stage}.")
    yield from _check_parameters(text, path, given, template)


def _check_parameters(
    text: str, path: tuple[str, ...], given: Mapping[str, str], template: Template
) -> Iterator[Finding]:
    declared = template["Parameters"]
    for name, value in given.items():
        line = line_of(text, path, name)
        if name not in declared:
            near = difflib.get_close_matches(name, declared, 1)
            do = f"Did you mean {near[0]}?" if near else "docs/parameters.md lists all of them."
            yield Finding(FILE, line, f"There is no parameter {name}.", do)
        elif (why := refused(declared[name], value)) is not None:
            says = f"{name} is {value!r} and {why}."
            yield Finding(FILE, line, says, "docs/parameters.md explains the parameter.")
    known = {name: value for name, value in given.items() if name in declared}
    told = set()
    for name, text_of_rule in broken_rules(template, known):
        told.add(name)
        line = line_of(text, path, name)
        yield Finding(FILE, line, f"{text_of_rule}.", "CloudFormation refuses the deployment.")
    if known.get("Stage") == "prod":
        for name in set(example_values(known)) - told:
            says = f"{name} still has the value of an example."
            yield Finding(FILE, line_of(text, path, name), says, "Set a value of your own.")


def _given(overrides: Any) -> dict[str, str]:
    """Return the parameters of sam's text or list of NAME=VALUE."""
    words = shlex.split(overrides) if isinstance(overrides, str) else list(map(str, overrides))
    pairs = (word.partition("=") for word in words)
    return {name: value for name, _, value in pairs}
