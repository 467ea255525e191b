"""The settings of one local stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tools.set_up import ROOT
from tools.stack.errors import StackError

REGION = "eu-west-2"
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True)
class StackSettings:
    """Everything has a default under which any number of stacks run side by side.

    A port of 0 is any free one. ``parameters`` are parameters of template.yaml.
    """

    xporter_url: str | None = None
    relying_party: str = "live.example.app"
    log_level: str = "INFO"
    callbacks_port: int = 0
    api_port: int = 0
    aws_port: int = 0
    simulator_port: int = 0
    page_port: int = 0
    directory: Path | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables that `make help` lists.

        Raises:
            StackError: One of them cannot be what it says.
        """
        directory = environment.get("STACK_DIR")
        return cls(
            xporter_url=_url(environment, "XPORTER_URL"),
            relying_party=environment.get("RELYING_PARTY") or cls.relying_party,
            log_level=_log_level(environment, "LOG_LEVEL", cls.log_level),
            callbacks_port=_port(environment, "CALLBACKS_PORT"),
            api_port=_port(environment, "API_PORT"),
            aws_port=_port(environment, "AWS_PORT"),
            simulator_port=_port(environment, "SIMULATOR_PORT"),
            page_port=_port(environment, "PAGE_PORT"),
            directory=ROOT / directory if directory else None,
        )


def _port(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name) or "0"
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):
        raise StackError(f"{name} is {text!r}: give a number up to 65535, or 0 for any free port")
    return int(text)


def _url(environment: Mapping[str, str], name: str) -> str | None:
    text = (environment.get(name) or "").rstrip("/")
    if text and not text.startswith(("http://", "https://")):
        raise StackError(
            f"{name} is {text!r}: give an address that begins with http:// or https://"
        )
    return text or None


def _log_level(environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name) or default
    if text not in _LOG_LEVELS:
        raise StackError(f"{name} is {text!r}: give one of {', '.join(_LOG_LEVELS)}")
    return text
