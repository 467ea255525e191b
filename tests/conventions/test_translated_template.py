"""What CloudFormation gets: template.yaml as AWS's own translator expands it."""

import json
from typing import Any

import pytest

from tests.support import template, translated_template
from tests.support.translated_template import statements


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    return dict(translated_template.translated()["Resources"])


def of(resources: dict[str, Any], type_: str) -> dict[str, Any]:
    return {
        name: resource.get("Properties", {})
        for name, resource in resources.items()
        if resource["Type"] == type_
    }


def test_every_function_runs_the_chosen_runtime_on_the_chosen_processor(
    resources: dict[str, Any],
) -> None:
    functions = of(resources, "AWS::Lambda::Function")
    assert len(functions) == len(template.functions())
    for properties in functions.values():
        assert properties["Runtime"] == {"Ref": "PythonRuntime"}
        assert properties["Architectures"] == [{"Ref": "Architecture"}]
        assert len(properties["Layers"]) == 2
        assert properties["LoggingConfig"]["LogGroup"]
        assert properties["Timeout"] <= 900


def test_every_function_has_a_role_of_its_own(resources: dict[str, Any]) -> None:
    functions = of(resources, "AWS::Lambda::Function")
    roles = [properties["Role"]["Fn::GetAtt"][0] for properties in functions.values()]
    assert len(set(roles)) == len(roles)


def test_no_role_has_a_policy_that_somebody_else_writes(resources: dict[str, Any]) -> None:
    assert "AWSLambdaSQSQueueExecutionRole" not in json.dumps(resources)
    for name, properties in of(resources, "AWS::IAM::Role").items():
        assert "ManagedPolicyArns" not in properties, name


def test_no_role_may_do_anything_with_everything(resources: dict[str, Any]) -> None:
    # Nothing that we call is an action for which AWS knows no resource, so there is no exception.
    for name, properties in of(resources, "AWS::IAM::Role").items():
        for policy in properties["Policies"]:
            for statement in statements(policy["PolicyDocument"]):
                assert "*" not in statement["Resource"], name
                assert not [each for each in statement["Action"] if "*" in each], name


def test_every_queue_is_read_by_one_function_that_reports_what_failed(
    resources: dict[str, Any],
) -> None:
    sources = of(resources, "AWS::Lambda::EventSourceMapping")
    assert len(sources) == len(template.consumers())
    for properties in sources.values():
        assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert properties["ScalingConfig"]["MaximumConcurrency"]
        assert properties.get("MaximumBatchingWindowInSeconds", 0) == 0


def _routes(body: dict[str, Any]) -> set[str]:
    return {
        f"{'ANY' if 'any' in method else method.upper()} {path}"
        for path, methods in body["paths"].items()
        for method in methods
    }


def test_the_public_api_answers_the_callbacks_and_nothing_else(resources: dict[str, Any]) -> None:
    body = resources["CallbacksApi"]["Properties"]["Body"]
    assert _routes(body) == {
        "POST /callbacks/authentication/{token}",
        "GET /callbacks/database",
        "POST /callbacks/database",
        "POST /callbacks/availability",
        "GET /callbacks/writeback",
        "POST /callbacks/writeback",
    }
    for methods in body["paths"].values():
        for operation in methods.values():
            integration = operation["x-amazon-apigateway-integration"]
            assert integration["payloadFormatVersion"] == "2.0"
            assert integration["type"] == "aws_proxy"


def test_every_call_of_the_companys_api_is_signed(resources: dict[str, Any]) -> None:
    body = resources["CompanyApi"]["Properties"]["Body"]
    assert _routes(body)
    for methods in body["paths"].values():
        for operation in methods.values():
            assert operation["security"] == [{"AWS_IAM": []}]


def test_each_api_may_call_only_the_functions_behind_it(resources: dict[str, Any]) -> None:
    permissions = of(resources, "AWS::Lambda::Permission")
    assert permissions
    for properties in permissions.values():
        assert properties["Action"] in {"lambda:InvokeFunction", "lambda:InvokeFunctionUrl"}
        assert properties["Principal"] != "*"
    assert of(resources, "AWS::Lambda::Url") == {}


def test_every_schedule_has_a_role_that_may_start_its_function_alone(
    resources: dict[str, Any],
) -> None:
    schedules = of(resources, "AWS::Scheduler::Schedule")
    assert schedules
    for properties in schedules.values():
        target = properties["Target"]
        assert target["RetryPolicy"]["MaximumRetryAttempts"] >= 1
        role = resources[target["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
        (policy,) = role["Policies"]
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Action"] == "lambda:InvokeFunction"
        assert statement["Resource"] == target["Arn"]


def test_the_stages_throttle_and_log(resources: dict[str, Any]) -> None:
    for properties in of(resources, "AWS::ApiGatewayV2::Stage").values():
        assert properties["AccessLogSettings"]["DestinationArn"]
        assert properties["DefaultRouteSettings"]["ThrottlingRateLimit"]


def test_the_stack_is_within_cloudformations_limits(resources: dict[str, Any]) -> None:
    assert len(resources) < 500
    assert len(json.dumps(resources)) < 1_000_000
    alarms = of(resources, "AWS::CloudWatch::Alarm").values()
    assert all(len(properties["AlarmDescription"]) <= 1024 for properties in alarms)


def test_what_is_kept_is_kept_after_translation_too(resources: dict[str, Any]) -> None:
    kept = {
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::KMS::Key",
        "AWS::SecretsManager::Secret",
    }
    for name, resource in resources.items():
        if resource["Type"] in kept:
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
