"""Everything that the template stores has an end: a time, or a test that shows what ends it."""

import re
from typing import Any

import pytest

from tests.support import template
from tests.support.template import ROOT

# Kinds of resources that keep what they are given, with what says when that ends.
TIMES = {
    "AWS::SQS::Queue": "MessageRetentionPeriod",
    "AWS::Logs::LogGroup": "RetentionInDays",
    "AWS::Events::Archive": "RetentionDays",
}
KEEPS_NOTHING = {
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Events::EventBus",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::IAM::Role",
    "AWS::Lambda::Permission",
    "AWS::KMS::Key",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SecretsManager::RotationSchedule",
    "AWS::SNS::Topic",
    "AWS::Serverless::Function",
    "AWS::Serverless::HttpApi",
    "AWS::Serverless::LayerVersion",
}
# What no clock ends, with the tests that show what does.
ENDED_BY = {
    "SchoolsTable": [
        "integration/test_erase_data.py::test_nothing_of_an_erased_school_is_left_but_its_tombstone",
        "integration/test_strangers.py::test_a_school_that_only_a_callback_speaks_of_expires",
    ],
    "DatasetsTable": [
        "integration/test_erase_data.py::test_nothing_of_an_erased_school_is_left_but_its_tombstone",
        "integration/test_retention.py",
    ],
    "OperationsTable": [
        "integration/test_operation_table.py",
        "integration/test_erase_data.py::test_nothing_of_an_erased_school_is_left_but_its_tombstone",
    ],
    "AuditTable": ["integration/test_audit_trail.py::test_an_entry_ends_when_its_days_are_over"],
    "DataBucket": [
        "integration/test_retention.py",
        "integration/test_erase_data.py::test_nothing_of_an_erased_school_is_left_but_its_tombstone",
    ],
    # Keys of our own: none tells of a person; an old one ends when nobody bears it.
    "CallbackKeySecret": [
        "integration/test_rotate_secrets.py::test_the_old_key_ends_when_nothing_can_bear_it",
    ],
    "AuthenticationTokenSecret": [
        "integration/test_rotate_secrets.py::test_nobody_but_a_person_drops_the_old_token",
    ],
}
RESOURCES = template.load()["Resources"]
STORES = [name for name, each in RESOURCES.items() if each["Type"] not in KEEPS_NOTHING]


@pytest.mark.parametrize("name", STORES)
def test_every_store_has_an_end(name: str) -> None:
    kind, properties = RESOURCES[name]["Type"], RESOURCES[name].get("Properties", {})
    if kind in TIMES:
        assert properties[TIMES[kind]]
    elif name in ENDED_BY:
        for test in ENDED_BY[name]:
            assert exists(test), test
    else:
        assert [rule for rule in rules(properties) if "ExpirationInDays" in rule], name


def test_earlier_versions_and_broken_uploads_end_too() -> None:
    for name, bucket in template.resources("AWS::S3::Bucket").items():
        said = {key for rule in rules(bucket) for key in rule}
        is_versioned = bucket.get("VersioningConfiguration", {}).get("Status") == "Enabled"
        assert not is_versioned or "NoncurrentVersionExpiration" in said, name
        assert "AbortIncompleteMultipartUpload" in said, name


def rules(properties: dict[str, Any]) -> list[dict[str, Any]]:
    found = properties.get("LifecycleConfiguration", {}).get("Rules", [])
    return [rule for rule in found if rule["Status"] == "Enabled"]


def exists(test: str) -> bool:
    """Tell whether there is such a test: a file, or one function of a file."""
    path, _, name = test.partition("::")
    file = ROOT / "tests" / path
    if not name or not file.is_file():
        return file.is_file()
    return bool(re.search(rf"^def {name}\(", file.read_text(encoding="utf-8"), re.MULTILINE))
