"""Every command of `xporter-bridge`, on the local stack that all end-to-end tests share."""

import csv
import io
import json
import os
import re
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import template
from tools.demo.context import Journey
from tools.demo.errors import NotYetError
from tools.demo.schools import DemoSchool
from tools.demo.wait import until
from tools.operator.main import COMMANDS, main
from tools.operator.settings import Settings
from tools.operator.target import find
from tools.set_up import ROOT
from tools.simulator.service.application import Application

pytestmark = pytest.mark.xdist_group("stack")

SCHOOL = DemoSchool("3283001", students=60, seed=5)
ERASED = DemoSchool("3283002", students=20, seed=6)
ESTAB = SCHOOL.estab


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed as JSON; stdout holds nothing else."""
        return json.loads(self.out)


class Operator:
    """Runs commands as a person does who has set STACK_DIR."""

    def __init__(self, secrets: dict[str, str]) -> None:
        self.secrets = secrets

    def run(self, *arguments: str) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = main(arguments)
        assert "Traceback" not in err.getvalue()
        return Ended(status, out.getvalue(), err.getvalue())

    def json(self, *arguments: str) -> Any:
        return self.run(*arguments, "--json").document


@pytest.fixture(scope="module")
def operator(journey: Journey) -> Iterator[Operator]:
    """The command line beside a stack on which two schools of its own were onboarded."""
    secrets = {}
    for school in (SCHOOL, ERASED):
        founded = journey.simulator.found(school.estab, school.students, school.seed)
        secrets[school.estab] = founded["secret"]
        journey.simulator.authorise(school.estab, install_completed=True)
    for school in (SCHOOL, ERASED):
        journey.wait_for_truth(school)
        journey.wait_for_state(f"/v1/schools/{school.estab}", "live")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STACK_DIR", str(Path(journey.stack.log_file).parent))
        yield Operator(secrets)


def codes(operator: Operator, estab: str = ESTAB) -> list[str]:
    return [each["code"] for each in operator.json("explain", estab)["diagnosis"]]


def held_of(journey: Journey) -> set[str]:
    datasets = journey.api.get(f"/v1/schools/{ESTAB}")["datasets"]
    return {each["dataset"] for each in datasets if each["hold"]}


def wait_for(look: Callable[[], bool]) -> None:
    def check() -> None:
        if not look():
            raise NotYetError("not yet")

    until(check)


def test_the_installed_command_explains_a_healthy_school(operator: Operator) -> None:
    command = [ROOT / ".venv/bin/xporter-bridge", "--json", "explain", ESTAB]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    shown = json.loads(done.stdout)
    assert (shown["estab"], shown["state"]) == (ESTAB, "live")
    assert [each["code"] for each in shown["diagnosis"]] == ["none"]
    assert {"database", "as_of", "checked_at", "is_stale", "reason"} <= set(shown["freshness"][0])
    assert {"dataset", "state", "reason"} <= set(shown["datasets"][0])
    assert done.stderr == ""


def test_an_unknown_school_has_never_authorised_us(operator: Operator) -> None:
    shown = operator.run("explain", "9999999", "--json")
    assert shown.status == 1
    assert [each["code"] for each in shown.document["diagnosis"]] == ["never_authorised"]


def test_the_fleet_is_counted_and_listed(operator: Operator) -> None:
    counted = operator.json("status")
    assert counted["schools"]["live"] >= 2
    assert counted["datasets"]["current"] >= 2 * len(SCHOOL.datasets)
    listed = operator.json("schools", "--search", ESTAB)
    assert [(each["estab"], each["codes"]) for each in listed] == [(ESTAB, ["none"])]
    assert ESTAB not in {each["estab"] for each in operator.json("schools", "--trouble")}


def test_a_probe_holds_the_assumptions_against_the_simulator(
    operator: Operator, journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XPORTER_SECRET", operator.secrets[ESTAB])
    account = ("--estab", ESTAB, "--relying-party", journey.stack.relying_party)
    told = operator.run("probe", *account, "--xporter-url", journey.stack.xporter_url, "--json")
    verdicts = {each["verdict"] for each in told.document["assumptions"]}
    assert (told.status, verdicts) == (0, {"confirmed", "not seen"})


def test_the_doctor_finds_the_stack_well_and_names_dead_letters(
    operator: Operator,
) -> None:
    checks = {each["name"]: each for each in operator.json("doctor")["checks"]}
    assert [name for name, each in checks.items() if not each["ok"]] in ([], ["dead letters"])
    assert checks["notifications"]["skipped"]
    assert all(each["says"] and each["do"] for each in checks.values())


def test_a_held_change_is_explained_shown_and_decided(operator: Operator, journey: Journey) -> None:
    journey.simulator.change(ESTAB, "XodSchoolData", deletes=30)
    wait_for(lambda: "students" in held_of(journey))
    assert codes(operator) == ["held"]
    held = [each for each in operator.json("hold", "list") if each["estab"] == ESTAB]
    assert "students" in {each["dataset"] for each in held}
    shown = operator.json("hold", "show", ESTAB, "students")
    students = {each["table"]: each for each in shown[0]["tables"]}["Students"]
    assert students["rows_before"] - students["rows_after"] == students["deletes"] > 0
    groups = students["year_groups"]
    assert sum(each["deletes"] for each in groups) == students["deletes"]
    assert all(each["rows_before"] >= each["deletes"] for each in groups)
    assert "deleted_ids" not in students
    (told,) = operator.json("hold", "show", ESTAB, "students", "--ids")
    (ids,) = [each["deleted_ids"] for each in told["tables"] if each["table"] == "Students"]
    assert len(set(ids)) == students["deletes"]
    assert "year group" in operator.run("hold", "show", ESTAB, "students").out
    assert operator.run("hold", "approve", ESTAB).status == 2  # nobody can answer
    assert operator.run("hold", "approve", ESTAB, "staff", "--yes").status == 1
    assert operator.json("hold", "reject", ESTAB, "students", "--yes")[0]["decision"] == "reject"

    def is_decided() -> bool:
        """Datasets are pulled one after the other, and so held one after the other."""
        return operator.run("hold", "approve", ESTAB, "--yes").status == 1 and not held_of(journey)

    wait_for(is_decided)


def test_dead_letters_are_shown_without_what_they_hold_and_moved_back(
    operator: Operator, journey: Journey
) -> None:
    body = {"estab": ESTAB, "dataset": "students", "payload": "a pupil"}
    url = journey.stack.physical_ids["PullDeadLetterQueue"]
    journey.stack.aws("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(body))
    letters = operator.run("redrive", "PullDeadLetterQueue", "--dry-run", "--json")
    (letter,) = [each for each in letters.document if each["estab"] == ESTAB]
    assert (letter["queue"], letter["kind"], letter["dataset"]) == (
        "Pull", "pull_dataset", "students",
    )  # fmt: skip
    assert "a pupil" not in letters.out
    assert ESTAB in {each["estab"] for each in operator.json("redrive", "all", "--dry-run")}
    assert operator.run("redrive", "pull", "--yes").status == 0
    assert operator.json("redrive", "pull", "--dry-run") == []


def test_a_replay_is_a_callback_that_comes_now(operator: Operator, journey: Journey) -> None:
    path = f"/v1/schools/{ESTAB}"
    before = {each["database"]: each["checked_at"] for each in journey.api.get(path)["freshness"]}
    listed = operator.json("replay", ESTAB, "--dry-run")
    assert {each["database"] for each in listed} == set(before)
    assert operator.run("replay", ESTAB, "--database", "XodSchoolData", "--yes").status == 0
    wait_for(
        lambda: any(
            each["checked_at"] > before[each["database"]]
            for each in journey.api.get(path)["freshness"]
        )
    )
    refused = operator.run("replay", "--kind", "writeback", "--dry-run")
    assert refused.status == 1
    assert "not kept" in refused.err


def test_schools_are_pulled_asked_and_schedules_run(operator: Operator) -> None:
    (pulled,) = operator.json("pull", ESTAB, "schoolinfo", "--wait")
    assert pulled["state"] == "completed"
    assert operator.json("ask", ESTAB) == {"schools": 1, "finished": True}
    assert operator.json("trigger", "watch_deadlines")["failed"] == 0


def test_a_writeback_is_listed_and_shown_without_its_marks(
    operator: Operator, journey: Journey
) -> None:
    pupil = json.loads(operator.run("data", "head", ESTAB, "students", "Students", "-n1").out)["Id"]
    mark = {"StudentId": pupil, "MarkType": "S", "Date": "2026-11-20", "Session": "AM", "Mark": "L"}
    body = {"kind": "attendance", "payload": {"Marks": [mark]}}
    path = f"/v1/schools/{ESTAB}/writebacks"
    made = journey.api.post(path, body, **{"Idempotency-Key": "operator-1"})["id"]
    journey.wait_for_state(f"{path}/{made}", "completed", "failed")
    (listed,) = operator.json("writeback", "list", ESTAB)
    assert (listed["id"], listed["kind"]) == (made, "attendance")
    shown = operator.run("writeback", "show", ESTAB, made, "--json")
    assert shown.document["state"] == listed["state"]
    assert pupil not in shown.out


def test_published_data_is_listed_compared_and_proved(operator: Operator, tmp_path: Path) -> None:
    rows = {each["table"]: each["rows"] for each in operator.json("data", "ls", ESTAB, "students")}
    assert set(rows) == {
        each["table"] for each in operator.json("data", "schema", ESTAB, "students")
    }
    changes = operator.json("data", "diff", ESTAB, "students", "0")
    assert changes["tables"]["Students"]["upserts"] >= rows["Students"]
    to = tmp_path / "students.csv"
    got = operator.json("data", "get", ESTAB, "students", "Students", "--format=csv", f"-o{to}")
    assert got["rows"] == rows["Students"]
    with to.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == rows["Students"]
    for name, *options in (("ddl",), ("get", "--format=parquet")):
        refused = operator.run("data", name, ESTAB, "students", "Students", *options)
        assert (refused.status, "Formats=ndjson+parquet" in refused.err) == (1, True)
    missing = operator.run("data", "head", ESTAB, "students", "Nothing")
    assert (missing.status, missing.out) == (2, "")


def test_a_school_and_a_pupil_are_exported(operator: Operator, tmp_path: Path) -> None:
    to = tmp_path / "school.zip"
    told = operator.json("export", ESTAB, f"-o{to}")
    rows = {
        (each["dataset"], each["table"]): each["rows"]
        for each in operator.json("data", "ls", ESTAB)
    }
    assert {(each["dataset"], each["table"]): each["rows"] for each in told["files"]} == rows
    with zipfile.ZipFile(to) as archive:
        pupils = [json.loads(line) for line in archive.open("data/students/Students.ndjson")]
        document = json.loads(archive.read("manifest.json"))
    assert (document["estab"], document["person"]) == (ESTAB, None)
    assert to.stat().st_mode & 0o777 == 0o600
    there = operator.run("export", ESTAB, f"-o{to}")
    assert (there.status, "--overwrite" in there.err) == (2, True)
    person = ("export", ESTAB, "--person", "pupil", pupils[0]["Id"], f"-o{to}", "--overwrite")
    told = operator.json(*person)
    counts = {each["table"]: each["rows"] - each["mentions"] for each in told["files"]}
    assert counts["Students"] == 1
    with zipfile.ZipFile(to) as archive:
        own = [json.loads(line) for line in archive.open("data/students/Students.ndjson")]
    assert pupils[0] in own
    assert len(own) < len(pupils)
    before = to.read_bytes()
    nobody = operator.run("export", ESTAB, "--person", "pupil", "0", f"-o{to}", "--overwrite")
    assert (nobody.status, nobody.out, to.read_bytes()) == (1, "", before)
    assert operator.run("export", "9999999", f"-o{tmp_path / 'none.zip'}").status == 1
    assert [each.name for each in tmp_path.iterdir()] == ["school.zip"]
    stated = [
        (each["outcome"], each["about"].get("kind"), each["about"].get("outcome"))
        for each in operator.json("audit", ESTAB)
        if each["action"] in {"beginExport", "endExport"}
    ]
    begun, ended = ("asked", "accepted"), ("completed", "failed")
    assert {each for each in stated if each[1]} == {
        (outcome, kind, None) for outcome in begun for kind in ("school", "person")
    }
    assert {each for each in stated if each[2]} == {
        (outcome, None, end) for outcome in begun for end in ended
    }


def test_what_happened_is_told_from_what_is_stored_and_from_the_logs(operator: Operator) -> None:
    remembered = operator.json("history", ESTAB)
    assert {each["kind"] for each in remembered} >= {"state", "pull"}
    assert {"live", *SCHOOL.datasets} <= {each["what"] for each in remembered}
    told = {each["event"] for each in operator.json("history", ESTAB, "--logs") if "event" in each}
    assert {"school_proved", "pull_committed"} <= told
    (first, *_) = operator.json("logs", "pull_dataset", "--event", "pull_committed")
    assert first["function"] == "pull_dataset"
    followed = operator.run("tail", ESTAB, "--json", "--since=1h", "--for=0s")
    assert {json.loads(line)["estab"] for line in followed.out.splitlines()} == {ESTAB}


def test_events_are_followed_through_a_tap_that_is_taken_away_again(
    operator: Operator, journey: Journey
) -> None:
    bus = journey.stack.outputs["EventBusName"]
    entry = {"Source": "xporter-bridge", "DetailType": "t", "Detail": '{"id": "1"}'}
    over = threading.Event()

    def announce() -> None:
        while not over.wait(0.2):
            journey.stack.aws("events").put_events(Entries=[{**entry, "EventBusName": bus}])

    thread = threading.Thread(target=announce)
    thread.start()
    heard = operator.run("events", "tail", "--count=1", "--for=20s")
    over.set()
    thread.join()
    assert json.loads(heard.out)["id"] == "1"
    rules = journey.stack.aws("events").list_rules(EventBusName=bus)["Rules"]
    assert not [rule for rule in rules if "-tail-" in rule["Name"]]


def test_a_table_is_restored_from_a_copy(operator: Operator, journey: Journey) -> None:
    keys = {"estab": "HASH", "operation": "RANGE"}
    dynamodb = journey.stack.aws("dynamodb")
    dynamodb.create_table(
        TableName="operator-copy",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    lost = {"estab": ESTAB, "operation": "writeback-lost", "state": "completed"}
    item = {name: {"S": value} for name, value in lost.items()}
    dynamodb.put_item(TableName="operator-copy", Item=item)
    found = operator.json("restore", "OperationsTable", "operator-copy", "--yes")
    assert found == {"restored": 1, "there": 0, "left_out": 0}


def test_a_stack_that_left_nothing_is_not_adopted(operator: Operator, tmp_path: Path) -> None:
    template = ROOT / "template.yaml"
    stack = "xporter-bridge"
    ended = operator.run("adopt", stack, f"--template={template}", f"--into={tmp_path / 'new'}")
    assert ended.status == 2
    assert "has not left" in ended.err


def test_outputs_and_the_completion_of_the_shell_are_printed(
    operator: Operator, journey: Journey
) -> None:
    assert operator.run("output", "BucketName").out.strip() == journey.stack.bucket
    assert operator.run("output", "Nothing").status == 2
    assert "xporter-bridge" in operator.run("completion", "bash").out


def test_a_person_is_erased_and_let_back_in(
    operator: Operator, journey: Journey, tmp_path: Path
) -> None:
    def is_undecided_change_gone() -> bool:
        """The test of holds rejected a deletion that still stands at the school: approve it."""
        operator.json("pull", ESTAB, "students", "--wait")
        return operator.run("hold", "approve", ESTAB, "--yes").status == 1 and not held_of(journey)

    def pupils() -> list[str]:
        to = tmp_path / "pupils.csv"
        operator.json("data", "get", ESTAB, "students", "Students", "--format=csv", f"-o{to}")
        with to.open(newline="") as file:
            return [row["Id"] for row in csv.DictReader(file)]

    wait_for(is_undecided_change_gone)
    someone, *others = pupils()
    person = ("erase", "person", ESTAB, "pupil", someone)
    assert operator.run(*person).status == 2  # nobody can answer
    gone = operator.json(*person, "--yes", "--wait")
    assert gone["certificate"]["datasets"]["students"]
    assert pupils() == others
    export = ("export", ESTAB, "--person", "pupil", someone, f"-o{tmp_path / 'gone.zip'}")
    refused = operator.run(*export)
    assert (refused.status, (tmp_path / "gone.zip").exists()) == (1, False)
    assert "perhaps of this person" in refused.err
    listed = operator.json("erase", "people", ESTAB)
    assert [each["id"] for each in listed["people"]] == [gone["id"]]
    assert gone["id"][:12] in operator.run("erase", "people", ESTAB).out
    operator.json("pull", ESTAB, "students", "--wait")
    assert pupils() == others
    assert operator.json("erase", "lift", ESTAB, gone["id"], "--yes")["id"] == gone["id"]

    def look() -> None:
        operator.json("pull", ESTAB, "students", "--wait")
        if pupils() == others:
            raise NotYetError("the erasure is not lifted yet")

    until(look)
    assert pupils() == [someone, *others]
    assert operator.json("erase", "people", ESTAB)["count"] == 0


def test_the_key_is_rotated_to_its_end_and_the_token_until_the_portal_has_it(
    operator: Operator, journey: Journey
) -> None:
    def key_ids() -> set[str]:
        found = journey.api.get(f"/v1/schools/{ESTAB}")["registrations"]
        return {each["key_id"] for each in found}

    assert operator.run("rotate", "key").status == 2  # nobody can answer
    before = key_ids()
    begun = operator.json("rotate", "key", "--yes", "--no-wait")
    assert begun["old_is_accepted"]
    assert begun["on_old_key"] == begun["schools"] > 1
    # Run again, the command makes no other key; time is up while old callbacks may still come.
    renewed = operator.json("rotate", "key", "--timeout", "120")
    assert (renewed["on_old_key"], renewed["on_new_key"]) == (0, begun["schools"])
    assert renewed["old_is_accepted"] == (renewed["wait_seconds"] > 0)
    assert len(key_ids()) == 1
    assert not key_ids() & before
    over = operator.json("rotate", "key", "--drop", "--yes")
    assert not over["old_is_accepted"]

    first = operator.json("rotate", "token", "--yes")
    assert operator.json("rotate", "token") == first
    assert first["authentication_url"] != journey.stack.authentication_url
    journey.simulator.set_application(authentication_url=first["authentication_url"])
    assert operator.json("rotate", "token", "--entered", "--yes") == {
        "secret": "token",
        "old_is_accepted": False,
    }
    assert operator.json("trigger", "rotate_secrets") == {"dropped": 0}


def test_the_audit_trail_says_who_asked_for_what(operator: Operator) -> None:
    operator.json("pull", ESTAB, "schoolinfo", "--wait")
    asked, accepted = operator.json("audit", ESTAB, "--days", "1")[-2:]
    assert (asked["action"], asked["outcome"]) == ("requestPull", "asked")
    assert (accepted["outcome"], accepted["about"]["status"]) == ("accepted", "202")
    rotated = operator.json("audit", "--stack-wide")
    assert {each["action"] for each in rotated} >= {"rotateKey", "dropOldKey", "rotateToken"}
    assert all(each["by"].startswith("arn:aws:") for each in rotated)
    every = operator.json("audit")
    assert [each["at"] for each in every] == sorted(each["at"] for each in every)
    assert {each["id"] for each in rotated} <= {each["id"] for each in every}
    assert "requestPull" in operator.run("audit", ESTAB).out
    assert operator.run("audit", ESTAB, "--stack-wide").status == 2


def test_a_school_is_invited_with_the_management_secret_of_the_caller(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = ("--first-name", "Jo", "--last-name", "Zebra", "--email", "jo@school.example")
    partner = ("--partner", "A Company", "--partner-email", "ops@company.example")
    given = (*contact, *partner, "--name", "A School", "--phone", "01234", "--yes")
    assert operator.run("invite", "3283009", *given).status == 2  # the policy is not accepted
    monkeypatch.setenv("XPORTER_MANAGEMENT_SECRET", Application().management_secret)
    invited = operator.run("invite", "3283009", *given, "--accept-usage-policy", "--json")
    assert invited.document == {"estab": "3283009", "kind": "Live", "invited": True}
    refused = operator.run("invite", "0003009", *given, "--accept-usage-policy")
    assert (refused.status, "School not found in EduBase" in refused.err) == (1, True)
    monkeypatch.setenv("XPORTER_MANAGEMENT_SECRET", "wrong")
    wrong = operator.run("invite", "3283009", *given, "--accept-usage-policy")
    assert wrong.status == 1
    assert "Zebra" not in invited.out + invited.err + refused.err + wrong.err


def test_a_school_whose_authentication_callback_was_lost_is_found(
    operator: Operator, journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = "3283008"
    monkeypatch.setenv("XPORTER_MANAGEMENT_SECRET", Application().management_secret)
    # Other tests leave schools of their own in the simulator, about which both may disagree.
    before = operator.json("reconcile")["differences"]
    assert not {ESTAB, lost} & {each["estab"] for each in before}
    # The simulator knows the school, and never called us.
    journey.simulator.found(lost, 20, 8)
    compared = operator.run("reconcile", "--json")
    assert compared.status == 1
    (new,) = [each for each in compared.document["differences"] if each not in before]
    assert (new["estab"], new["state"]) == (lost, "unknown")


def test_a_school_is_erased(operator: Operator) -> None:
    assert operator.run("erase", "school", ERASED.estab).status == 2  # nobody can answer
    gone = operator.json("erase", "school", ERASED.estab, "--yes", "--wait")
    assert gone["state"] == "erased"
    assert codes(operator, ERASED.estab) == ["erased"]
    assert "was erased" in operator.run("export", ERASED.estab, "-o", "nothing.zip").err


def test_the_evidence_is_what_the_stack_holds(operator: Operator, tmp_path: Path) -> None:
    # The emulator leaves both out of what it makes of a template, and so does the evidence.
    target = find(Settings())
    staging, trail = target.physical_id("StagingBucket"), target.physical_id("AuditTable")
    rule = {"ID": "it", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 14}}
    target.client("s3").put_bucket_lifecycle_configuration(
        Bucket=staging, LifecycleConfiguration={"Rules": [rule]}
    )
    target.client("dynamodb").update_time_to_live(
        TableName=trail,
        TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True},
    )
    written = operator.json("evidence", "--into", str(tmp_path))
    assert {each.name for each in tmp_path.iterdir()} == set(written["files"])
    found = json.loads((tmp_path / "evidence.json").read_text(encoding="utf-8"))

    # Every field that lies in the bucket is in the inventory, and none that is left out.
    inventory = {
        (each["dataset"], table["table"]): table
        for each in found["inventory"]
        for table in each["tables"]
    }
    seen = 0
    for dataset in ("students", "staff", "contacts"):
        for table in operator.json("data", "ls", ESTAB, dataset):
            head = operator.run("data", "head", ESTAB, dataset, table["table"], "-n1").out
            columns = set(json.loads(head)) if head else set()
            listed = inventory[dataset, table["table"]]
            more = found["beyond_catalogue"].get(f"{dataset}.{table['table']}", [])
            assert columns <= set(listed["stored"]) | set(more), (dataset, table)
            assert not columns & set(listed["left_out"])
            seen += len(columns)
    assert seen > 50

    # Every store of the stack is in the table, with the days that AWS says.
    kinds = ("Table", "Queue", "Bucket", "LogGroup", "Secret")
    made = {
        name
        for name, resource in template.load()["Resources"].items()
        if resource["Type"].rpartition("::")[2] in kinds
        and not resource["Type"].startswith("AWS::Glue")
    }
    days = {each["store"]: each["days"] for each in found["stores"]}
    assert set(days) == made
    assert days["AuditTable"] == 730
    assert days["PullDeadLetterQueue"] == 14
    assert days["ServeApiLogGroup"] == 30
    assert days["StagingBucket"] == 14
    kept = {each["store"]: each["kept"] for each in found["stores"]}
    assert kept["AuditTable"] == "ended items by expires_at"
    assert kept["OperationsTable"] == "no time to live"

    # What each function may touch is what its role in the template says.
    for function in template.functions():
        role = f"{template.logical_id(function).removesuffix('Function')}Role"
        allowed = {
            action for statement in template.statements(function) for action in statement["Action"]
        }
        shown = [each for each in found["rights"] if each["role"] == role]
        assert {action for each in shown for action in each["actions"]} == allowed, function
    (scan,) = [
        each
        for each in found["rights"]
        if each["role"] == "RotateSecretsRole" and each["actions"] == ["dynamodb:Scan"]
    ]
    assert scan["resources"] == ["SchoolsTable"]
    assert set(found["keys"]) == {"DataKey", "SchoolKey", "QueueKey"}

    counted = operator.json("status")["schools"]
    assert found["fleet"]["states"] == {state: n for state, n in counted.items() if n}
    erased = [each for each in found["erasures"] if each["estab"] == ERASED.estab]
    assert [each["action"] for each in erased] == ["eraseSchool"]
    assert ERASED.estab in (tmp_path / written["files"][5]).read_text(encoding="utf-8")


def test_every_command_is_run_by_a_test_of_this_file() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    run = set(re.findall(r'\b(?:run|json|codes)\(\s*(?:operator, )?"([a-z]+)"', text))
    assert set(COMMANDS) - run == set()
