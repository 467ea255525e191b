"""How a new version of the functions gets its traffic: by an alias, by degrees, after a check.

- "Deploying serverless applications gradually with AWS SAM",
  https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/automating-updates-to-serverless-apps.html
- AWS::Lambda::Version: "Description … Update requires: Replacement", at most 256 characters,
  https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-version.html
- that SAM publishes nothing when only a parameter's value has changed:
  https://github.com/aws/serverless-application-model/issues/3820
- an alarm configuration has at most 10 alarms,
  https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import template
from tests.support.sam_translation import of, translate
from tests.support.template import logical_id

FUNCTIONS = [logical_id(function) for function in template.functions()]
CHECKED = [function for function in FUNCTIONS if function != "CheckVersionFunction"]
PARAMETERS: dict[str, Any] = template.load()["Parameters"]
WAYS = [way for way in PARAMETERS["Rollout"]["AllowedValues"] if way != "Unchecked"]


@pytest.fixture(scope="module")
def prod() -> dict[str, Any]:
    return translate(Stage="prod")


def alias(function: str) -> dict[str, str]:
    return {"Ref": f"{function}Aliaslive"}


# -- everything calls the alias


def test_every_function_has_an_alias_on_a_version(prod: dict[str, Any]) -> None:
    for function in FUNCTIONS:
        properties = of(prod, "AWS::Lambda::Alias")[alias(function)["Ref"]]
        (version, attribute) = properties["FunctionVersion"]["Fn::GetAtt"]
        assert attribute == "Version"
        assert prod[version]["Properties"]["FunctionName"] == {"Ref": function}


def test_every_queue_and_every_schedule_calls_the_alias(prod: dict[str, Any]) -> None:
    sources = of(prod, "AWS::Lambda::EventSourceMapping").values()
    targets = [each["Target"]["Arn"] for each in of(prod, "AWS::Scheduler::Schedule").values()]
    called = [each["FunctionName"] for each in sources] + targets
    assert len(called) == 30
    assert all(each in map(alias, FUNCTIONS) for each in called)


def test_every_route_calls_the_alias(prod: dict[str, Any]) -> None:
    uris = [
        operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
        for api in of(prod, "AWS::ApiGatewayV2::Api").values()
        for methods in api["Body"]["paths"].values()
        for operation in methods.values()
    ]
    assert len(uris) == 8
    for uri in uris:
        called = re.search(r"/functions/\$\{(.+?)\}/invocations", uri)
        assert called
        assert {"Ref": called[1]} in map(alias, FUNCTIONS)


def test_nobody_is_permitted_to_call_anything_but_the_alias(prod: dict[str, Any]) -> None:
    permissions = of(prod, "AWS::Lambda::Permission").values()
    assert permissions
    assert all(each["FunctionName"] in map(alias, FUNCTIONS) for each in permissions)
    for schedule in of(prod, "AWS::Scheduler::Schedule").values():
        role = prod[schedule["Target"]["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
        (policy,) = role["Policies"]
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Resource"] in map(alias, FUNCTIONS)


# -- whatever changes makes a new version


def versions(resources: dict[str, Any]) -> set[str]:
    return set(of(resources, "AWS::Lambda::Version"))


@pytest.mark.parametrize("layer", ["SharedLayer", "DependenciesLayer"])
def test_a_new_layer_makes_a_new_version_of_every_function(
    prod: dict[str, Any], layer: str
) -> None:
    def change(document: dict[str, Any]) -> None:
        document["Resources"][layer]["Properties"]["ContentUri"] = "s3://bucket/another"

    assert len(versions(translate(change))) == len(FUNCTIONS)
    assert not versions(translate(change)) & versions(prod)


def test_new_code_and_a_new_setting_make_a_new_version(prod: dict[str, Any]) -> None:
    def change(document: dict[str, Any]) -> None:
        document["Resources"]["PlanPullsFunction"]["Properties"]["CodeUri"] = "s3://bucket/another"
        document["Resources"]["PullDatasetFunction"]["Properties"]["MemorySize"] = 2048

    gone = versions(prod) - versions(translate(change))
    assert {name.partition("Version")[0] for name in gone} == {
        "PlanPullsFunction",
        "PullDatasetFunction",
    }


def parameters_in(value: Any) -> Iterator[str]:
    match value:
        case {"Ref": str(name)} if name in PARAMETERS:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from (name for name in re.findall(r"\$\{(\w+)\}", text) if name in PARAMETERS)
        case {"Fn::If": [condition, *branches]}:
            yield from parameters_in(template.load()["Conditions"][condition])
            yield from parameters_in(branches)
        case dict():
            yield from (name for each in value.values() for name in parameters_in(each))
        case list():
            yield from (name for each in value for name in parameters_in(each))


def test_a_parameter_that_a_function_runs_with_makes_a_new_version(prod: dict[str, Any]) -> None:
    described = {"Fn::Sub": template.load()["Globals"]["Function"]["Description"]["Fn::Sub"]}
    told = set(parameters_in(described))
    for name, properties in of(prod, "AWS::Lambda::Function").items():
        # How many may run at a time is no part of a version.
        versioned = {k: v for k, v in properties.items() if k != "ReservedConcurrentExecutions"}
        assert set(parameters_in(versioned)) <= told, name
        # Lambda publishes nothing that equals the last version, so the function says it as well.
        assert properties["Description"] == described
    for properties in of(prod, "AWS::Lambda::Version").values():
        assert properties["Description"] == described


def longest(parameter: str) -> str:
    facts = PARAMETERS[parameter]
    if "MaxLength" in facts:
        return "x" * int(facts["MaxLength"])
    return max(map(str, facts.get("AllowedValues", [facts.get("MaxValue", "10800")])), key=len)


def test_what_a_version_is_described_by_is_never_too_long() -> None:
    text = template.load()["Globals"]["Function"]["Description"]["Fn::Sub"]
    assert len(re.sub(r"\$\{(\w+)\}", lambda found: longest(found[1]), text)) <= 256


# -- by degrees


def groups(resources: dict[str, Any]) -> dict[str, Any]:
    return of(resources, "AWS::CodeDeploy::DeploymentGroup")


@pytest.mark.parametrize("rollout", WAYS)
def test_in_prod_the_parameter_says_how_and_in_test_it_is_all_at_once(rollout: str) -> None:
    def named(name: str) -> dict[str, Any]:
        return {"Fn::Sub": ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": name}]}

    found = groups(translate(Stage="prod", Rollout=rollout))
    assert set(found) == {f"{function}DeploymentGroup" for function in CHECKED}
    for group in found.values():
        config = group["DeploymentConfigName"]
        assert config == {"Fn::If": ["IsProd", named(rollout), named("AllAtOnce")]}


def test_the_default_is_by_degrees() -> None:
    assert PARAMETERS["Rollout"]["Default"].startswith(("Canary", "Linear"))


@pytest.mark.parametrize(
    ("stage", "rollout", "count"),
    [
        ("prod", "Canary10Percent5Minutes", 20),
        ("test", "AllAtOnce", 20),
        # In an emergency the alarm may be on that the new version is to end.
        ("prod", "Unchecked", 0),
        # The emulator refuses CodeDeploy.
        ("local", "Canary10Percent5Minutes", 0),
    ],
)
def test_codedeploy_moves_the_traffic_unless_it_is_left_out(
    stage: str, rollout: str, count: int
) -> None:
    resources = translate(Stage=stage, Rollout=rollout)
    made = [r for r in resources.values() if r["Type"].startswith("AWS::CodeDeploy::")]
    assert len(made) == count
    updates = [r for r in resources.values() if "UpdatePolicy" in r]
    assert len(updates) == (len(CHECKED) if count else 0)


def test_a_version_is_rolled_back_by_the_alarms_that_a_faulty_one_raises(
    prod: dict[str, Any],
) -> None:
    for group in groups(prod).values():
        assert group["AutoRollbackConfiguration"]["Enabled"]
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        condition, cloud, _ = group["AlarmConfiguration"]["Fn::If"]
        assert (condition, cloud["Enabled"]) == ("IsCloud", True)
        names = {alarm["Name"]["Ref"] for alarm in cloud["Alarms"]}
        assert len(cloud["Alarms"]) <= 10
        assert names <= set(of(prod, "AWS::CloudWatch::Alarm"))
        # Of receivers, of the API, of consumers, and of what is scheduled.
        assert names >= {"CallbackFailedAlarm", "RequestFailedAlarm", "MessageFailedAlarm"}
        assert "WatchDeadlinesFailedAlarm" in names


# -- after a check


def test_every_version_is_checked_before_it_has_traffic(prod: dict[str, Any]) -> None:
    hooks = {
        name.removesuffix("Aliaslive"): resource["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        for name, resource in prod.items()
        if "UpdatePolicy" in resource
    }
    assert set(hooks) == set(CHECKED)
    for hook in hooks.values():
        assert hook["BeforeAllowTrafficHook"] == {"Ref": "CheckVersionFunction"}


def allowed(role: dict[str, Any], action: str) -> list[str]:
    return [
        re.sub(r"^arn:.*?\$\{AWS::AccountId\}:", "", resource["Fn::Sub"])
        if "Fn::Sub" in resource
        else resource["Fn::GetAtt"][0]
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for resource in statement["Resource"]
        if action in statement["Action"]
    ]


def test_a_function_is_named_so_that_a_policy_can_name_all_of_one_stack(
    prod: dict[str, Any],
) -> None:
    # No name of a stack holds an underscore, so no other stack's functions begin like that.
    for function in template.functions():
        properties = prod[logical_id(function)]["Properties"]
        assert properties["FunctionName"] == {"Fn::Sub": f"${{AWS::StackName}}_{function}"}
    # Lambda's names have 64 characters at the most.
    assert max(map(len, template.functions())) <= 64 - len("_") - 40


def test_codedeploy_may_move_every_alias_and_call_nothing_but_the_check(
    prod: dict[str, Any],
) -> None:
    role = prod["RolloutRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "codedeploy.amazonaws.com"}
    assert allowed(role, "lambda:UpdateAlias") == ["function:${AWS::StackName}_*"]
    assert allowed(role, "lambda:InvokeFunction") == ["CheckVersionFunction"]
    assert allowed(role, "cloudwatch:DescribeAlarms") == ["alarm:*"]
    for group in groups(prod).values():
        assert "RolloutRole" in json.dumps(group["ServiceRoleArn"])


def references(value: Any) -> Iterator[str]:
    """Yield every resource that a value waits for."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": target}:
            yield target[0] if isinstance(target, list) else target.split(".")[0]
        case {"Fn::Sub": [str(text), dict(given)]}:
            yield from references({"Fn::Sub": text})
            yield from references(list(given.values()))
        case {"Fn::Sub": str(text)}:
            yield from (name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text))
        case dict():
            yield from (name for each in value.values() for name in references(each))
        case list():
            yield from (name for each in value for name in references(each))


