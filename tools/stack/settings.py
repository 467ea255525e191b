"""The settings of one local stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tools.set_up import ROOT

REGION = "eu-west-2"


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
    directory: Path | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables that `make help` lists."""
        directory = environment.get("STACK_DIR")
        return cls(
            xporter_url=environment.get("XPORTER_URL", "").rstrip("/") or None,
            relying_party=environment.get("RELYING_PARTY") or cls.relying_party,
            log_level=environment.get("LOG_LEVEL") or cls.log_level,
            callbacks_port=int(environment.get("CALLBACKS_PORT") or 0),
            api_port=int(environment.get("API_PORT") or 0),
            aws_port=int(environment.get("AWS_PORT") or 0),
            simulator_port=int(environment.get("SIMULATOR_PORT") or 0),
            directory=ROOT / directory if directory else None,
        )
