"""What `xporter-bridge adopt` hands to CloudFormation."""

import json

import pytest

from tests.support import template
from tests.support.template import ROOT
from tools.operator.adopt import imported
from tools.operator.adopt import kept as kept_of
from tools.operator.errors import WrongUseError


def test_everything_that_is_kept_is_imported_as_the_template_has_it() -> None:
    document = kept_of(ROOT / "template.yaml")
    resources = imported(document, {name: f"physical-{name}" for name in document["Resources"]})
    kept = {
        name: resource
        for name, resource in template.load()["Resources"].items()
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate"
    }
    assert document["Resources"] == json.loads(json.dumps(kept))
    assert set(document["Parameters"]) == {
        "DataReaderArns",
        "ReadLogBucket",
        "Stage",
        "WritebackSenderArns",
    }
    assert set(document["Conditions"]) == {
        "HasDataReaders",
        "HasReadLogBucket",
        "HasWritebackSenders",
        "IsCloud",
    }
    assert {each["LogicalResourceId"] for each in resources} == set(kept)
    for each in resources:
        assert each["ResourceType"] == kept[each["LogicalResourceId"]]["Type"]
        assert list(each["ResourceIdentifier"].values()) == [
            f"physical-{each['LogicalResourceId']}"
        ]


def test_a_stack_that_left_less_is_not_imported_by_half() -> None:
    document = kept_of(ROOT / "template.yaml")
    with pytest.raises(WrongUseError, match="has not left DataKey"):
        imported(document, {})


def test_a_file_that_is_no_template_is_said_to_be_none() -> None:
    with pytest.raises(WrongUseError, match="is no template"):
        kept_of(ROOT / "README.md")
