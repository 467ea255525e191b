"""What lets two stacks of one account and region stand side by side, and a failed one go."""

from collections.abc import Iterator

from tests.support.template_rules.rule import rule
from tests.support.translated_template import Stack, identities

_CLOUDFORMATION = "AWSCloudFormation/latest/TemplateReference/"
_HOLDS_DATA = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
}


@rule(_CLOUDFORMATION + "aws-properties-name.html")
def a_name_holds_the_name_of_the_stack(stack: Stack) -> Iterator[str]:
    for name, resource in stack.resources.items():
        properties = resource.get("Properties", {})
        given = [
            str(properties[key]) for key in identities()[resource["Type"]] if key in properties
        ]
        ours = [part for part in given if stack.name in part.replace("_", "-")]
        if given and not ours:
            yield f"{name} is {' of '.join(given)} in every stack of the account"


@rule(_CLOUDFORMATION + "aws-attribute-deletionpolicy.html")
def what_holds_data_is_kept_but_not_by_a_failed_create(stack: Stack) -> Iterator[str]:
    for name, resource in stack.resources.items():
        policy = resource.get("DeletionPolicy", "Delete")
        if resource["Type"] == "AWS::Lambda::Version":  # goes with its function
            continue
        if policy == "Retain" or (policy == "Delete" and resource["Type"] in _HOLDS_DATA):
            yield f"{name} has DeletionPolicy {policy}"


@rule(_CLOUDFORMATION + "aws-attribute-updatereplacepolicy.html")
def what_holds_data_outlives_its_replacement(stack: Stack) -> Iterator[str]:
    for name, resource in stack.resources.items():
        if resource["Type"] in _HOLDS_DATA and resource.get("UpdateReplacePolicy") != "Retain":
            yield f"{name} has UpdateReplacePolicy {resource.get('UpdateReplacePolicy')}"
