"""Deletes everything that a trial has created, and lists the rest that could not be deleted."""

import functools
import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.stack.deployment import stack_resources
from tools.trial.leftovers import (
    BY_TYPE,
    WITH_THEIR_OWNER,
    delete_bucket,
    delete_log_group,
    delete_queue,
    delete_rule,
    is_gone,
    log_groups,
)
from tools.trial.trial import Trial

_STACK_SECONDS = 1800
_ENDED = {"DELETE_COMPLETE", "DELETE_FAILED"}


@dataclass
class Cleanup:
    """The deleted resources, and the ones to be deleted by hand, with the reason."""

    deleted: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def attempt(self, what: str, delete: Callable[[], object]) -> None:
        """Delete one thing; neither its absence nor a failure keeps the others from it."""
        try:
            delete()
        except ClientError as error:
            if not is_gone(error):
                self.left.append(f"{what}: {error}")
        except (BotoCoreError, TimeoutError) as error:
            self.left.append(f"{what}: {error}")
        else:
            self.deleted.append(what)


def delete_everything(trial: Trial) -> Cleanup:
    """Delete both stacks, what the first retains, and what was created beside them.

    It may be repeated, and finds everything by the trial's name alone.
    """
    cleanup = Cleanup()
    try:
        _close_taps(trial, cleanup)
        _delete_stacks(trial, cleanup)
        _delete_the_rest(trial, cleanup)
    except (BotoCoreError, ClientError) as error:  # it could not even be asked what there is
        cleanup.left.append(f"what begins with {trial.name}: {error}")
    shutil.rmtree(trial.scratch, ignore_errors=True)
    return cleanup


def _close_taps(trial: Trial, cleanup: Cleanup) -> None:
    client, name = trial.account.client, trial.event_tap
    cleanup.attempt(f"rule {name}", lambda: delete_rule(client, trial.name, name))
    for queue in (name, trial.alarm_tap):
        cleanup.attempt(f"queue {queue}", functools.partial(delete_queue, client, queue))


def _delete_stacks(trial: Trial, cleanup: Cleanup) -> None:
    """Delete both stacks at the same time, and then what they retain."""
    cloudformation = trial.account.client("cloudformation")
    found = ((name, _stack_id(cloudformation, name)) for name in (trial.name, trial.simulator))
    stacks = {name: stack for name, stack in found if stack}
    before = [_resources(cloudformation, stack) for stack in stacks.values()]
    with ThreadPoolExecutor() as pool:
        for name, stack in stacks.items():
            trial.say(f"deleting {name} …")
            delete = functools.partial(_delete_stack, trial, cloudformation, stack)
            pool.submit(cleanup.attempt, name, delete)
    for known, stack in zip(before, stacks.values(), strict=True):
        _delete_resources(trial, cleanup, {**known, **_resources(cloudformation, stack)}.values())


def _delete_the_rest(trial: Trial, cleanup: Cleanup) -> None:
    client = trial.account.client
    cleanup.attempt(trial.artifacts, lambda: delete_bucket(client, trial.artifacts))
    for group in log_groups(client, trial.name):
        cleanup.attempt(group, functools.partial(delete_log_group, client, group))


def _stack_id(cloudformation: Any, name: str) -> str | None:
    """Return the id under which the stack is found, also if it is deleted already."""
    try:
        return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":  # there is none of that name
            raise
    pages = cloudformation.get_paginator("list_stacks").paginate(
        StackStatusFilter=["DELETE_COMPLETE"]
    )
    found = (each for page in pages for each in page["StackSummaries"])
    return next((str(each["StackId"]) for each in found if each["StackName"] == name), None)


def _delete_stack(trial: Trial, cloudformation: Any, stack: str) -> None:
    """Have the stack deleted, once more if that failed; what resists is seen by its resources.

    Raises:
        TimeoutError: CloudFormation takes longer than anything that it has to delete.
    """
    deadline = time.monotonic() + _STACK_SECONDS
    for _ in range(2):
        cloudformation.delete_stack(StackName=stack)
        while (status := _status(cloudformation, stack)) not in _ENDED:
            if time.monotonic() > deadline:
                raise TimeoutError(f"still {status} after {_STACK_SECONDS} s")
            time.sleep(trial.account.poll_seconds)
        if status == "DELETE_COMPLETE":
            return


def _status(cloudformation: Any, stack: str) -> str:
    return str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


def _resources(cloudformation: Any, stack: str) -> dict[str, dict[str, Any]]:
    """Return the stack's resources by physical id; an emulator forgets those of a deleted one."""
    resources = stack_resources(cloudformation, stack)
    return {each["PhysicalResourceId"]: each for each in resources if _is_there(each)}


def _is_there(resource: dict[str, Any]) -> bool:
    return bool(resource.get("PhysicalResourceId"))


def _delete_resources(trial: Trial, cleanup: Cleanup, resources: Iterable[dict[str, Any]]) -> None:
    """Delete what the stack's deletion has not."""
    remaining = [each for each in resources if each["ResourceStatus"] != "DELETE_COMPLETE"]
    for kind, delete in BY_TYPE.items():
        for each in remaining:
            if each["ResourceType"] == kind:
                physical_id = each["PhysicalResourceId"]
                what = f"{each['LogicalResourceId']} ({physical_id})"
                client = trial.account.client
                cleanup.attempt(what, functools.partial(delete, client, physical_id))
    cleanup.left += [
        f"{each['LogicalResourceId']} ({each['PhysicalResourceId']}): "
        f"{each.get('ResourceStatusReason', each['ResourceStatus'])}"
        for each in remaining
        if each["ResourceType"] not in {*BY_TYPE, *WITH_THEIR_OWNER}
        and each["ResourceStatus"] in {"DELETE_FAILED", "DELETE_SKIPPED"}
    ]
