"""Runs functions of the stack by hand."""

import json
from collections.abc import Mapping
from typing import Any

from .aws_errors import explained
from .errors import OperatorError
from .target import Target

# What runs on a schedule, by the name that the logs use, and the output that names its function.
SCHEDULES = {
    "watch_deadlines": "WatchDeadlinesFunctionName",
    "schedule_registrations": "ScheduleRegistrationsFunctionName",
    "schedule_pulls": "SchedulePullsFunctionName",
    "rotate_secrets": "RotateSecretsFunctionName",
}


def invoke(target: Target, schedule: str, event: Mapping[str, Any]) -> Any:
    """Run a scheduled function and return what it answers.

    Raises:
        OperatorError: It failed; its log has the line of code.
    """
    with explained():
        answer: Any = target.client("lambda").invoke(
            FunctionName=target.output(SCHEDULES[schedule]), Payload=json.dumps(event).encode()
        )
        returned = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        said = returned.get("errorMessage", "") if isinstance(returned, dict) else ""
        raise OperatorError(
            f"{schedule} failed ({said})", f"`xporter-bridge tail --function {schedule}` says where"
        )
    return returned
