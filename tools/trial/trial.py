"""One trial, and the names of everything that it creates."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tools.set_up import ROOT
from tools.stack.deployment import deploy
from tools.trial.account import Account

_CONFIG = Path(__file__).parent / "samconfig.toml"
TRIALS = ROOT / ".local" / "trials"
RELYING_PARTY = "trial.example.app"


@dataclass(frozen=True)
class Trial:
    """Every name begins with ``name``, so that resources left by a trial are recognisable.

    Attributes:
        directory: Keeps the log.
        say: Shows progress.
    """

    name: str
    account: Account
    directory: Path
    log: IO[bytes]
    say: Callable[[str], None]

    @property
    def scratch(self) -> Path:
        """Takes what is built for this trial, and is deleted with it."""
        return self.directory / "scratch"

    @property
    def simulator(self) -> str:
        """The name of the simulator's stack."""
        return f"{self.name}-simulator"

    @property
    def artifacts(self) -> str:
        """The bucket that `sam deploy` uploads to: the names of buckets are the whole world's."""
        return f"{self.name}-{self.account.number}-artifacts"

    @property
    def event_tap(self) -> str:
        """The queue that gets everything announced on the stack's bus, and its rule."""
        return f"{self.name}-events"

    @property
    def alarm_tap(self) -> str:
        """The queue that receives the notifications of the stack's alarms."""
        return f"{self.name}-alarms"

    def deploy(self, stack: str, template: Path, parameters: Mapping[str, str]) -> None:
        """Deploy one of the trial's stacks.

        Raises:
            StackError: It could not be; the log has every event.
        """
        deploy(
            template,
            dict(parameters),
            environment=self.account.environment(self.scratch, os.environ),
            log=self.log,
            config=[str(_CONFIG)],
            options=[
                *("--stack-name", stack),
                *("--s3-bucket", self.artifacts, "--s3-prefix", stack),
                *("--region", self.account.region),
            ],
        )


def new_name() -> str:
    """Return a name that no stack has."""
    return f"xporter-trial-{secrets.token_hex(3)}"


def directory_of(name: str) -> Path:
    """Return where a trial keeps its files on this machine, and make it."""
    directory = TRIALS / name
    (directory / "scratch").mkdir(parents=True, exist_ok=True)
    return directory


def remember(trial: Trial) -> None:
    """Write down where the trial runs, so that it can be deleted after a power cut."""
    where = {
        "name": trial.name,
        "region": trial.account.region,
        "endpoint_url": trial.account.endpoint_url,
    }
    (trial.directory / "trial.json").write_text(json.dumps(where), encoding="utf-8")
