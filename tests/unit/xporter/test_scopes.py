import pytest

from xporter_bridge.xporter.scopes import among, covers, named_in


@pytest.mark.parametrize(
    ("granted", "expression", "covered"),
    [
        ([], "*", True),
        (["Student"], "Student", True),
        (["student"], "STUDENT", True),
        ([" Student "], "Student", True),
        (["StudentLite"], "Student,StudentLite", True),
        (["Staff"], "Student,StudentLite", False),
        (["Contact"], "Contact&Student,Contact&StudentLite", False),
        (["Contact", "StudentLite"], "Contact&Student,Contact&StudentLite", True),
        (["Student", "StudentLite"], "Contact&Student,Contact&StudentLite", False),
        ([], "Student", False),
        (["*"], "Student", False),
        (["Student"], "StudentExtended", False),
    ],
)
def test_a_comma_means_any_of_and_an_ampersand_all_of(
    granted: list[str], expression: str, covered: bool
) -> None:
    assert covers(granted, expression) is covered


def test_an_expression_names_scopes_however_they_are_joined() -> None:
    assert list(named_in("Contact&Student, Contact & StudentLite")) == [
        "Contact",
        "Student",
        "Contact",
        "StudentLite",
    ]
    assert list(named_in("*")) == []
    assert list(named_in(" Student, ")) == ["Student"]
    assert list(named_in("")) == []


def test_what_is_granted_of_some_scopes_is_told_whatever_its_case() -> None:
    assert among({"UPN", "Address", "SEN"}, ["upn", " Address ", "Staff"]) == ("Address", "UPN")