@pytest.mark.parametrize("stage", ["prod", "test", "local"])
def test_no_resource_waits_for_itself(stage: str) -> None:
    # cfn-lint does not see what an UpdatePolicy waits for, and CloudFormation refuses a circle.
    resources = translate(Stage=stage)
    waits = {
        name: {each for each in (*references(resource), *named_by(resource)) if each in resources}
        for name, resource in resources.items()
    }
    while done := {name for name, others in waits.items() if not others}:
        waits = {name: others - done for name, others in waits.items() if name not in done}
    assert waits == {}


def named_by(resource: dict[str, Any]) -> list[str]:
    named = resource.get("DependsOn", [])
    return [named] if isinstance(named, str) else named


# -- SnapStart


def test_snapstart_is_a_parameter_and_off_unless_it_is_asked_for(prod: dict[str, Any]) -> None:
    assert PARAMETERS["SnapStart"]["Default"] == "false"
    for properties in of(prod, "AWS::Lambda::Function").values():
        assert properties["SnapStart"] == {
            "Fn::If": [
                "HasSnapStart",
                {"ApplyOn": "PublishedVersions"},
                {"Ref": "AWS::NoValue"},
            ]
        }


def test_snapstart_is_refused_for_a_runtime_that_has_none() -> None:
    rule = template.load()["Rules"]["SnapStartNeedsItsRuntime"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "SnapStart"}, "true"]}
    (assertion,) = rule["Assertions"]
    allowed, parameter = assertion["Assert"]["Fn::Contains"]
    assert parameter == {"Ref": "PythonRuntime"}
    assert set(PARAMETERS["PythonRuntime"]["AllowedValues"]) - set(allowed) == {"python3.11"}
