"""The settings of a command, from its options and the environment."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_STACK = "xporter-bridge"


@dataclass
class Settings:
    """The options that every command takes, before its name or after."""

    json: bool = False
    stack: str | None = None
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    api_url: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def stack_directory(self) -> str | None:
        """The folder of a local stack; None where options name a stack of AWS."""
        if self.stack or self.profile or self.endpoint_url:
            return None
        return self.environment.get("STACK_DIR") or None


_OPTIONS = (
    ("--json", {"is_flag": True, "help": "Print one JSON document on stdout, nothing else."}),
    (
        "--stack",
        {"metavar": "NAME", "help": f"The CloudFormation stack ({DEFAULT_STACK})."},
    ),
    ("--region", {"metavar": "REGION", "help": "The AWS region of the stack."}),
    ("--profile", {"metavar": "NAME", "help": "A profile of your AWS configuration."}),
    ("--endpoint-url", {"metavar": "URL", "help": "Another AWS, as an emulator."}),
    ("--api-url", {"metavar": "URL", "help": "The API, where its output is not its address."}),
)


def common_options(command: Command) -> Command:
    """Add the options that every command takes."""
    for name, facts in reversed(_OPTIONS):
        option = click.option(name, expose_value=False, callback=_keep, **facts)
        command = option(command)
    return command


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Remember a value that was given; the later one counts, and a command's default never."""
    settings = context.ensure_object(Settings)
    if value not in (None, False) and parameter.name:
        setattr(settings, parameter.name, value)
