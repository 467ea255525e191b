"""Runs a new version on an example, without writes, before the version receives traffic.

A dry run reads with the version's own permissions and settings. The first AWS call that would
change anything is not made and ends the dry run. No metric counts a dry run, and its reply is an
error to any other caller: a receiver in a dry run never answers 2xx.

No outside caller can start a dry run. The mark is a top-level key of the event, and the top-level
keys of an event from API Gateway, a queue or a schedule never come from a caller. API Gateway,
queues and schedules also call the alias, while a dry run requires a call by version number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from threading import Event
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from xporter_bridge.errors import ConfigurationError

MARK = "xporter_bridge_dry_run"
# The calls that change nothing; every other call of AWS counts as a write.
_READS = frozenset(
    {
        "GetItem", "Query", "Scan",
        "GetObject", "HeadObject", "ListObjectsV2", "ListObjectVersions",
        "GetSecretValue", "DescribeSecret", "Encrypt", "Decrypt", "GenerateDataKey",
    }
)  # fmt: skip
# For the whole process, because the threads of a pull have to see it too.
_on = Event()

_P = ParamSpec("_P")
_R = TypeVar("_R")


class _Context(Protocol):
    invoked_function_arn: str


_C = TypeVar("_C", bound=_Context)


class DryRunEndedError(BaseException):
    """Ends a dry run at its first write. No caller may treat it as a fault.

    Args:
        call: The call that was not made, as ``service:Operation``.
    """

    def __init__(self, call: str) -> None:
        super().__init__(call)
        self.call = call


def is_on() -> bool:
    """Tell whether the current invocation is a dry run."""
    return _on.is_set()


def end_at(call: str) -> None:
    """End a dry run before an outside change; do nothing in any other invocation.

    Raises:
        DryRunEndedError: This is a dry run.
    """
    if _on.is_set():
        raise DryRunEndedError(call)


def end_unless_read(service: str, operation: str) -> None:
    """End a dry run at a call of AWS that may change something.

    Raises:
        DryRunEndedError: This is a dry run, and the operation is not known to change nothing.
    """
    if _on.is_set() and operation not in _READS:
        raise DryRunEndedError(f"{service}:{operation}")


def possible(
    handle: Callable[Concatenate[Mapping[str, Any], _C, _P], _R],
) -> Callable[Concatenate[Mapping[str, Any], _C, _P], _R | dict[str, Any]]:
    """Decorate a handler so that a marked event causes a dry run.

    The reply names the call that ended the dry run, or says whether the handler's reply was good.

    Raises:
        ConfigurationError: The event is marked, and no version was called by its number.
    """

    @wraps(handle)
    def answer(
        event: Mapping[str, Any], context: _C, /, *args: _P.args, **kwargs: _P.kwargs
    ) -> _R | dict[str, Any]:
        if MARK not in event:
            return handle(event, context, *args, **kwargs)
        if not context.invoked_function_arn.rpartition(":")[2].isdigit():
            raise ConfigurationError("a dry run is for a version that is called by its number")
        unmarked = {name: value for name, value in event.items() if name != MARK}
        return _tried(lambda: handle(unmarked, context, *args, **kwargs))

    return answer


def _tried(run: Callable[[], object]) -> dict[str, Any]:
    ended_at, reply = None, None
    _on.set()
    try:
        reply = run()
    except DryRunEndedError as end:
        ended_at = end.call
    finally:
        _on.clear()
    said = reply if isinstance(reply, Mapping) else {}
    report = {
        "ended_at": ended_at,
        "status": said.get("statusCode"),
        "failed": len(said.get("batchItemFailures", ())),
    }
    return {"statusCode": 503, "dry_run": report}
