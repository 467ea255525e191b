"""The same acknowledgement by a route of Powertools, without a log line and a metric."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from receiver_comparison.plain import check, store
from xporter_bridge.errors import CallbackRejectedError

app = APIGatewayHttpResolver()


@app.post("/callbacks/database")
def receive_database() -> Response[str]:
    """Answer 202 when the callback is stored."""
    try:
        about = check(app.current_event.query_string_parameters)
    except CallbackRejectedError:
        return Response(404, "application/json", '{"message":"Not Found"}')
    store(about)
    return Response(202, "application/json", "{}")


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Hand the event to the resolver."""
    return app.resolve(event, context)
