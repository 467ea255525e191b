"""`xporter-bridge doctor --config`: what is wrong with a company's own files, and at which line."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import template
from tests.support.template import ROOT
from tools.company.datasets import check_datasets
from tools.company.findings import Finding
from tools.company.folder import check
from tools.company.rules import broken_rules, refused
from tools.company.stages import check_stages
from tools.operator.checks import check_configuration
from tools.operator.company import check_company
from tools.operator.errors import Exit, WrongUseError
from tools.operator.example_values import example_values, is_example
from tools.operator.main import main
from tools.operator.template_yaml import read_template

TEMPLATE = read_template(ROOT / "template.yaml")
PROD = """\
version = 0.1

[prod.global.parameters]
parameter_overrides = "Stage=prod RelyingParty=live.school-shop.app AlarmEmail=ops@school-shop.app"

[prod.deploy.parameters]
stack_name = "xporter-bridge"
"""


def lines(found: list[Finding]) -> list[tuple[int, str]]:
    return [(each.line, each.says) for each in found]


def of_stages(text: str) -> list[tuple[int, str]]:
    return lines(list(check_stages(text, TEMPLATE)))


def of_datasets(text: str) -> list[tuple[int, str]]:
    return lines(list(check_datasets(text)))


# -- stages


def test_a_stage_with_values_of_its_own_is_well() -> None:
    assert of_stages(PROD) == []


def test_the_file_of_this_repository_is_well_but_for_the_example() -> None:
    text = (ROOT / "samconfig.toml").read_text(encoding="utf-8")
    ((line, says),) = of_stages(text)
    assert says == "RelyingParty is an example; set your application id at Xporter."
    assert text.splitlines()[line - 1] == 'parameter_overrides = "Stage=prod"'


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("KeepDays=0", "KeepDays is '0' and must be at least 1."),
        ("KeepDays=4000", "KeepDays is '4000' and must be at most 3650."),
        ("ConcurrentPulls=many", "ConcurrentPulls is 'many' and must be a number."),
        ("LogLevel=TRACE", "LogLevel is 'TRACE' and must be one of DEBUG, INFO, WARNING, ERROR."),
        ("AlarmEmail=nobody", "AlarmEmail is 'nobody' and must be one e-mail address."),
        (f"RelyingParty={'a' * 49}", "must have at most 48 characters."),
        ("Alarmmail=a@b.uk", "There is no parameter Alarmmail."),
        ("AvailabilityDeadlineSeconds=60", "AvailabilityDeadlineSeconds must be 660, 720"),
        ("CallbackBaseUrl=https://callbacks.yourcompany.app", "CallbackBaseUrl is an example"),
        (
            "DataReaderArns=arn:aws:iam::123456789012:role/Analysts",
            "DataReaderArns still has the value of an example.",
        ),
    ],
)
def test_a_wrong_parameter_is_found_at_its_line(given: str, says: str) -> None:
    own = [] if given.startswith("RelyingParty") else ["RelyingParty=live.a.app"]
    listed = "".join(f'  "{each}",\n' for each in ["Stage=prod", *own, given])
    text = f"[prod.global.parameters]\nparameter_overrides = [\n{listed}]\n"
    ((line, said),) = of_stages(text)
    assert text.splitlines()[line - 1] == f'  "{given}",'
    assert says in said


def test_parameters_that_one_command_alone_reads_are_found() -> None:
    ((line, says),) = of_stages(f'{PROD}parameter_overrides = "Stage=prod"\n')
    assert line == 8
    assert "only that command reads" in says


def test_a_section_that_gives_another_stage_is_found() -> None:
    assert of_stages(PROD.replace("Stage=prod", "Stage=test")) == [
        (4, "Stage is 'test' in the section of prod.")
    ]


def test_a_file_without_a_stage_and_a_file_that_is_no_toml_are_found() -> None:
    assert of_stages("version = 0.1\n") == [(1, "There is no stage: prod or test.")]
    ((line, says),) = of_stages("version = 0.1\n[prod\n")
    assert line == 2
    assert says.startswith("No TOML")


# -- datasets


def test_fields_that_are_left_out_are_well() -> None:
    text = '[datasets.students.leave_out]\nStudents = ["QuickNote", "Religion"]\n'
    assert of_datasets(text) == []


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[datasets.students]\nleaveout = {}\n", 2, "there is no key 'leaveout'"),
        ('[datasets.staff]\n\ndrift = "odd"\n', 3, "drift must be one of"),
        ('[datasets.new]\nendpoint = "nope"\n', 2, "there is no endpoint 'nope'"),
        ("[hold]\nmax_deleted = 3\n", 2, "There is no limit 'max_deleted'."),
        ('[hold]\nfloor_rows = "x"\n', 1, "invalid literal"),
        ("[dataset.students]\n", 1, "There is no key 'dataset'"),
        ("\n[datasets.students\n", 2, "No TOML"),
        ('[datasets.staff.leave_out]\nStaff = [\n "X",\n "Id"]\n', 1, "cannot be kept without Id"),
        ('[datasets.staff.leave_out]\nStaff = [\n "Nope"]\n', 3, "Nope is no field of Staff"),
        ('[datasets.staff.leave_out]\nStaffs = ["Nope"]\n', 2, "staff has no table 'Staffs'"),
        ('[datasets.staff.allow]\nStaff = ["Surname"]\n', 2, "stored without `allow`"),
    ],
)
def test_a_wrong_dataset_is_found_at_its_line(text: str, line: int, says: str) -> None:
    ((found, said),) = of_datasets(text)
    assert says in said
    assert found == line


def test_an_undocumented_field_is_a_doubt_and_not_wrong() -> None:
    (found,) = check_datasets('[datasets.staff.leave_out]\nStaff = ["Nope"]\n')
    assert not found.wrong


# -- a folder


def test_a_folder_is_checked_file_by_file_as_the_command_line_does(tmp_path: Path) -> None:
    (tmp_path / "samconfig.toml").write_text(PROD.replace("live.school-shop", "live.example"))
    (tmp_path / "datasets.toml").write_text("[datasets.students]\nleaveout = {}\n")
    (tmp_path / "notes.txt").write_text("not ours")
    found = list(check_company(tmp_path))
    assert [(each.name, each.ok) for each in found] == [
        ("datasets.toml:2", False),
        ("samconfig.toml:4", False),
    ]
    (tmp_path / "datasets.toml").unlink()
    (tmp_path / "samconfig.toml").write_text(PROD)
    assert list(check_company(tmp_path)) == []


def test_a_folder_without_either_file_is_wrong(tmp_path: Path) -> None:
    (found,) = check(tmp_path)
    assert found.wrong
    with pytest.raises(WrongUseError, match="cannot be read"):
        list(check_company(tmp_path / "missing"))


# -- examples


def shown_values() -> dict[str, set[str]]:
    """Return the values of parameters that name companies in README.md and docs."""
    shown: dict[str, set[str]] = {}
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        text = page.read_text(encoding="utf-8")
        for name, value in re.findall(r"\b([A-Z]\w+)=([^\s\"`,;]+)", text):
            if name in TEMPLATE["Parameters"] and re.search(r"[.@]|arn:", value):
                shown.setdefault(name, set()).add(value)
    return shown


def test_every_example_of_the_pages_is_refused_in_prod() -> None:
    shown = shown_values()
    assert {"RelyingParty", "AlarmEmail", "DataReaderArns", "CallbackBaseUrl"} <= set(shown)
    for name, values in shown.items():
        assert all(is_example(value) for value in values), (name, values)
        for value in values if name != "DataReaderArns" else ():
            given = {"Stage": "prod", "RelyingParty": "live.a.app", name: value}
            assert [told for told, _ in broken_rules(TEMPLATE, given)] == [name], value


def test_the_default_of_the_relying_party_is_refused_in_prod_and_nowhere_else() -> None:
    broken = {stage: list(broken_rules(TEMPLATE, {"Stage": stage})) for stage in ("prod", "test")}
    assert [name for name, _ in broken["prod"]] == ["RelyingParty"]
    assert broken["test"] == []
    local = {"Stage": "local", "AvailabilityDeadlineSeconds": "3"}
    assert list(broken_rules(TEMPLATE, local)) == []


def test_values_of_a_company_are_no_examples() -> None:
    own = {
        "RelyingParty": "live.myexample.app",
        "AlarmEmail": "a@example-school.org",
        "XporterUrl": "https://xporter.groupcall.com",
    }
    assert example_values(own) == []


# -- the evaluation itself


def test_the_template_is_read_as_the_tests_read_it() -> None:
    assert read_template(ROOT / "template.yaml")["Rules"] == template.load()["Rules"]


def test_every_default_of_the_template_is_allowed() -> None:
    for name, facts in TEMPLATE["Parameters"].items():
        assert refused(facts, str(facts["Default"])) is None, name


def test_a_rule_with_an_unknown_function_is_not_taken_as_kept() -> None:
    rule = {"Assertions": [{"Assert": {"Fn::Odd": []}, "AssertDescription": ""}]}
    with pytest.raises(ValueError, match="unknown function"):
        list(broken_rules({"Parameters": {}, "Rules": {"One": rule}}, {}))


# -- the command


def test_the_command_prints_the_lines_and_its_status_says_whether_all_is_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "samconfig.toml").write_text(PROD.replace("live.school-shop", "live.example"))
    assert main(["doctor", "--config", str(tmp_path), "--json"]) == Exit.FOUND
    (check_,) = json.loads(capsys.readouterr().out)["checks"]
    assert (check_["name"], check_["ok"]) == ("samconfig.toml:4", False)
    (tmp_path / "samconfig.toml").write_text(PROD)
    assert main(["doctor", "--config", str(tmp_path), "--json"]) == Exit.DONE
    (check_,) = json.loads(capsys.readouterr().out)["checks"]
    assert check_["ok"]
    assert main(["doctor", "--config", str(tmp_path / "missing")]) == Exit.WRONG_USE
    assert "missing cannot be read" in capsys.readouterr().err


def test_a_deployed_stack_with_an_example_is_not_well_unless_it_is_local() -> None:
    parameters = {"Stage": "prod", "RelyingParty": "live.a.app", "AlarmEmail": "ops@b.example"}
    target: Any = SimpleNamespace(
        name="s", region="r", description={"StackStatus": "UPDATE_COMPLETE"}, parameters=parameters
    )
    found = check_configuration(target, target)
    assert not found.ok
    assert "the value of AlarmEmail" in found.says
    target.parameters = {**parameters, "Stage": "local"}
    assert check_configuration(target, target).ok
