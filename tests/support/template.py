"""template.yaml as plain data, for the tests that check it and for those that run on it."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]

Properties = dict[str, Any]

# Names a role and a number: everything then runs on the template without that statement
# (mutate_permissions.py).
WITHOUT_STATEMENT = "WITHOUT_STATEMENT"


class _Loader(yaml.CSafeLoader):
    """Reads CloudFormation's short forms as their long ones."""


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> Properties:
    if isinstance(node, yaml.SequenceNode):
        value: Any = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        value = loader.construct_scalar(node)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def load() -> Properties:
    """Return the whole template; shared, so nobody changes it."""
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    document = dict(yaml.load(text, Loader=_Loader))
    if taken_away := os.environ.get(WITHOUT_STATEMENT):
        role, number = taken_away.split("/")
        (policy,) = document["Resources"][role]["Properties"]["Policies"]
        del policy["PolicyDocument"]["Statement"][int(number)]
    return document


def resources(type_: str) -> dict[str, Properties]:
    """Return the properties of every resource of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in load()["Resources"].items()
        if resource["Type"] == type_
    }


def functions() -> dict[str, Properties]:
    """Return the properties of every function, by the name of its folder."""
    return {
        properties["CodeUri"].removeprefix("functions/"): properties
        for properties in resources("AWS::Serverless::Function").values()
    }


def logical_id(function: str) -> str:
    """Return the name in the template of the function in a folder."""
    return "".join(word.capitalize() for word in function.split("_")) + "Function"


def role(function: str) -> Properties:
    """Return the properties of the role that a function runs as."""
    name, _ = functions()[function]["Role"]["Fn::GetAtt"]
    return resources("AWS::IAM::Role")[str(name)]


def statements(function: str) -> list[Properties]:
    """Return what the function's role lets it do."""
    return [
        statement
        for policy in role(function)["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def environment(function: str) -> Properties:
    """Return the function's variables, unresolved, those of all functions included."""
    own = functions()[function].get("Environment", {}).get("Variables", {})
    return {**load()["Globals"]["Function"]["Environment"]["Variables"], **own}


def timeout_seconds(function: str) -> int:
    """Return how long the function may run."""
    everyone = load()["Globals"]["Function"]["Timeout"]
    return int(functions()[function].get("Timeout", everyone))


def consumers() -> dict[str, tuple[str, Properties]]:
    """Return the function that reads each queue, and how, by the queue's logical id."""
    return {
        event["Properties"]["Queue"]["Fn::GetAtt"][0]: (function, event["Properties"])
        for function, properties in functions().items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "SQS"
    }


def named(value: Any) -> set[str]:
    """Return every resource that a value of the template refers to."""
    match value:
        case {"Ref": name}:
            return {name.split(".")[0]}
        case {"Fn::GetAtt": [name, _]}:
            return {name}
        case {"Fn::Sub": text}:
            return {each.split(".")[0] for each in re.findall(r"\$\{([^}!]+)\}", text)}
        case dict():
            return set().union(*map(named, value.values()))
        case list():
            return set().union(*map(named, value))
    return set()
