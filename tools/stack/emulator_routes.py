"""Fills a gap: MiniStack ignores the OpenAPI body in which SAM writes an HttpApi's routes.

Authorisers are left out on purpose: the company's API is open on loopback.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tools.stack.deployment import STACK_NAME, api_bodies, function_behind, physical_ids
from tools.stack.settings import REGION

API_IDS = ("CallbacksApi", "CompanyApi")
ANY_METHOD = "x-amazon-apigateway-any-method"


def routed_apis(
    cloudformation: Any, gateway: Any, endpoint_url: str, stack_name: str = STACK_NAME
) -> list[str]:
    """Give both APIs of a stack their routes; return their URLs at the emulator."""
    bodies = api_bodies(cloudformation, stack_name)
    ids = physical_ids(cloudformation, stack_name)
    for name in API_IDS:
        import_routes(gateway, ids[name], bodies[name], ids)
    return [f"{endpoint_url}/_aws/execute-api/{ids[name]}/$default" for name in API_IDS]


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
