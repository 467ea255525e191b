"""What template.yaml lets a function do, what a call of AWS needs, and who makes such calls.

``used_permissions.json`` names for everything that a role allows one test that does it. While that
test runs it is checked that it does; so what is allowed and never done is found, and what is done
and no longer allowed. After a change of either:

    RECORD_PERMISSIONS=used.jsonl make test TESTS=tests/integration
    .venv/bin/python -m tests.support.permissions used.jsonl
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.support import template

_SAME_ACTION = {
    "SendMessageBatch": "SendMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "Invoke": "InvokeFunction",
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "DeleteObjects": "DeleteObject",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
}
# What check_version names by what it is called, as the template does; see there.
_ACCOUNT = "${AWS::Region}:${AWS::AccountId}"
_BY_NAME = {
    "lambda": f"arn:${{AWS::Partition}}:lambda:{_ACCOUNT}:function:${{AWS::StackName}}_",
    "codedeploy": f"arn:${{AWS::Partition}}:codedeploy:{_ACCOUNT}:deploymentgroup:"
    "${AWS::StackName}-ServerlessDeploymentApplication-1A2B3C4D5E6F/Group",
}


class Permission(NamedTuple):
    """An action and the resource it is on: a logical id with what follows its ARN."""

    action: str
    resource: str


USED = Path(__file__).with_name("used_permissions.json")


@cache
def recorded() -> dict[str, dict[Permission, str]]:
    """Return by function what tests have it do, each with one test that does."""
    return {
        function: {Permission(*text.split(" ")): test for text, test in used.items()}
        for function, used in json.loads(USED.read_text(encoding="utf-8")).items()
    }


@cache
def allowed(function: str) -> frozenset[Permission]:
    """Return what the function's role allows; resources may hold wildcards."""
    return frozenset(granted(template.statements(function)))


def granted(statements: Iterable[Mapping[str, Any]]) -> set[Permission]:
    """Return what the statements of a policy allow."""
    return {
        Permission(action, _pattern(resource))
        for statement in statements
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def listed(value: Any) -> list[Any]:
    """Return a list also of what stands alone, as IAM lets it."""
    return value if isinstance(value, list) else [value]


def grant_of(function: str, needed: Permission) -> Permission | None:
    """Return what lets the function do it, or None if nothing does."""
    for permission in allowed(function):
        is_action = permission.action == needed.action
        if is_action and fnmatchcase(needed.resource, permission.resource):
            return permission
    return None


def needed(
    service: str, operation: str, parameters: Mapping[str, Any], logical_ids: Mapping[str, str]
) -> Iterator[Permission]:
    """Yield what IAM asks for when the call is made.

    Args:
        logical_ids: The resource behind each name, URL, id or ARN that a call may give.
    """
    action = f"{service}:{_SAME_ACTION.get(operation, operation)}"
    if service == "s3":
        yield from _of_s3(operation, action, parameters, logical_ids)
    elif service == "dynamodb":
        index = parameters.get("IndexName")
        table = logical_ids[parameters["TableName"]]
        yield Permission(action, f"{table}/index/{index}" if index else table)
    elif service in _BY_NAME:
        name = str(parameters.get("FunctionName", "_")).partition("_")[2]
        qualifier = f":{parameters['Qualifier']}" if operation == "Invoke" else ""
        yield Permission(action, f"{_BY_NAME[service]}{name}{qualifier}")
    elif service == "events":
        for entry in parameters["Entries"]:
            yield Permission(action, logical_ids[entry["EventBusName"]])
    else:
        given = (parameters.get(name) for name in ("QueueUrl", "KeyId", "SecretId"))
        yield Permission(action, logical_ids[next(filter(None, given))])


def _of_s3(
    operation: str, action: str, parameters: Mapping[str, Any], logical_ids: Mapping[str, str]
) -> Iterator[Permission]:
    bucket, key = logical_ids[parameters["Bucket"]], parameters.get("Key")
    if operation == "DeleteObjects":
        for entry in parameters["Delete"]["Objects"]:
            yield Permission(action, f"{bucket}/{entry['Key']}")
            if entry.get("VersionId"):
                yield Permission(f"{action}Version", f"{bucket}/{entry['Key']}")
    else:
        yield Permission(action, f"{bucket}/{key}" if key else bucket)
    source = parameters.get("CopySource")
    if isinstance(source, Mapping):
        yield Permission("s3:GetObject", f"{logical_ids[source['Bucket']]}/{source['Key']}")
    elif source:
        source_bucket, _, source_key = source.partition("/")
        yield Permission("s3:GetObject", f"{logical_ids[source_bucket]}/{source_key}")


def _pattern(resource: Any) -> str:
    match resource:
        case {"Fn::GetAtt": [name, _]} | {"Ref": name}:
            return str(name)
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{(\w+)\.\w+\}", r"\1", text)
    raise AssertionError(f"a resource that the tests do not know: {resource}")


def _record(lines: Iterable[str]) -> None:
    """Write down a test for each permission that was used: few tests, each for many."""
    uses: dict[str, set[tuple[str, str]]] = {}
    for function, permission, test in map(json.loads, lines):
        if "test_check_version" in test and function != "check_version":
            continue  # A dry run that may not do something is told of, and the test goes on.
        uses.setdefault(test, set()).add((function, permission))
    left, chosen = set().union(*uses.values()), dict[tuple[str, str], str]()
    while left:
        test = max(sorted(uses), key=lambda each: len(uses[each] & left))
        chosen |= dict.fromkeys(uses[test] & left, test)
        left -= uses[test]
    seen: dict[str, dict[str, str]] = {}
    for (function, permission), test in sorted(chosen.items()):
        seen.setdefault(function, {})[permission] = test
    USED.write_text(json.dumps(seen, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _record(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
