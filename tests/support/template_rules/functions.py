"""What Lambda and API Gateway take for functions and the routes to them."""

import json
import re
from collections.abc import Iterator

from tests.support.template_rules.rule import rule
from tests.support.translated_template import Stack

# Lambda sets these itself and refuses them.
_RESERVED = {
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}  # fmt: skip
_LIMITS = "lambda/latest/dg/gettingstarted-limits.html"


@rule(_LIMITS)
def a_function_is_within_lambdas_sizes(stack: Stack) -> Iterator[str]:
    for name, function in stack.of("AWS::Lambda::Function").items():
        memory, seconds = function.get("MemorySize", 128), function.get("Timeout", 3)
        if not (128 <= memory <= 10_240 and 1 <= seconds <= 900):
            yield f"{name} has {memory} MB and {seconds} seconds"
        if len(function.get("Layers", [])) > 5:
            yield f"{name} has {len(function['Layers'])} layers"


@rule("lambda/latest/dg/configuration-envvars.html")
def the_variables_of_a_function_are_few_and_its_own(stack: Stack) -> Iterator[str]:
    for name, function in stack.of("AWS::Lambda::Function").items():
        variables = function.get("Environment", {}).get("Variables", {})
        size = len(json.dumps(variables).encode())
        if size > 4096:
            yield f"{name} has variables of {size} bytes"
        yield from (f"{name} sets {each}" for each in variables if each in _RESERVED)


@rule("lambda/latest/api/API_CreateFunction.html")
def a_function_has_a_name_that_there_can_be(stack: Stack) -> Iterator[str]:
    for name, function in stack.of("AWS::Lambda::Function").items():
        given = function.get("FunctionName", "generated")
        if not re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", given):
            yield f"{name} is called {given}"


@rule("codedeploy/latest/userguide/limits.html")
def a_deployment_looks_at_ten_alarms_at_most(stack: Stack) -> Iterator[str]:
    alarms = {stack.ref(name) for name in stack.of("AWS::CloudWatch::Alarm")}
    for name, group in stack.of("AWS::CodeDeploy::DeploymentGroup").items():
        watched = [each["Name"] for each in group.get("AlarmConfiguration", {}).get("Alarms", [])]
        if len(watched) > 10 or not set(watched) <= alarms:
            yield f"{name} looks at {watched}"


@rule("lambda/latest/api/API_PublishLayerVersion.html")
def a_layer_has_a_name_that_there_can_be(stack: Stack) -> Iterator[str]:
    for name, layer in stack.of("AWS::Lambda::LayerVersion").items():
        given = layer.get("LayerName", "generated")
        if len(given) > 140 or not given.replace("-", "").replace("_", "").isalnum():
            yield f"{name} is called {given}"


@rule("apigateway/latest/developerguide/http-api-quotas.html")
def a_function_behind_an_api_answers_before_api_gateway_gives_up(stack: Stack) -> Iterator[str]:
    permissions = stack.of("AWS::Lambda::Permission").values()
    called = {
        stack.function_named(each["FunctionName"])
        for each in permissions
        if each["Principal"] == "apigateway.amazonaws.com"
    }
    for name, function in stack.of("AWS::Lambda::Function").items():
        if name in called and function.get("Timeout", 3) > 30:
            yield f"{name} may take {function['Timeout']} seconds"


@rule("apigateway/latest/developerguide/http-api-throttling.html")
def a_route_that_is_throttled_is_there(stack: Stack) -> Iterator[str]:
    for name, stage in stack.of("AWS::ApiGatewayV2::Stage").items():
        apis = stack.of("AWS::ApiGatewayV2::Api")
        (body,) = (apis[api]["Body"] for api in apis if stack.ref(api) == stage["ApiId"])
        routes = {
            f"{method.upper()} {path}"
            for path, methods in body["paths"].items()
            for method in methods
        }
        yield from (
            f"{name}: {each}" for each in stage.get("RouteSettings", {}) if each not in routes
        )


@rule("apigateway/latest/developerguide/limits.html")
def a_throttle_is_below_that_of_the_account(stack: Stack) -> Iterator[str]:
    for name, stage in stack.of("AWS::ApiGatewayV2::Stage").items():
        settings = [stage["DefaultRouteSettings"], *stage.get("RouteSettings", {}).values()]
        for each in settings:
            if each["ThrottlingRateLimit"] > 10_000 or each["ThrottlingBurstLimit"] > 5_000:
                yield f"{name} lets {each} through"
