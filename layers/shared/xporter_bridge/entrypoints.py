"""The three kinds of invocation: callbacks, queue records and schedules.

Only this module maps errors to the reaction of the caller; ``errors`` has the tree of errors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from xporter_bridge import dry_run, telemetry
from xporter_bridge.errors import (
    CallbackRejectedError,
    ConfigurationError,
    PermanentError,
    RateLimitedError,
    TransientError,
    XporterBridgeError,
    XporterUnavailableError,
)
from xporter_bridge.messages import Message

Reply = dict[str, Any]
AnyMessage = TypeVar("AnyMessage", bound=Message)

# While Xporter is down, a message is sent again after 1, 2, 4, 8 and then every 15 minutes, for
# three days.
_FIRST_WAIT_SECONDS = 60
_MAX_WAIT_SECONDS = 900
_MAX_TRIES = 290

# All refusals with the same status have the same body, so that a stranger learns nothing from the
# body. The body of a 404 equals API Gateway's own, byte for byte.
_REFUSALS = {400: "bad request", 404: "Not Found", 413: "too large", 500: "error", 503: "try again"}


class LambdaContext(Protocol):
    """The part of Lambda's context object that we use."""

    aws_request_id: str
    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int:
        """Return the remaining time of this invocation."""
        ...


@dry_run.possible
def answer_callback(
    event: Mapping[str, Any],
    context: LambdaContext,
    *,
    kind: str,
    accept: Callable[[Mapping[str, Any]], str | None],
) -> Reply:
    """Call ``accept`` to store one callback, and return the reply for its sender.

    ``accept`` reads the event, makes exactly one durable write, and may return the estab for the
    log. The reply is 2xx only after ``accept`` has returned. Our own fault is 5xx, so that the
    sender may retry.
    """
    request_id = event.get("requestContext", {}).get("requestId")
    telemetry.bind(context.aws_request_id, request_id)
    try:
        estab = accept(event)
    except CallbackRejectedError as rejected:
        telemetry.warn("callback_rejected", kind=kind, reason=rejected.reason)
        telemetry.count("CallbackRejected", rejected.reason)
        return _refusal(rejected.status)
    except Exception as error:  # noqa: BLE001 - the edge: a sender gets a status, never a trace
        reason = error.reason if isinstance(error, TransientError) else None
        telemetry.report("callback_failed", error, kind=kind, reason=reason)
        telemetry.count("CallbackFailed", kind)
        return _refusal(503 if isinstance(error, TransientError) else 500)
    telemetry.record("callback_accepted", kind=kind, estab=estab)
    telemetry.count("CallbackAccepted", kind)
    return {"statusCode": 202, "headers": {"content-type": "application/json"}, "body": "{}"}


@dry_run.possible
def consume_messages(
    event: Mapping[str, Any],
    context: LambdaContext,
    *,
    function: str,
    read: Callable[[Mapping[str, Any]], AnyMessage],
    handle: Callable[[AnyMessage], None],
    park: Callable[[str, str], None],
    resend_later: Callable[..., None] | None = None,
) -> Reply:
    """Handle each SQS record of a batch, and report the records to be delivered again.

    Args:
        function: The name of the function, for metrics.
        read: Converts the decoded body into a message, and ignores unknown fields.
        handle: Processes the message; must be idempotent, as delivery is at least once.
        park: Dead-letters the body of a message that can never succeed, with the reason.
        resend_later: Sends a message's body again after ``delay_seconds``. It is given for
            messages that no other process would send again: without it, a queue dead-letters a
            message after a few deliveries, even if Xporter is only down.
    """
    telemetry.bind(context.aws_request_id)
    failures: list[dict[str, str]] = []
    for message in event["Records"]:
        try:
            _handle(message["body"], read, handle, resend_later, function)
        except TransientError as error:
            telemetry.warn("message_will_be_retried", function=function, reason=error.reason)
            failures.append({"itemIdentifier": message["messageId"]})
        except PermanentError as error:
            telemetry.report("message_parked", error, function=function, reason=error.reason)
            telemetry.count("MessageParked", function)
            park(message["body"], error.reason)
        except ConfigurationError as error:
            # No record can succeed until the configuration is corrected: report all of them.
            # "from None": Lambda would log the text of the cause.
            telemetry.report("misconfigured", error, function=function, reason=str(error))
            telemetry.count("MessageFailed", function)
            raise ConfigurationError(str(error)) from None
        except Exception as error:  # noqa: BLE001 - an unknown fault fails this record alone
            telemetry.report("message_failed", error, function=function)
            telemetry.count("MessageFailed", function)
            failures.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failures}


def _handle(
    body: str,
    read: Callable[[Mapping[str, Any]], AnyMessage],
    handle: Callable[[AnyMessage], None],
    resend_later: Callable[..., None] | None,
    function: str,
) -> None:
    """Handle a message, or send it again with a delay if Xporter is not available."""
    message = read(json.loads(body))
    try:
        handle(message)
    except (XporterUnavailableError, RateLimitedError) as error:
        tries = message.tries
        if resend_later is None or tries >= _MAX_TRIES:
            raise
        wait = max(_FIRST_WAIT_SECONDS << min(tries, 4), error.retry_after_seconds or 0)
        telemetry.warn("message_postponed", function=function, reason=error.reason, tries=tries)
        again = replace(message, tries=tries + 1)
        resend_later(again.body(), delay_seconds=int(min(wait, _MAX_WAIT_SECONDS)))


@dry_run.possible
def run_schedule(
    event: Mapping[str, Any],  # noqa: ARG001 - says only whether this is a dry run
    context: LambdaContext,
    *,
    function: str,
    run: Callable[[], Mapping[str, int]],
) -> Reply:
    """Run a scheduled function and log the counts that it returns.

    Raises:
        XporterBridgeError: Raised by ``run``, or in place of an unknown error, because Lambda
            would log the text of an unknown error. The schedule's own retry then applies.
    """
    telemetry.bind(context.aws_request_id)
    try:
        found = dict(run())
    except XporterBridgeError as error:
        telemetry.report("schedule_failed", error, function=function, reason=str(error))
        raise error from None
    except Exception as error:  # noqa: BLE001 - raised again, but for its text
        telemetry.report("schedule_failed", error, function=function)
        raise XporterBridgeError(f"unknown fault: {type(error).__name__}") from None
    telemetry.record("schedule_ran", function=function, **found)
    return found


def _refusal(status: int) -> Reply:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"message": _REFUSALS[status]}, separators=(",", ":")),
    }
