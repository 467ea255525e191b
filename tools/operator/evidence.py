"""Reads from a stack, as it runs now, what an auditor asks for."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from .api import Api
from .aws_errors import code_of, explained
from .errors import RefusedError
from .target import Target

_DAY_SECONDS = 86_400
_SAMPLE = 20  # schools whose manifests are read
# Secrets Manager ends the ARN of a secret with six characters of its own.
_SECRET_END = re.compile(r"-[0-9A-Za-z]{6}$")
# What no clock ends, in the words of docs/data-protection.md.
_UNTIL = {
    "SchoolsTable": "until the school is erased",
    "DatasetsTable": "until the school or the dataset is erased",
    "DataBucket": "the newest until the school or the dataset is erased",
}


def scopes_of(inventory: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the stored fields by Xporter's scope expression, as `dataset.Table.Field`."""
    found: dict[str, list[str]] = {}
    for dataset in inventory["datasets"]:
        for table in dataset["tables"]:
            place = f"{dataset['dataset']}.{table['table']}"
            named = found.setdefault(dataset["scope"], [])
            named += [f"{place}.{field}" for field in table["stored"]]
    return found


def minimised_of(inventory: Mapping[str, Any]) -> list[str]:
    """Return the fields that are dropped before anything is stored."""
    return [
        f"{dataset['dataset']}.{table['table']}.{field}"
        for dataset in inventory["datasets"]
        for table in dataset["tables"]
        for field in table["left_out"]
    ]


def beyond_catalogue(api: Api, inventory: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return columns that are stored and in no catalogue, as manifests of some schools name them.

    Only a sample of schools is read: Xporter sends the same columns for all of one MIS.
    """
    known = {
        (dataset["dataset"], table["table"]): set(table["stored"])
        for dataset in inventory["datasets"]
        for table in dataset["tables"]
    }
    found: dict[str, set[str]] = {}
    schools = (school for page in api.schools(fields="datasets") for school in page)
    for school in islice((each for each in schools if each["datasets"]), _SAMPLE):
        for dataset in school["datasets"]:
            if dataset["sequence"] and dataset["state"] != "erased":
                for table, columns in _columns(api, school["estab"], dataset["dataset"]):
                    more = set(columns) - known.get((dataset["dataset"], table), set())
                    found.setdefault(f"{dataset['dataset']}.{table}", set()).update(more)
    return {table: sorted(columns) for table, columns in sorted(found.items()) if columns}


def _columns(api: Api, estab: str, dataset: str) -> list[tuple[str, list[str]]]:
    try:
        manifest = api.get(f"/v1/schools/{estab}/datasets/{dataset}")
    except RefusedError as error:
        if error.http_status != 404:
            raise
        return []
    return [(name, entry.get("columns", [])) for name, entry in manifest["tables"].items()]


def stores(target: Target) -> Iterator[dict[str, Any]]:
    """Yield every store of the stack with how long it keeps what it holds.

    ``days`` is a limit that AWS itself carries out; None where something else ends it.
    """
    for name, resource in sorted(target.resources.items()):
        read = _READERS.get(resource.type)
        if read:
            days, kept = read(target, name, resource.physical_id)
            yield {"store": name, "type": resource.type, "days": days, "kept": kept}


def rights(target: Target) -> Iterator[dict[str, Any]]:
    """Yield what each role of the stack may do, and on which resource of the stack."""
    iam = target.client("iam")
    named = {each.physical_id: name for name, each in target.resources.items()}
    for name, role in sorted(target.of_type("AWS::IAM::Role").items()):
        with explained():
            policies = iam.list_role_policies(RoleName=role)["PolicyNames"]
            documents = [
                iam.get_role_policy(RoleName=role, PolicyName=each)["PolicyDocument"]
                for each in policies
            ]
        for document in documents:
            for statement in _listed(_document(document)["Statement"]):
                yield {
                    "role": name,
                    "actions": sorted(_listed(statement["Action"])),
                    "resources": sorted(
                        {_name_of(each, named) for each in _listed(statement["Resource"])}
                    ),
                }


def key_policies(target: Target) -> dict[str, Any]:
    """Return the policy of each key: who may decrypt."""
    kms, found = target.client("kms"), {}
    for name, key in sorted(target.of_type("AWS::KMS::Key").items()):
        with explained():
            text = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        found[name] = json.loads(text)
    return found


def erasures(api: Api) -> list[dict[str, Any]]:
    """Return what the audit trail says of erasures that came to their end."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 100}
    while True:
        page = api.get("/v1/audit", **query)
        found += [each for each in page["entries"] if each["outcome"] == "erased"]
        if not page["cursor"]:
            return sorted(found, key=lambda each: str(each["at"]))
        query["cursor"] = page["cursor"]


def fleet(api: Api) -> dict[str, Any]:
    """Return how many schools are in which state, and how many grant which scope."""
    states: dict[str, int] = {}
    scopes: dict[str, int] = {}
    for page in api.schools(fields="state,scopes"):
        for school in page:
            states[school["state"]] = states.get(school["state"], 0) + 1
            for scope in school["scopes"]:
                scopes[scope] = scopes.get(scope, 0) + 1
    return {"states": dict(sorted(states.items())), "scopes": dict(sorted(scopes.items()))}


def _of_table(target: Target, name: str, table: str) -> tuple[int | None, str]:
    with explained():
        answer = target.client("dynamodb").describe_time_to_live(TableName=table)
    ttl = answer["TimeToLiveDescription"]
    ends = f"ended items by {ttl['AttributeName']}" if _is_on(ttl) else "no time to live"
    days = int(target.parameters["AuditDays"]) if name == "AuditTable" else None
    return days, "; ".join(filter(None, (_UNTIL.get(name, ""), ends)))


def _is_on(ttl: Mapping[str, Any]) -> bool:
    return ttl.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}


