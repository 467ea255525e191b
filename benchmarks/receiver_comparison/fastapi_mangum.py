"""The same acknowledgement by FastAPI behind Mangum, without a log line and a metric."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from mangum import Mangum

from receiver_comparison.plain import check, store
from xporter_bridge.errors import CallbackRejectedError

app = FastAPI()


@app.post("/callbacks/database")
async def receive_database(request: Request) -> Response:
    """Answer 202 when the callback is stored."""
    try:
        about = check(request.query_params)
    except CallbackRejectedError:
        return Response('{"message":"Not Found"}', 404, media_type="application/json")
    store(about)
    return Response("{}", 202, media_type="application/json")


lambda_handler = Mangum(app, lifespan="off")
