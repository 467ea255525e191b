"""Which columns are kept, and what is noticed of them."""

from dataclasses import replace
from typing import Any

import pytest

from xporter_bridge.datasets.config import configured, parse
from xporter_bridge.datasets.model import Dataset
from xporter_bridge.errors import ConfigurationError, ContractError
from xporter_bridge.ingestion.columns import ColumnPolicy, is_sensitive

STUDENTS = configured()["students"]
ROW = {"Id": "1", "Forename": "Graham", "QuickNote": "a note"}

# From xporter-api.md, appendix C: what scopes of their own guard, as others might write it.
GUARDED = """
    Abuse AbuseNote Allergies BankAccountNo CareLeaver ChildProtectionPlan CountryOfBirth Creed
    Counselling DietaryNeeds EAL EverInCare FirstLanguage FormerUPN FSM FSMEver6 FsmEligible
    HIVStatus HomeLanguageCode IBAN IllnessCategory InLeaCare IsYoungCarer LeaCareAuthority
    MentalIllness NationalIdentity Nationality NINumber Pronouns PupilPremium Race SEN SENProvision
    SENStatus SenNotes ServiceChild SortCode ULN UPN UniqueLearnerNumber formerUPN inleacare
    nationality ninumber pupilpremium sen_status sortcode upn
"""
HARMLESS = """
    Absence AccountManager Bracelet CareersAdvice Consent Council DayCare DeniNo Departmental
    Embankment Essential Essex Experimental Finish Grace House2 Instrumental Locker NumPresMarks
    Present Real RealName Resent Resort Screed Sender Senior SentDate Surface Suspension Syllabuses
    Terrace Trace Unit Unsent Upnext XID
"""


def kept(dataset: Dataset, known: dict[str, list[str]], *rows: dict[str, Any]) -> Any:
    policy = ColumnPolicy(dataset, known)
    return (
        policy.without_dropped_columns("Students", list(rows)),
        policy.report,
        policy.kept_columns(),
    )


def test_rows_pass_unchanged_when_nothing_is_to_be_dropped() -> None:
    rows, report, met = kept(STUDENTS, {}, ROW)
    assert rows == [ROW]
    assert (report.added, report.recased, report.withheld) == ({}, {}, {})
    assert met == {"Students": ("Id", "Forename", "QuickNote")}


def test_what_is_configured_to_be_left_out_is_dropped_whatever_its_casing() -> None:
    dataset = replace(STUDENTS, leave_out={"students": frozenset({"quicknote"})})
    rows, report, met = kept(dataset, {}, ROW, {"id": "2", "QUICKNOTE": "x"})
    assert rows == [{"Id": "1", "Forename": "Graham"}, {"id": "2"}]
    assert report.withheld == {}
    assert "QuickNote" not in met["Students"]


@pytest.mark.parametrize("name", ["MedicalNotes", "HealthPlan", "FaithGroup", "PassportNo"])
def test_a_sensitive_column_that_nobody_has_catalogued_is_withheld_and_reported(name: str) -> None:
    rows, report, met = kept(STUDENTS, {}, {**ROW, name: "x"})
    assert rows == [ROW]
    assert report.withheld == {"Students": {name}}
    assert name not in met["Students"]


@pytest.mark.parametrize(
    "name",
    GUARDED.split(),
)
def test_what_a_scope_guards_under_the_names_we_know_is_sensitive(name: str) -> None:
    assert is_sensitive(name)


@pytest.mark.parametrize(
    "name",
    HARMLESS.split(),
)
def test_words_that_only_hold_a_sensitive_one_are_not(name: str) -> None:
    assert not is_sensitive(name)


def test_an_allowed_or_catalogued_column_is_not_withheld() -> None:
    allowed = replace(STUDENTS, allow={"students": frozenset({"medicalnotes"})})
    row = {**ROW, "MedicalNotes": "x", "Religion": "y"}
    assert kept(allowed, {}, row)[0] == [row]


@pytest.mark.parametrize(("drift", "is_kept"), [("evolve", True), ("discard", False)])
def test_a_new_column_is_taken_or_left_as_the_dataset_says(drift: str, is_kept: bool) -> None:
    known = {"Students": list(ROW)}
    rows, report, _ = kept(replace(STUDENTS, drift=drift), known, {**ROW, "House2": "x"})
    assert ("House2" in rows[0]) is is_kept
    assert report.added == {"Students": {"House2"}}


@pytest.mark.parametrize("drift", ["freeze", "discard"])
def test_a_column_that_is_allowed_is_none_that_came_unasked(drift: str) -> None:
    allowed = replace(STUDENTS, drift=drift, allow={"students": frozenset({"house2"})})
    row = {**ROW, "House2": "x"}
    assert kept(allowed, {"Students": list(ROW)}, row)[0] == [row]


def test_a_frozen_dataset_stops_at_a_new_column_and_names_it() -> None:
    with pytest.raises(
        ContractError, match=r"^column_added_to_frozen_dataset: Students\.Forename$"
    ):
        kept(replace(STUDENTS, drift="freeze"), {"Students": ["Id"]}, ROW)


@pytest.mark.parametrize("drift", ["freeze", "discard", "evolve"])
def test_another_casing_is_no_new_column(drift: str) -> None:
    known = {"Students": ["Id", "FSMEligible"]}
    rows, report, _ = kept(replace(STUDENTS, drift=drift), known, {"Id": "1", "FsmEligible": 0})
    assert rows == [{"Id": "1", "FsmEligible": 0}]
    assert report.recased == {"Students": {"FsmEligible"}}


@pytest.mark.parametrize("drift", ["freeze", "discard"])
def test_no_column_is_new_in_a_table_that_had_no_row_yet(drift: str) -> None:
    rows, report, _ = kept(replace(STUDENTS, drift=drift), {"Students": []}, ROW)
    assert rows == [ROW]
    assert report.added == {}


def test_columns_of_an_earlier_part_of_the_pull_are_recalled() -> None:
    policy = ColumnPolicy(STUDENTS, {"Students": ["Id"]})
    policy.decide_columns("Students", ("Id", "House2"))
    assert policy.kept_columns() == {"Students": ("Id", "House2")}
    assert policy.report.added == {"Students": {"House2"}}


def test_the_identity_of_rows_cannot_be_left_out() -> None:
    text = '[datasets.students]\nendpoint = "students"\nleave_out = { Students = ["ID"] }\n'
    with pytest.raises(ConfigurationError, match="identity"):
        parse(text)


def test_a_table_is_withheld_if_nobody_knows_it_and_its_name_is_that_of_sensitive_data() -> None:
    policy = ColumnPolicy(STUDENTS, {})
    assert policy.is_withheld("StudentMedicalConditions")
    assert not policy.is_withheld("STUDENTS")
    assert not policy.is_withheld("StudentTrips")
    assert policy.report.withheld == {"StudentMedicalConditions": {"*"}}
    allowing = replace(STUDENTS, allow={"studentmedicalconditions": frozenset({"note"})})
    assert not ColumnPolicy(allowing, {}).is_withheld("StudentMedicalConditions")