def _of_bucket(target: Target, name: str, bucket: str) -> tuple[int | None, str]:
    with explained():
        try:
            answer = target.client("s3").get_bucket_lifecycle_configuration(Bucket=bucket)
        except ClientError as error:
            if code_of(error) != "NoSuchLifecycleConfiguration":
                raise
            answer = {"Rules": []}
    rules = [rule for rule in answer["Rules"] if rule["Status"] == "Enabled"]
    days = [rule["Expiration"]["Days"] for rule in rules if rule.get("Expiration", {}).get("Days")]
    older = [
        rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for rule in rules
        if "NoncurrentVersionExpiration" in rule
    ]
    said = [_UNTIL.get(name, "")]
    if name == "DataBucket":
        said.append(f"superseded after {target.parameters['KeepDays']} days")
    if older:
        said.append(f"earlier versions {max(older)} days")
    return max(days, default=None), "; ".join(filter(None, said))


def _of_queue(target: Target, _: str, url: str) -> tuple[int | None, str]:
    with explained():
        answer = target.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=["MessageRetentionPeriod"]
        )
    return int(answer["Attributes"]["MessageRetentionPeriod"]) // _DAY_SECONDS, "until it is read"


def _of_logs(target: Target, _: str, group: str) -> tuple[int | None, str]:
    with explained():
        found = target.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    days = [each.get("retentionInDays") for each in found if each["logGroupName"] == group]
    return (days[0] if days else None), ""


def _of_archive(target: Target, _: str, archive: str) -> tuple[int | None, str]:
    with explained():
        answer = target.client("events").describe_archive(ArchiveName=archive)
    return answer.get("RetentionDays"), ""


def _of_secret(target: Target, _: str, secret: str) -> tuple[int | None, str]:
    with explained():
        target.client("secretsmanager").describe_secret(SecretId=secret)
    return None, "an old value until nobody holds it"


_READERS = {
    "AWS::DynamoDB::Table": _of_table,
    "AWS::S3::Bucket": _of_bucket,
    "AWS::SQS::Queue": _of_queue,
    "AWS::Logs::LogGroup": _of_logs,
    "AWS::Events::Archive": _of_archive,
    "AWS::SecretsManager::Secret": _of_secret,
}


def _document(policy: Any) -> Any:
    return json.loads(unquote(policy)) if isinstance(policy, str) else policy


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name_of(resource: str, named: Mapping[str, str]) -> str:
    """Return the logical id behind an ARN and what follows it; the ARN itself if none is."""
    rest = resource.partition(":::")[2] if ":::" in resource else resource.split(":", 5)[-1]
    for prefix in ("table/", "key/", "role/", "event-bus/", "secret:", "log-group:", "function:"):
        rest = rest.removeprefix(prefix)
    for physical, name in named.items():
        own = physical.rsplit("/", 1)[-1] if "://" in physical else physical
        own = own.split(":")[-1] if own.startswith("arn:") else own
        if ":secret:" in resource and _SECRET_END.sub("", rest) == own:
            return name
        if own and (rest == own or rest.startswith((f"{own}/", f"{own}:"))):
            return f"{name}{rest[len(own) :].removesuffix(':*')}"
    return resource
