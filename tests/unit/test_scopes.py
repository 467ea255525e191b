import pytest

from xporter_bridge.scopes import covers, parse


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


def test_a_list_of_scopes_keeps_its_order_and_drops_repeats_and_blanks() -> None:
    assert parse(" School, Student,,School ,") == ("School", "Student")
    assert parse("") == ()
