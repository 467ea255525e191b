"""Which columns the profile of stored fields leaves out."""

from typing import Any

import pytest

from xporter_bridge.api.inventory_views import present_inventory
from xporter_bridge.datasets.config import configured, parse, shipped_text
from xporter_bridge.datasets.on_request import on_request, redefined
from xporter_bridge.datasets.profile import EVERYTHING, MINIMAL, minimal
from xporter_bridge.errors import ConfigurationError
from xporter_bridge.ingestion.columns import ColumnPolicy
from xporter_bridge.xporter.endpoints import find

SHIPPED = shipped_text()
PLACES = [
    (endpoint, table) for endpoint, tables in sorted(minimal().items()) for table in sorted(tables)
]


def policy(profile: str, company: str = "", name: str = "students") -> ColumnPolicy:
    return ColumnPolicy(parse(SHIPPED, company, profile)[name], {})


def kept(policy: ColumnPolicy, *names: str) -> set[str]:
    [row] = policy.without_dropped_columns("Students", [dict.fromkeys(names, "x")])
    return set(row)


@pytest.mark.parametrize(("endpoint", "table"), PLACES)
def test_every_column_of_the_list_is_xporters_and_is_dropped(endpoint: str, table: str) -> None:
    [facts] = [each for each in find(endpoint).tables.values() if each.name.casefold() == table]
    catalogued = {name.casefold() for name in facts.fields}
    listed = minimal()[endpoint][table]
    assert listed <= catalogued
    assert facts.key.casefold() not in listed
    own = f'[datasets.own]\nendpoint = "{endpoint}"'
    made = ColumnPolicy(parse("", own, MINIMAL)["own"], {})
    row: dict[str, Any] = dict.fromkeys(sorted(facts.fields), "x")
    [stored] = made.without_dropped_columns(facts.name, [row])
    assert {name.casefold() for name in facts.fields - set(stored)} == listed


def test_without_a_profile_everything_is_stored() -> None:
    assert configured() == configured(EVERYTHING) == parse(SHIPPED)
    assert all(not dataset.leave_out for dataset in configured().values())
    assert kept(policy(EVERYTHING), "Ethnicity", "Forename") == {"Ethnicity", "Forename"}


def test_a_profile_that_is_not_there_never_means_everything() -> None:
    with pytest.raises(ConfigurationError, match="minimal or all"):
        parse(SHIPPED, "", "minimum")


def test_a_dataset_keeps_what_it_asks_for_and_leaves_out_its_own() -> None:
    own = """
    [datasets.students]
    keep = {students = ["fsmeligible", "PupilPremium"]}
    leave_out = {Students = ["ModeOfTravel", "PupilPremium"]}
    """
    names = ("FSMEligible", "PupilPremium", "ModeOfTravel", "Ethnicity", "Forename")
    assert kept(policy(MINIMAL, own), *names) == {"FSMEligible", "Forename"}
    everything = {"FSMEligible", "Ethnicity", "Forename"}
    assert kept(policy(EVERYTHING, own), *names) == everything


@pytest.mark.parametrize("profile", [MINIMAL, EVERYTHING])
@pytest.mark.parametrize("wrong", ['Students = ["Ethnic"]', 'Pupils = ["Ethnicity"]'])
def test_a_misspelt_keep_is_refused_by_both_profiles(profile: str, wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="no profile leaves out"):
        parse(SHIPPED, f"[datasets.students]\nkeep = {{{wrong}}}", profile)


def test_another_profile_begins_another_chain_only_where_it_leaves_something_out() -> None:
    before, after = parse(SHIPPED), parse(SHIPPED, "", MINIMAL)
    changed = {name for name in before if before[name].fingerprint != after[name].fingerprint}
    assert changed == {"students", "contacts", "staff", "attendancesummary"}


def test_data_requested_of_an_endpoint_without_a_dataset_leaves_out_the_same() -> None:
    datasets = parse(SHIPPED, "", MINIMAL)
    among = datasets.values()
    made = on_request(find("studentmedical"), (), {"StudentId": "9919"}, among, MINIMAL)
    assert made.leave_out == minimal()["studentmedical"]
    again = redefined(made.name, made.definition(), among, MINIMAL)
    assert again.leave_out == made.leave_out
    assert redefined(made.name, made.definition(), datasets.values()).leave_out == {}


def test_the_inventory_says_which_profile_and_what_is_left_out() -> None:
    found = present_inventory(parse(SHIPPED, "", MINIMAL))
    assert (found.field_profile, present_inventory(configured()).field_profile) == (
        MINIMAL,
        EVERYTHING,
    )
    [students] = [each for each in found.datasets if each.dataset == "students"]
    [table] = [each for each in students.tables if each.table == "Students"]
    assert {"Ethnicity", "Religion", "Disabled"} <= set(table.left_out)
    assert "Ethnicity" not in table.stored
