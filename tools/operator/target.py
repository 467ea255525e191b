"""Finds the stack to work on: a local one by its folder, one of AWS by its outputs."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from .aws_errors import code_of, explained
from .errors import NotReachableError, WrongUseError
from .settings import DEFAULT_STACK, Settings

# `make up` takes a relative STACK_DIR from the repository's root, whatever the current folder is.
_REPOSITORY = Path(__file__).resolve().parents[2]
_EMULATOR_KEY = "test"
_QUICK = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 3})


@dataclass(frozen=True)
class Resource:
    """One resource of a stack."""

    type: str
    physical_id: str


@dataclass(frozen=True)
class Target:
    """One deployed stack, and the caller's own rights on it.

    ``local`` is what the ready line of a local stack says, None for a stack of AWS.
    """

    name: str
    session: Any
    endpoint_url: str | None
    given_api_url: str | None = None
    local: Mapping[str, Any] | None = None

    def client(self, service: str) -> Any:
        """Return a client of an AWS service, the same one each time: making one takes a while."""
        if service not in self._clients:
            with explained():
                self._clients[service] = self.session.client(
                    service, endpoint_url=self.endpoint_url, config=_QUICK
                )
        return self._clients[service]

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    @property
    def region(self) -> str:
        """The stack's region."""
        return str(self.session.region_name)

    @property
    def credentials(self) -> Any:
        """The caller's, as botocore has them; None if there are none."""
        return self.session.get_credentials()

    @property
    def is_emulated(self) -> bool:
        """Tell whether the stack is on an emulator, which does not answer everything."""
        return bool(self.local or self.endpoint_url or os.environ.get("AWS_ENDPOINT_URL"))

    @cached_property
    def description(self) -> Mapping[str, Any]:
        """What CloudFormation says of the stack.

        Raises:
            OperatorError: There is no such stack, or no right to see it.
        """
        cloudformation = self.client("cloudformation")
        with explained():
            try:
                stacks = cloudformation.describe_stacks(StackName=self.name)["Stacks"]
            except ClientError as error:
                if code_of(error) == "ValidationError":
                    raise self._no_such_stack() from error
                raise
        if not stacks:
            raise self._no_such_stack()
        found: Mapping[str, Any] = stacks[0]
        return found

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs; a local stack is not reached where an API of AWS would be."""
        outputs = self.description.get("Outputs", ())
        found = {output["OutputKey"]: output["OutputValue"] for output in outputs}
        if self.local:
            found |= {"ApiUrl": self.local["api_url"], "CallbacksUrl": self.local["callbacks_url"]}
        return found

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The stack's parameters, as they are now."""
        parameters = self.description.get("Parameters", ())
        return {each["ParameterKey"]: each.get("ParameterValue", "") for each in parameters}

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """Every resource of the stack by its logical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        with explained():
            return {
                each["LogicalResourceId"]: Resource(
                    each["ResourceType"], each["PhysicalResourceId"]
                )
                for page in pages.paginate(StackName=self.name)
                for each in page["StackResourceSummaries"]
                if each.get("PhysicalResourceId")
            }

    def of_type(self, type_: str) -> Mapping[str, str]:
        """Return the physical ids of all resources of a type by their logical ids."""
        return {
            name: each.physical_id for name, each in self.resources.items() if each.type == type_
        }

    def physical_id(self, name: str) -> str:
        """Return the physical id of a resource.

        Raises:
            WrongUseError: The stack has none of this name, so it is not ours.
        """
        if name not in self.resources:
            raise WrongUseError(
                f"the stack {self.name} has no {name}",
                "name the stack of Xporter Bridge with --stack",
            )
        return self.resources[name].physical_id

    def output(self, name: str) -> str:
        """Return an output of the stack.

        Raises:
            WrongUseError: The stack has none of this name, so it is not ours.
        """
        if name not in self.outputs:
            raise WrongUseError(
                f"the stack {self.name} has no output {name}",
                "name the stack of Xporter Bridge with --stack",
            )
        return self.outputs[name]

    @property
    def api_url(self) -> str:
        """Where the API is."""
        return (self.given_api_url or self.output("ApiUrl")).rstrip("/")

    def _no_such_stack(self) -> NotReachableError:
        return NotReachableError(
            f"there is no stack {self.name} in {self.region}",
            "name it with --stack and --region, or set STACK_DIR to the folder of a local stack",
        )


def find(settings: Settings) -> Target:
    """Return the stack that options and environment name; nothing is called yet.

    Raises:
        OperatorError: STACK_DIR names no stack that runs, or no region is known.
    """
    import boto3  # noqa: PLC0415 - help and completion need not wait for it

    if directory := settings.stack_directory:
        ready = _ready_line(directory)
        session: Any = boto3.Session(_EMULATOR_KEY, _EMULATOR_KEY, region_name=ready["region"])
        name = settings.environment.get("STACK") or DEFAULT_STACK
        return Target(name, session, ready["aws_endpoint_url"], settings.api_url, ready)
    with explained():
        session = boto3.Session(profile_name=settings.profile, region_name=settings.region)
    if not session.region_name:
        raise WrongUseError("no AWS region is set", "give --region, or set AWS_REGION")
    return Target(settings.stack or DEFAULT_STACK, session, settings.endpoint_url, settings.api_url)


def _ready_line(directory: str) -> Mapping[str, Any]:
    """Return the ready line that `make up` keeps in its folder while the stack runs."""
    for folder in (Path(directory), _REPOSITORY / directory):
        try:
            ready: Mapping[str, Any] = json.loads((folder / "ready.json").read_text())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            raise NotReachableError(
                f"{folder / 'ready.json'} cannot be read", str(error)
            ) from error
        if _runs(int(ready["pid"])):
            return ready
    raise NotReachableError(
        f"no local stack runs in {directory}", f"start one with `STACK_DIR={directory} make up`"
    )


def _runs(pid: int) -> bool:
    """Tell whether the stack still runs: one that was killed leaves its ready line behind."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
