"""A running local stack, as `make up`, the demo and the end-to-end tests use it."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

import boto3

from tools.set_up import ROOT
from tools.stack.deployment import outputs, physical_ids
from tools.stack.emulator import KEY
from tools.stack.errors import StackError
from tools.stack.settings import REGION

STACKS = ROOT / ".local" / "stacks"


@dataclass(frozen=True)
class LocalStack:
    """Where everything is; the fields are those of the ready line that `make up` prints."""

    callbacks_url: str
    api_url: str
    aws_endpoint_url: str
    region: str
    xporter_url: str
    bucket: str
    event_tap_queue_url: str
    authentication_url: str
    relying_party: str
    log_file: str
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

    def aws(self, service: str) -> Any:
        """Return a client of an AWS service, with all rights; the same one each time."""
        return self._clients(service)

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of template.yaml."""
        return outputs(self.aws("cloudformation"))

    @cached_property
    def physical_ids(self) -> Mapping[str, str]:
        """The physical id of every resource of template.yaml by its logical id."""
        return physical_ids(self.aws("cloudformation"))

    def invoke(self, logical_id: str, payload: Mapping[str, Any]) -> Any:
        """Run a function and return what it returns.

        Raises:
            StackError: It raised; the message is its error.
        """
        function = self.physical_ids[logical_id]
        body = json.dumps(payload).encode()
        answer = self.aws("lambda").invoke(FunctionName=function, Payload=body)
        returned = json.loads(answer["Payload"].read() or "null")
        if "FunctionError" in answer:
            raise StackError(f"{logical_id} failed: {returned}")
        return returned

    def trigger(self, function: str) -> Any:
        """Run a scheduled function now, as its schedule would: ``schedule_registrations``."""
        logical_id = "".join(word.title() for word in function.split("_")) + "Function"
        if logical_id not in self.physical_ids:
            raise StackError(f"there is no function {function!r}")
        return self.invoke(logical_id, _scheduled_event())

    @cached_property
    def _clients(self) -> Callable[[str], Any]:
        return cache(lambda service: client(service, self.aws_endpoint_url))


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


def _scheduled_event() -> dict[str, Any]:
    """Return what EventBridge Scheduler sends when a schedule has no input of its own."""
    return {
        "version": "0",
        "id": "00000000-0000-0000-0000-000000000000",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "000000000000",
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": REGION,
        "resources": [],
        "detail": "{}",
    }
