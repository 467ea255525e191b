"""Fills a gap: MiniStack ignores the OpenAPI body in which SAM writes an HttpApi's routes.

Authorisers are left out on purpose: the company's API is open on loopback.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tools.stack.deployment import function_behind
from tools.stack.settings import REGION

ANY_METHOD = "x-amazon-apigateway-any-method"


def import_routes(
    gateway: Any, api_id: str, body: Mapping[str, Any], functions: Mapping[str, str]
) -> None:
    """Create the routes that the API's body describes.

    Args:
        functions: The physical id of every function, a name, and of every alias, an ARN.
    """
    for route_key, function in _routes(body):
        name = functions[function].partition(":function:")[2] or functions[function]
        arn = f"arn:aws:lambda:{REGION}:000000000000:function:{name}"
        integration = gateway.create_integration(
            ApiId=api_id,
            IntegrationType="AWS_PROXY",
            IntegrationUri=arn,
            PayloadFormatVersion="2.0",
        )
        target = f"integrations/{integration['IntegrationId']}"
        gateway.create_route(ApiId=api_id, RouteKey=route_key, Target=target)


def _routes(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for path, operations in body.get("paths", {}).items():
        for method, operation in operations.items():
            name = "ANY" if method == ANY_METHOD else method.upper()
            key = "$default" if path == "/$default" else f"{name} {path}"
            yield key, function_behind(operation)
