"""Prepares a new stack to take over what a deleted one has left: see `docs/runbook.md`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from .aws_errors import explained
from .errors import WrongUseError
from .target import Target
from .template_yaml import read_template

# By what CloudFormation finds a resource that it is to import.
IDENTIFIERS = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::KMS::Key": "KeyId",
    "AWS::SecretsManager::Secret": "Id",
}


def kept(template: Path) -> dict[str, Any]:
    """Return a template of nothing but what is kept when a stack is deleted.

    Raises:
        WrongUseError: The file is no template of ours.
    """
    try:
        document = read_template(template)
        resources = {
            name: resource
            for name, resource in document["Resources"].items()
            if resource.get("DeletionPolicy") == "RetainExceptOnCreate"
        }
        conditions = _named(document["Conditions"], resources)
        parameters = _named(document["Parameters"], [resources, conditions])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise WrongUseError(
            f"{template} is no template of CloudFormation", "give the release's template.yaml"
        ) from error
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": parameters,
        "Conditions": conditions,
        "Resources": resources,
    }


def _named(declared: Mapping[str, Any], using: Any) -> dict[str, Any]:
    """Return what is declared and used; the deployment that follows gives parameters values."""
    text = json.dumps(using)
    return {name: facts for name, facts in declared.items() if f'"{name}"' in text}


def imported(template: Mapping[str, Any], physical: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what CloudFormation wants to know of each resource that it is to import.

    Raises:
        WrongUseError: The deleted stack did not leave all of them.
    """
    missing = [name for name in template["Resources"] if name not in physical]
    if missing:
        raise WrongUseError(
            f"the stack has not left {', '.join(missing)}", "give the id of the deleted stack"
        )
    return [
        {
            "ResourceType": resource["Type"],
            "LogicalResourceId": name,
            "ResourceIdentifier": {IDENTIFIERS[resource["Type"]]: physical[name]},
        }
        for name, resource in template["Resources"].items()
    ]


def left_by(target: Target, stack_id: str) -> dict[str, str]:
    """Return what a deleted stack left; CloudFormation knows the stack by its id, for 90 days."""
    pages = target.client("cloudformation").get_paginator("describe_stack_events")
    with explained():
        return dict(_skipped(pages.paginate(StackName=stack_id)))


def _skipped(pages: Any) -> Iterator[tuple[str, str]]:
    for page in pages:
        for event in page["StackEvents"]:
            if event["ResourceStatus"] == "DELETE_SKIPPED":
                yield event["LogicalResourceId"], event["PhysicalResourceId"]
