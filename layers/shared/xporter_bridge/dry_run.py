"""Tries a new version on examples before anything real reaches it: all of it, but what it writes.

A dry run reads with the version's own rights and settings. The first AWS call that would change
anything is not made and ends the dry run. No metric counts a dry run, and its reply is an error to
every other caller: a receiver in a dry run never answers 2xx.

Nothing from outside can ask for one. The mark stands at the top of the event, where API Gateway,
queues and schedules put what they say themselves and nothing that a caller sends; and all of them
call the alias, while a dry run is refused unless a version was called by its number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from threading import Event
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from xporter_bridge.errors import ConfigurationError

MARK = "xporter_bridge_dry_run"
# What changes nothing; every other call of AWS is taken for a write.
_READS = frozenset(
    {
        "GetItem", "Query", "Scan",
        "GetObject", "HeadObject", "ListObjectsV2", "ListObjectVersions",
        "GetSecretValue", "Encrypt", "Decrypt", "GenerateDataKey",
    }
)  # fmt: skip
# Of the whole process: the threads of a pull have to see it too.
_on = Event()

_P = ParamSpec("_P")
_R = TypeVar("_R")


class _Context(Protocol):
    invoked_function_arn: str


_C = TypeVar("_C", bound=_Context)


class DryRunEndedError(BaseException):
    """The dry run has come to its first write; nothing on the way may take it for a fault.

    Args:
        call: What would have been called, as ``service:Operation``.
    """

    def __init__(self, call: str) -> None:
        super().__init__(call)
        self.call = call


def is_on() -> bool:
    """Tell whether what runs now is a dry run."""
    return _on.is_set()


def end_at(call: str) -> None:
    """End a dry run here, before something outside is changed; otherwise do nothing.

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
    """Let what answers an event answer a marked one by a dry run.

    Its answer says where it ended, and of what it would have replied only whether that is good.

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
