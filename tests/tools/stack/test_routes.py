from typing import Any

import pytest

from tools.stack.deployment import function_behind
from tools.stack.emulator_routes import import_routes
from tools.stack.errors import StackError

URI = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${%s.Arn}/invocations"


def operation(function: str) -> dict[str, Any]:
    return {"x-amazon-apigateway-integration": {"uri": {"Fn::Sub": URI % function}}}


class RecordingGateway:
    def __init__(self) -> None:
        self.integrations: list[str] = []
        self.routes: dict[str, str] = {}

    def create_integration(self, *, IntegrationUri: str, **_: str) -> dict[str, str]:  # noqa: N803
        self.integrations.append(IntegrationUri)
        return {"IntegrationId": str(len(self.integrations) - 1)}

    def create_route(self, *, RouteKey: str, Target: str, **_: str) -> None:  # noqa: N803
        self.routes[RouteKey] = self.integrations[int(Target.removeprefix("integrations/"))]


def test_every_method_of_every_path_becomes_a_route_to_its_function() -> None:
    gateway = RecordingGateway()
    body = {
        "paths": {
            "/callbacks/database": {"get": operation("Read"), "post": operation("Write")},
            "/{proxy+}": {"x-amazon-apigateway-any-method": operation("Read")},
            "/$default": {"x-amazon-apigateway-any-method": operation("Write")},
        }
    }
    import_routes(gateway, "api", body, {"Read": "read-1", "Write": "write-1"})
    functions = {key: arn.rpartition(":")[2] for key, arn in gateway.routes.items()}
    assert functions == {
        "GET /callbacks/database": "read-1",
        "POST /callbacks/database": "write-1",
        "ANY /{proxy+}": "read-1",
        "$default": "write-1",
    }


def test_an_operation_without_a_function_is_refused() -> None:
    with pytest.raises(StackError, match="calls no function"):
        function_behind({"x-amazon-apigateway-integration": {"uri": "https://example.test"}})
