"""A running local stack, as `make up`, the demo and the end-to-end tests use it."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.credentials import Credentials

from tools.set_up import ROOT
from tools.stack.deployed_stack import DeployedStack
from tools.stack.emulator import KEY
from tools.stack.errors import StackError
from tools.stack.settings import REGION

STACKS = ROOT / ".local" / "stacks"


@dataclass(frozen=True)
class LocalStack(DeployedStack):
    """A stack on the emulator; the fields are those of the ready line that `make up` prints."""

    aws_endpoint_url: str
    pid: int

    @classmethod
    def attach(cls, directory: Path | None = None) -> Self:
        """Return the stack that runs in ``directory``, or the one that was started last.

        Raises:
            StackError: No stack is running.
        """
        candidates = [directory / "ready.json"] if directory else STACKS.glob("*/ready.json")
        running = sorted((p for p in candidates if _runs(p)), key=lambda p: p.stat().st_mtime)
        if not running:
            raise StackError("no local stack is running: `make up` starts one")
        fields = json.loads(running[-1].read_text())
        del fields["ready"]
        return cls(**fields)

    def ready_line(self) -> str:
        """Return the line by which a program learns all of this."""
        return json.dumps({"ready": True, **asdict(self)})

    @property
    def credentials(self) -> Any:
        """The emulator's, who may do all."""
        return Credentials(KEY, KEY)

    def client(self, service: str) -> Any:
        """Make a client of the emulator."""
        return client(service, self.aws_endpoint_url)


def client(service: str, endpoint_url: str) -> Any:
    """Return a client of the emulator's ``service`` that sees nothing of the user's own AWS."""
    session: Any = boto3.Session(KEY, KEY, region_name=REGION)
    return session.client(service, endpoint_url=endpoint_url)


def _runs(announcement: Path) -> bool:
    """A stack that was killed outright leaves its announcement behind."""
    if not announcement.exists():
        return False
    try:
        os.kill(json.loads(announcement.read_text())["pid"], 0)
    except ProcessLookupError:
        return False
    return True
