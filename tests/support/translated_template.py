"""What CloudFormation gets, by SAM's own translator, and what a deployment makes of it."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.support import template
from tests.support.template import ROOT, Properties

ACCOUNT = "123456789012"
REGION = "eu-west-2"
# No other text of the template holds it, so what holds it was given the stack's name.
STACK = "name-of-the-stack"

# The translator lives with the SAM CLI, in an environment of its own.
_PYTHON = ROOT / ".tools/sam/bin/python"
_TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform

class Managed:
    def load(self):
        names = ("AWSLambdaBasicExecutionRole", "AWSLambdaSQSQueueExecutionRole")
        return {name: f"arn:aws:iam::aws:policy/service-role/{name}" for name in names}

print(json.dumps(transform(json.load(sys.stdin), {}, Managed())))
"""
_IDENTITIES = """
import json, sys
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

def identity(type_):
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(sys.argv[1], type_).schema
    given = [path for path in schema.get("createOnlyProperties", []) if path.endswith("Name")]
    paths = [*schema.get("primaryIdentifier", []), *given]
    return sorted({path.removeprefix("/properties/") for path in paths})

print(json.dumps({type_: identity(type_) for type_ in json.load(sys.stdin)}))
"""
_PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}
# What follows ``arn:aws:``.
_ARNS = {
    "AWS::SQS::Queue": "sqs:{region}:{account}:{id}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{id}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{id}",
    "AWS::S3::Bucket": "s3:::{id}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{id}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{id}",
    "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{id}",
    "AWS::IAM::Role": "iam::{account}:role/{id}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{id}:*",
    "AWS::SecretsManager::Secret": "secretsmanager:{region}:{account}:secret:{id}",
    "AWS::CloudWatch::Alarm": "cloudwatch:{region}:{account}:alarm:{id}",
    "AWS::CloudWatch::CompositeAlarm": "cloudwatch:{region}:{account}:alarm:{id}",
}
# Whose ``Ref`` is an ARN.
_REF_IS_ARN = {"AWS::SNS::Topic", "AWS::SecretsManager::Secret", "AWS::Lambda::Alias"}


@cache
def translated() -> Properties:
    """Return the template as SAM's translator expands it; shared, so nobody changes it.

    Raises:
        AssertionError: The translator is not there, or refuses the template.
    """
    return dict(_by_sam(_TRANSLATE, _packaged()))


@cache
def identities(region: str = REGION) -> dict[str, list[str]]:
    """Return which properties tell two resources of a type apart, as AWS's schemas say."""
    types = {resource["Type"] for resource in translated()["Resources"].values()}
    return dict(_by_sam(_IDENTITIES, sorted(types), region))


