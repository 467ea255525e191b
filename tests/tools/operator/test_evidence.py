"""The pages of `xporter-bridge evidence`, and the gaps that they leave to people."""

from typing import Any

import pytest

from tools.operator.evidence import _name_of, minimised_of, scopes_of
from tools.operator.evidence_pages import PAGES, people

TABLE = {
    "table": "Students",
    "key": "Id",
    "stored": ["Forename", "Id"],
    "left_out": ["Religion"],
    "allowed": [],
}
INVENTORY = [
    {
        "dataset": "students",
        "scope": "Student,StudentLite",
        "scopes": ["Student"],
        "tables": [TABLE],
    }
]
FOUND: dict[str, Any] = {
    "at": "2026-11-27T04:00:00.000Z",
    "stack": "xporter-bridge",
    "region": "eu-west-2",
    "parameters": {"RelyingParty": "live.example.app", "KeepDays": "21", "DataReaderArns": ""},
    "inventory": INVENTORY,
    "beyond_catalogue": {"students.Students": ["RowHash"]},
    "field_profile": "minimal",
    "minimised": ["students.Students.Religion"],
    "fleet": {"states": {"live": 2}, "scopes": {"Student": 2}},
    "stores": [{"store": "PullQueue", "type": "AWS::SQS::Queue", "days": 4, "kept": "until read"}],
    "rights": [{"role": "PlanPullsRole", "actions": ["sqs:SendMessage"], "resources": ["Queue|1"]}],
    "keys": {
        "DataKey": {
            "Statement": [
                {
                    "Sid": "Own",
                    "Effect": "Deny",
                    "Principal": {"AWS": "*"},
                    "Action": ["kms:Decrypt"],
                    "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:of:us"}},
                }
            ]
        }
    },
    "erasures": [
        {
            "at": "2026-11-26T10:00:00.000Z",
            "estab": "3281102",
            "action": "eraseSchool",
            "about": {"requested_at": "2026-11-26T09:59:00.000Z"},
        }
    ],
}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_of_which_stack_and_when(name: str) -> None:
    text = PAGES[name](FOUND)
    assert text.startswith("# ")
    assert "Stack xporter-bridge in eu-west-2, read at 2026-11-27T04:00:00.000Z." in text


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("retention", "| PullQueue | Queue | 4 | until read |"),
        ("inventory", "| students | Student,StudentLite | Students | Forename, Id | Religion |  |"),
        ("inventory", "| students.Students | RowHash |"),
        (
            "inventory",
            (
                "FieldProfile is minimal: special categories and other sensitive columns are left "
                "out unless datasets.toml keeps them."
            ),
        ),
        ("access", "| PlanPullsRole | sqs:SendMessage | Queue\\|1 |"),
        (
            "access",
            "| DataKey | Own | Deny | kms:Decrypt | * if aws:PrincipalArn ArnNotLike arn:of:us |",
        ),
        ("erasures", "| 2026-11-26T10:00:00.000Z | 3281102 | school | 2026-11-26T09:59:00.000Z |"),
        ("record-of-processing", "| Controllers | the schools: 2 live |"),
        ("dpia", "| students | Student,StudentLite | 2 | **to be filled in** |"),
    ],
)
def test_a_page_has_what_was_read(name: str, row: str) -> None:
    assert row in PAGES[name](FOUND).splitlines()


def test_what_no_stack_knows_is_a_gap_and_never_invented() -> None:
    for name in ("record-of-processing", "dpia"):
        assert "**to be filled in**" in PAGES[name](FOUND)
    assert PAGES["erasures"]({**FOUND, "erasures": []}).count("None.") == 1
    assert people(FOUND) == ["pupils"]


def test_fields_are_told_by_scope_and_those_left_out_apart() -> None:
    inventory = {"datasets": INVENTORY}
    assert scopes_of(inventory) == {
        "Student,StudentLite": ["students.Students.Forename", "students.Students.Id"]
    }
    assert minimised_of(inventory) == ["students.Students.Religion"]


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (
            "arn:aws:dynamodb:eu-west-2:1:table/stack-Schools-X/index/by_state",
            "Table/index/by_state",
        ),
        ("arn:aws:s3:::stack-data/manifests/*", "Bucket/manifests/*"),
        ("arn:aws:sqs:eu-west-2:1:stack-Queue-X", "Queue"),
        ("arn:aws:kms:eu-west-2:1:key/0000-1", "Key"),
        ("arn:aws:logs:eu-west-2:1:log-group:stack-Logs:*", "Logs"),
        ("arn:aws:secretsmanager:eu-west-2:1:secret:Key-X-a1b2c3", "Secret"),
        ("arn:aws:secretsmanager:eu-west-2:1:secret:Token-Y-d4e5f6", "Named secret"),
        ("arn:aws:lambda:eu-west-2:1:function:other", "arn:aws:lambda:eu-west-2:1:function:other"),
    ],
)
def test_a_resource_has_its_name_in_the_template(arn: str, name: str) -> None:
    named = {
        "stack-Schools-X": "Table",
        "stack-data": "Bucket",
        "https://sqs.eu-west-2.amazonaws.com/1/stack-Queue-X": "Queue",
        "0000-1": "Key",
        "stack-Logs": "Logs",
        "arn:aws:secretsmanager:eu-west-2:1:secret:Key-X-a1b2c3": "Secret",
        "Token-Y": "Named secret",
    }
    assert _name_of(arn, named) == name
