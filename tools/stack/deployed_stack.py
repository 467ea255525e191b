"""A deployed stack, local or in an account, for the demo's steps and the trial's checks."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any

from tools.stack.deployment import STACK_NAME, outputs, physical_ids
from tools.stack.errors import StackError


@dataclass(frozen=True)
class DeployedStack:
    """The addresses of a deployed stack."""

    callbacks_url: str
    api_url: str
    region: str
    xporter_url: str
    bucket: str
    event_tap_queue_url: str
    authentication_url: str
    relying_party: str
    log_file: str

    @property
    def name(self) -> str:
        """The stack's name in CloudFormation."""
        return STACK_NAME

    @property
    def credentials(self) -> Any:
        """Credentials for the API, in botocore's form."""
        raise NotImplementedError

    def client(self, service: str) -> Any:
        """Make a client of an AWS service, with all rights."""
        raise NotImplementedError

    def aws(self, service: str) -> Any:
        """Return a client of an AWS service, with all rights; the same one each time."""
        return self._clients(service)

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of template.yaml."""
        return outputs(self.aws("cloudformation"), self.name)

    @cached_property
    def physical_ids(self) -> Mapping[str, str]:
        """The physical id of every resource of template.yaml by its logical id."""
        return physical_ids(self.aws("cloudformation"), self.name)

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
        return self.invoke(logical_id, self._scheduled_event())

    @cached_property
    def _clients(self) -> Callable[[str], Any]:
        return cache(self.client)

    def _scheduled_event(self) -> dict[str, Any]:
        """Return what EventBridge Scheduler sends when a schedule has no input of its own."""
        return {
            "version": "0",
            "id": "00000000-0000-0000-0000-000000000000",
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": "000000000000",
            "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "region": self.region,
            "resources": [],
            "detail": "{}",
        }