def _by_sam(script: str, given: Any, *arguments: str) -> Any:
    assert _PYTHON.exists(), "`make setup` makes .tools/sam"
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [_PYTHON, "-c", script, *arguments],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=False,
            env={"AWS_DEFAULT_REGION": REGION, "HOME": home},
        )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def _packaged() -> Properties:
    """Return the template as ``sam package`` hands it on: code is in a bucket."""
    document: Properties = copy.deepcopy(template.load())
    for resource in document["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://bucket/key"
    return document


@dataclass
class Stack:
    """What one deployment makes: every resource whose condition holds, without any ``Fn::``."""

    name: str
    document: Properties
    resources: dict[str, Properties]
    refs: dict[str, Any]
    arns: dict[str, str]

    def of(self, *types: str) -> dict[str, Properties]:
        """Return the properties of every resource of these types, by logical id."""
        return {
            name: resource.setdefault("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] in types
        }

    def ref(self, name: str) -> Any:
        """Return what ``!Ref`` gives for a resource."""
        return self.refs[name]

    def arn(self, name: str) -> str:
        """Return a resource's ARN."""
        return self.arns[name]

    def by_arn(self, arn: str) -> Properties:
        """Return the properties of the resource with this ARN."""
        (name,) = (each for each, its in self.arns.items() if its == arn)
        return dict(self.resources[name]["Properties"])

    def arn_of_ref(self, ref: str) -> str:
        """Return the ARN of the resource for which ``!Ref`` gives this."""
        (name,) = (each for each, its in self.refs.items() if its == ref)
        return self.arns[name]

    def function_named(self, called: str) -> str:
        """Return the function that a property calls so, be it by its name, ARN or alias."""
        kinds = ("AWS::Lambda::Function", "AWS::Lambda::Alias")
        (name,) = (each for each in self.of(*kinds) if called in (self.refs[each], self.arns[each]))
        if name in self.of("AWS::Lambda::Function"):
            return name
        return self.function_named(self.of("AWS::Lambda::Alias")[name]["FunctionName"])

    def function_of(self, source: Properties) -> Properties:
        """Return the properties of the function that an event source feeds."""
        return self.of("AWS::Lambda::Function")[self.function_named(source["FunctionName"])]

    def allowed(self, role_arn: str, action: str) -> set[str]:
        """Return on what the role with this ARN may do the action."""
        return {
            resource
            for name, properties in self.of("AWS::IAM::Role").items()
            if self.arns[name] == role_arn
            for policy in properties.get("Policies", [])
            for statement in statements(policy["PolicyDocument"])
            if action in statement["Action"]
            for resource in statement["Resource"]
        }


def deployed(name: str = STACK, **parameters: str) -> Stack:
    """Return the stack that the translated template makes; the caller may change it.

    Args:
        parameters: What differs from the template's defaults.
    """
    document = copy.deepcopy(translated())
    values = {key: str(facts.get("Default")) for key, facts in document["Parameters"].items()}
    assert set(parameters) <= set(values), "the template has no such parameter"
    evaluation = _Evaluation(name, document, {**values, **parameters})
    made = evaluation.resources()
    refs = {each: evaluation.value({"Ref": each}) for each in made}
    arns = {each: evaluation.value({"Fn::GetAtt": [each, "Arn"]}) for each in made}
    return Stack(name, document, made, refs, arns)


def prod(name: str = STACK) -> Stack:
    """Return the stack of stage ``prod`` with everything that a parameter can add."""
    emails = {"AlarmEmail": "ops@example.org", "PageEmail": "pager@example.org"}
    rotations = {"KeyRotationDays": "90", "TokenRotationDays": "365"}
    return deployed(name, Stage="prod", GlueTables="true", **emails, **rotations)


class _Evaluation:
    def __init__(self, stack: str, document: Properties, parameters: Mapping[str, str]) -> None:
        self._stack = stack
        self._document = document
        self._values = {**_PSEUDO, "AWS::StackName": stack, **parameters}

    def resources(self) -> dict[str, Properties]:
        return {
            name: {key: self.value(part) for key, part in resource.items()}
            for name, resource in self._document["Resources"].items()
            if "Condition" not in resource or self._holds(resource["Condition"])
        }

    def value(self, value: Any) -> Any:
        """Return the value without any function; a function stands alone in its mapping."""
        if isinstance(value, list):
            return [part for part in map(self.value, value) if part is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((key, argument),) = value.items()
            if key == "Ref" or key.startswith("Fn::"):
                return self._function(key, argument)
        made = {key: self.value(part) for key, part in value.items()}
        return {key: part for key, part in made.items() if part is not None}

    def _function(self, name: str, argument: Any) -> Any:
        match name, argument:
            case "Ref", str():
                return self._ref(argument)
            case "Fn::GetAtt", [resource, attribute]:
                return self._attribute(resource, attribute)
            case "Fn::Sub", text:
                return self._sub(text)
            case "Fn::If", [condition, yes, no]:
                return self.value(yes if self._holds(condition) else no)
            case "Fn::Join", [separator, parts]:
                return separator.join(str(part) for part in self.value(parts))
            case "Fn::Split", [separator, text]:
                return self.value(text).split(separator)
        raise AssertionError(f"a function that the tests do not know: {name} {argument}")

    def _holds(self, condition: Any) -> bool:
        match condition:
            case str():
                return self._holds(self._document["Conditions"][condition])
            case {"Condition": name}:
                return self._holds(name)
            case {"Fn::Equals": [one, other]}:
                return bool(str(self.value(one)) == str(self.value(other)))
            case {"Fn::Not": [each]}:
                return not self._holds(each)
            case {"Fn::And": several}:
                return all(map(self._holds, several))
            case {"Fn::Or": several}:
                return any(map(self._holds, several))
        raise AssertionError(f"unknown condition: {condition}")

    def _ref(self, name: str) -> Any:
        if name in self._values:
            value = self._values[name]
            facts = self._document["Parameters"].get(name, {})
            if facts.get("Type") == "CommaDelimitedList":
                return str(value).split(",")
            return int(value) if facts.get("Type") == "Number" and value is not None else value
        kind = self._document["Resources"][name]["Type"]
        return self._attribute(name, "Arn") if kind in _REF_IS_ARN else self._physical(name)

    def _physical(self, name: str) -> str:
        """Return the name that the template gives, or one like those that CloudFormation makes."""
        properties = self._document["Resources"][name].get("Properties", {})
        for key in ("Name", "DashboardName", "RoleName", "FunctionName"):
            if key in properties and (key != "FunctionName" or "Code" in properties):
                return str(self.value(properties[key]))
        return f"{self._stack}-{name}-1A2B3C4D5E6F"

    def _attribute(self, name: str, attribute: str) -> str:
        kind = self._document["Resources"][name]["Type"]
        if kind == "AWS::Lambda::Alias" and attribute == "Arn":
            properties = self._document["Resources"][name]["Properties"]
            function = self.value(properties["FunctionName"])
            return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}:{properties['Name']}"
        if attribute in {"Arn", "Id", "TopicArn"} and kind in _ARNS:
            made = _ARNS[kind].format(region=REGION, account=ACCOUNT, id=self._physical(name))
            return f"arn:aws:{made}"
        return f"{self._physical(name)}.{attribute}"

    def _sub(self, argument: Any) -> str:
        text, given = argument if isinstance(argument, list) else (argument, {})

        def replaced(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in given:
                return str(self.value(given[name]))
            if "." in name:
                return self._attribute(*name.split(".", 1))
            return str(self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", replaced, text)


def statements(policy: Mapping[str, Any]) -> Iterator[Properties]:
    """Yield a policy document's statements, with lists of actions and resources."""
    given = policy["Statement"]
    for statement in given if isinstance(given, list) else [given]:
        yield {
            **statement,
            **{k: _listed(statement[k]) for k in ("Action", "Resource") if k in statement},
        }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
