"""The permission test: every role lets its holder do what is done in its name, and nothing else.

What functions do themselves is in ``used_permissions.json``; what Lambda and the scheduler do in
their name follows from the template.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from tests.support import permissions
from tests.support.permissions import Permission, granted, listed
from tests.support.template import Properties, named

# What CodeDeploy does to move an alias (its own policy AWSCodeDeployRoleForLambdaLimited, without
# what it needs for other ways of deploying).
_ACCOUNT = "${AWS::Region}:${AWS::AccountId}"
_FUNCTION = f"arn:${{AWS::Partition}}:lambda:{_ACCOUNT}:function:${{AWS::StackName}}_it"
_MOVES_ALIASES = {
    Permission("lambda:GetAlias", _FUNCTION),
    Permission("lambda:UpdateAlias", _FUNCTION),
    Permission("lambda:GetProvisionedConcurrencyConfig", _FUNCTION),
    Permission("lambda:InvokeFunction", "CheckVersionFunction"),
    Permission(
        "cloudwatch:DescribeAlarms", f"arn:${{AWS::Partition}}:cloudwatch:{_ACCOUNT}:alarm:*"
    ),
}


class Statement(NamedTuple):
    """One statement of a role, by where it stands."""

    role: str
    policy: int
    number: int


def needs(document: Properties) -> dict[str, set[Permission]]:
    """Return by role everything that is done in its name, in a translated template."""
    found: dict[str, set[Permission]] = {}
    for name, properties in _of(document, "AWS::Lambda::Function"):
        folder = re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Function")).lower()
        needed = found.setdefault(properties["Role"]["Fn::GetAtt"][0], set())
        needed |= set(permissions.recorded().get(folder, {}))
        group = properties["LoggingConfig"]["LogGroup"]["Ref"]
        needed |= {
            Permission(f"logs:{action}", group) for action in ("CreateLogStream", "PutLogEvents")
        }
        polled = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
        for queue in _queues(document, name):
            needed |= {Permission(f"sqs:{action}", queue) for action in polled}
    for _, properties in _of(document, "AWS::Scheduler::Schedule"):
        target = properties["Target"]
        needed = found.setdefault(target["RoleArn"]["Fn::GetAtt"][0], set())
        needed |= granted([{"Action": "lambda:InvokeFunction", "Resource": target["Arn"]}])
    for _, properties in _of(document, "AWS::CodeDeploy::DeploymentGroup"):
        for role in named(properties["ServiceRoleArn"]) & set(document["Resources"]):
            found.setdefault(role, set()).update(_MOVES_ALIASES)
    return found


def findings(document: Properties) -> list[str]:
    """Return what roles of a translated template lack, and what they allow for nothing."""
    found = []
    needed = needs(document)
    for role, properties in _of(document, "AWS::IAM::Role"):
        policies = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        allowed = granted(each for policy in policies for each in listed(policy["Statement"]))
        used = needed.get(role, set())
        lacking = {each for each in used if not any(_covers(one, each) for one in allowed)}
        idle = {one for one in allowed if not any(_covers(one, each) for each in used)}
        found += [f"{role} may not {each.action} on {each.resource}" for each in sorted(lacking)]
        found += [
            f"{role} may {each.action} on {each.resource} for nothing" for each in sorted(idle)
        ]
    return found


def statements(document: Properties) -> Iterator[tuple[Statement, Properties]]:
    """Yield every statement of every role."""
    for role, properties in _of(document, "AWS::IAM::Role"):
        for i, policy in enumerate(properties.get("Policies", [])):
            for number, each in enumerate(listed(policy["PolicyDocument"]["Statement"])):
                yield Statement(role, i, number), each


def without(document: Properties, statement: Statement) -> Properties:
    """Return the template without one statement."""
    made = copy.deepcopy(document)
    properties = made["Resources"][statement.role]["Properties"]
    policy = properties["Policies"][statement.policy]["PolicyDocument"]
    policy["Statement"] = listed(policy["Statement"])
    del policy["Statement"][statement.number]
    return made


def _covers(allowed: Permission, needed: Permission) -> bool:
    is_action = allowed.action == needed.action
    return is_action and fnmatchcase(needed.resource, allowed.resource)


def _of(document: Properties, kind: str) -> Iterator[tuple[str, Properties]]:
    for name, resource in document["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def _queues(document: Properties, function: str) -> Iterator[str]:
    """Yield the queues that feed a function, be it by its name or by its alias."""
    aliases = {
        name
        for name, properties in _of(document, "AWS::Lambda::Alias")
        if properties["FunctionName"] == {"Ref": function}
    }
    for _, properties in _of(document, "AWS::Lambda::EventSourceMapping"):
        called: Any = properties["FunctionName"]
        if called.get("Ref") in {function, *aliases}:
            yield properties["EventSourceArn"]["Fn::GetAtt"][0]
