"""What IAM takes for a role, and which resources an action knows."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.support.template_rules.rule import rule
from tests.support.translated_template import Stack, statements

_QUOTAS = "IAM/latest/UserGuide/reference_iam-quotas.html"
_ACTIONS = (
    "service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"
)
# The form of the resources that the actions we use know, by the service's table of actions.
_FORMS = {
    "sqs:*": r"arn:aws:sqs:[\w-]+:\d{12}:[\w-]+",
    "s3:ListBucket*": r"arn:aws:s3:::[^/]+",
    "s3:*Object*": r"arn:aws:s3:::[^/]+/.+",
    "dynamodb:Query": r"arn:aws:dynamodb:[\w-]+:\d{12}:table/[^/]+(?:/index/[^/]+)?",
    "dynamodb:*": r"arn:aws:dynamodb:[\w-]+:\d{12}:table/[^/]+",
    "kms:*": r"arn:aws:kms:[\w-]+:\d{12}:key/.+",
    "secretsmanager:*": r"arn:aws:secretsmanager:[\w-]+:\d{12}:secret:.+",
    "events:PutEvents": r"arn:aws:events:[\w-]+:\d{12}:event-bus/.+",
    "logs:CreateLogStream": r"arn:aws:logs:[\w-]+:\d{12}:log-group:[^:]+(?::\*)?",
    "logs:PutLogEvents": r"arn:aws:logs:[\w-]+:\d{12}:log-group:[^:]+:.+",
    "lambda:InvokeFunction": r"arn:aws:lambda:[\w-]+:\d{12}:function:.+",
    "lambda:*": r"arn:aws:lambda:[\w-]+:\d{12}:function:[^:]+",
    "cloudwatch:DescribeAlarms": r"arn:aws:cloudwatch:[\w-]+:\d{12}:alarm:.+",
    "codedeploy:*": r"arn:aws:codedeploy:[\w-]+:\d{12}:deploymentgroup:.+",
}


def policies(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each role's policies."""
    for name, properties in stack.of("AWS::IAM::Role").items():
        for policy in properties.get("Policies", []):
            yield name, policy


@rule(_QUOTAS)
def the_policies_of_a_role_are_within_iams_sizes(stack: Stack) -> Iterator[str]:
    for name, properties in stack.of("AWS::IAM::Role").items():
        own = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        size = sum(len(re.sub(r"\s", "", json.dumps(document))) for document in own)
        trust = len(re.sub(r"\s", "", json.dumps(properties["AssumeRolePolicyDocument"])))
        if size > 10240:
            yield f"{name} has policies of {size} characters"
        if trust > 2048:
            yield f"{name} has a trust policy of {trust} characters"
        if len(properties.get("ManagedPolicyArns", [])) > 10:
            yield f"{name} has too many managed policies"


@rule(_QUOTAS)
def a_policy_has_a_name_that_iam_takes(stack: Stack) -> Iterator[str]:
    for name, policy in policies(stack):
        if not re.fullmatch(r"[\w+=,.@-]{1,128}", policy["PolicyName"]):
            yield f"{name} has a policy called {policy['PolicyName']}"


@rule("lambda/latest/dg/with-sqs-create-package.html")
def whoever_reads_a_queue_may_do_so_and_no_other_queue(stack: Stack) -> Iterator[str]:
    taking = {"sqs:ReceiveMessage", "sqs:DeleteMessage"}
    # The erasure of a person takes the dead letters away that name the person.
    searched = {"EraseDataFunction": {stack.arn("WritebackDeadLetterQueue")}}
    sources: dict[str, set[str]] = {}
    for source in stack.of("AWS::Lambda::EventSourceMapping").values():
        function = stack.function_named(source["FunctionName"])
        sources.setdefault(function, set()).add(source["EventSourceArn"])
    for name, properties in stack.of("AWS::Lambda::Function").items():
        own = sources.get(name, set())
        for action in taking:
            allowed = stack.allowed(properties["Role"], action)
            if allowed != own | searched.get(name, set()):
                yield f"{name} may {action} of {allowed or 'nothing'}, fed by {own or 'none'}"
        # Its attributes say how many messages wait, which others may want to know.
        if not own <= stack.allowed(properties["Role"], "sqs:GetQueueAttributes"):
            yield f"{name} may not sqs:GetQueueAttributes of {own}"


@rule("IAM/latest/UserGuide/best-practices.html")
def a_role_has_no_policy_that_others_write_and_none_for_everything(stack: Stack) -> Iterator[str]:
    for name, properties in stack.of("AWS::IAM::Role").items():
        yield from (f"{name} has {arn}" for arn in properties.get("ManagedPolicyArns", []))
    for name, policy in policies(stack):
        for statement in statements(policy["PolicyDocument"]):
            wild = [each for each in statement["Action"] if "*" in each]
            if wild or "*" in statement["Resource"]:
                yield f"{name} may {statement['Action']} with {statement['Resource']}"


@rule(_ACTIONS)
def an_action_is_allowed_on_resources_that_it_knows(stack: Stack) -> Iterator[str]:
    for name, policy in policies(stack):
        for statement in statements(policy["PolicyDocument"]):
            for action in statement["Action"]:
                forms = [form for kind, form in _FORMS.items() if fnmatchcase(action, kind)]
                if not forms:
                    yield f"{name} may {action}, whose resources nobody has looked up"
                for resource in statement["Resource"] if forms else ():
                    if not re.fullmatch(forms[0], resource):
                        yield f"{name} may {action} on {resource}, which it does not know"


@rule("service-authorization/latest/reference/list_amazons3.html")
def whoever_looks_for_an_object_may_see_that_it_is_not_there(stack: Stack) -> Iterator[str]:
    for name, function in stack.of("AWS::Lambda::Function").items():
        read = {arn.split("/")[0] for arn in stack.allowed(function["Role"], "s3:GetObject")}
        for bucket in read - stack.allowed(function["Role"], "s3:ListBucket"):
            yield f"{name} gets 403 in place of 404 from {bucket}"
