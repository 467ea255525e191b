"""Prepares a new stack to take over what a deleted one has left: see `docs/runbook.md`.

.tools/sam/bin/python tools/operator/adopt.py STACK_ID
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from samcli.yamlhelper import yaml_parse  # type: ignore[import-not-found]  # SAM's own Python

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE, RESOURCES = (ROOT / ".aws-sam" / name for name in ("kept.json", "kept-resources.json"))
# By what CloudFormation finds a resource that it is to import.
IDENTIFIERS = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::KMS::Key": "KeyId",
    "AWS::SecretsManager::Secret": "Id",
}


def kept() -> dict[str, Any]:
    """Return a template of nothing but what is kept when a stack is deleted."""
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    resources = {
        name: resource
        for name, resource in template["Resources"].items()
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate"
    }
    conditions = _named(template["Conditions"], resources)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": _named(template["Parameters"], [resources, conditions]),
        "Conditions": conditions,
        "Resources": resources,
    }


def _named(declared: Mapping[str, Any], using: Any) -> dict[str, Any]:
    """Return what is declared and used; the deployment that follows gives parameters values."""
    text = json.dumps(using)
    return {name: facts for name, facts in declared.items() if f'"{name}"' in text}


def imported(template: Mapping[str, Any], physical: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what CloudFormation wants to know of each resource that it is to import."""
    return [
        {
            "ResourceType": resource["Type"],
            "LogicalResourceId": name,
            "ResourceIdentifier": {IDENTIFIERS[resource["Type"]]: physical[name]},
        }
        for name, resource in template["Resources"].items()
    ]


def main(stack_id: str) -> None:
    """Write both files; CloudFormation knows a deleted stack by its id, for 90 days."""
    pages = boto3.client("cloudformation").get_paginator("describe_stack_events")
    physical = {
        event["LogicalResourceId"]: event["PhysicalResourceId"]
        for page in pages.paginate(StackName=stack_id)
        for event in page["StackEvents"]
        if event["ResourceStatus"] == "DELETE_SKIPPED"
    }
    template = kept()
    TEMPLATE.write_text(json.dumps(template, indent=1), encoding="utf-8")
    RESOURCES.write_text(json.dumps(imported(template, physical), indent=1), encoding="utf-8")
    print(TEMPLATE.relative_to(ROOT), RESOURCES.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1])
