"""What CloudFormation takes for a template, and DynamoDB and Athena for a table."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.support.template import ROOT
from tests.support.template_rules.rule import rule
from tests.support.translated_template import Stack

_LIMITS = "AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"


@rule(_LIMITS)
def a_template_is_within_cloudformations_sizes(stack: Stack) -> Iterator[str]:
    document = stack.document
    for section, most in (("Resources", 500), ("Parameters", 200), ("Outputs", 200)):
        if len(document[section]) > most:
            yield f"{section}: {len(document[section])}"
    for size in (len(json.dumps(document)), (ROOT / "template.yaml").stat().st_size):
        if size > 1_000_000:
            yield f"the template has {size} bytes"
    if len(document["Description"]) > 1024:
        yield "the description is too long"


@rule(_LIMITS)
def a_name_in_the_template_is_letters_and_digits(stack: Stack) -> Iterator[str]:
    for section in ("Resources", "Parameters", "Outputs", "Conditions"):
        for name in stack.document[section]:
            if not re.fullmatch(r"[A-Za-z0-9]{1,255}", name):
                yield f"{section}: {name}"


@rule("AWSCloudFormation/latest/TemplateReference/parameters-section-structure.html")
def a_parameter_takes_its_own_default(stack: Stack) -> Iterator[str]:
    for name, facts in stack.document["Parameters"].items():
        default = facts.get("Default")
        pattern, allowed = facts.get("AllowedPattern"), facts.get("AllowedValues")
        least, most = facts.get("MinValue"), facts.get("MaxValue")
        refused = (
            (pattern is not None and not re.fullmatch(pattern, str(default)))
            or (allowed is not None and default not in allowed)
            or (least is not None and default < least)
            or (most is not None and default > most)
        )
        if refused:
            yield f"{name} refuses {default}"


@rule("amazondynamodb/latest/APIReference/API_CreateTable.html")
def a_table_declares_the_attributes_of_its_keys_and_no_others(stack: Stack) -> Iterator[str]:
    for name, table in stack.of("AWS::DynamoDB::Table").items():
        indexes = table.get("GlobalSecondaryIndexes", [])
        keys = [table["KeySchema"], *(index["KeySchema"] for index in indexes)]
        used = {part["AttributeName"] for schema in keys for part in schema}
        declared = {each["AttributeName"] for each in table["AttributeDefinitions"]}
        if used != declared or len(indexes) > 20:
            yield f"{name} declares {declared} and uses {used}"


@rule("athena/latest/ug/tables-databases-columns-names.html")
def what_athena_reads_has_a_name_in_small_letters(stack: Stack) -> Iterator[str]:
    names: dict[str, Any] = {
        name: [properties["DatabaseInput"]["Name"]]
        for name, properties in stack.of("AWS::Glue::Database").items()
    }
    for name, properties in stack.of("AWS::Glue::Table").items():
        table = properties["TableInput"]
        columns = [*table["PartitionKeys"], *table["StorageDescriptor"]["Columns"]]
        names[name] = [table["Name"], *(column["Name"] for column in columns)]
    for name, given in names.items():
        wrong = [each for each in given if not re.fullmatch(r"[a-z0-9_]{1,255}", each)]
        if wrong:
            yield f"{name} is called {wrong}"
