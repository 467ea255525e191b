"""What a person meets at the command line: arguments, output, errors, exit statuses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import requests
from botocore.exceptions import ClientError, EndpointConnectionError
from click.testing import CliRunner

from tests.support.template import ROOT
from tools.operator import api
from tools.operator import main as command_line
from tools.operator.aws_errors import explained
from tools.operator.errors import Exit, NotAllowedError, NotReachableError, OperatorError
from tools.operator.main import COMMANDS, cli, main
from tools.operator.remembered import heard_at

SCHOOL = {
    "estab": "3281102",
    "name": "A School",
    "state": "live",
    "state_since": "2026-11-01T00:00:00.000Z",
    "cause": None,
    "next_step": "data is kept up to date",
    "erasure_requested_at": None,
    "scopes": ["School"],
    "missing_scopes": [],
    "freshness": [],
    "registrations": [],
    "datasets": [],
}


class FakeStack:
    """Answers the API's requests, and AWS's with a refusal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        ready = {"region": "eu-west-2", "api_url": "http://127.0.0.1:9", "pid": os.getpid()}
        urls = {"aws_endpoint_url": "http://127.0.0.1:9", "callbacks_url": "http://127.0.0.1:9"}
        (tmp_path / "ready.json").write_text(json.dumps(ready | urls))
        monkeypatch.setenv("STACK_DIR", str(tmp_path))
        monkeypatch.setattr(requests.Session, "request", self._answer)
        description = {"StackStatus": "CREATE_COMPLETE", "Outputs": [], "Parameters": []}
        monkeypatch.setattr("tools.operator.target.Target.description", description)
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def _answer(self, method: str, url: str, **facts: Any) -> requests.Response:
        path = url.removeprefix("http://127.0.0.1:9")
        self.asked.append((path, dict(facts.get("params") or {})))
        status, document = self.answers.get(path, (404, {"detail": "there is no such thing"}))
        answer = requests.Response()
        answer.status_code, answer.reason = status, "reason"
        answer._content = json.dumps(document).encode()
        return answer


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeStack:
    fake = FakeStack(monkeypatch, tmp_path)
    page = {"schools": [SCHOOL], "cursor": None}
    fake.answers["/v1/schools"] = (200, page)
    return fake


@pytest.mark.parametrize("arguments", [("--json", "status"), ("status", "--json")])
def test_json_may_be_asked_for_before_and_after_the_command(
    stack: FakeStack, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert main(arguments) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["schools"]["live"] == 1


@pytest.mark.parametrize(
    ("status", "exit_status"), [(403, Exit.NOT_ALLOWED), (500, Exit.FOUND), (503, Exit.FOUND)]
)
def test_a_refusal_of_the_api_is_one_sentence(
    stack: FakeStack, capsys: pytest.CaptureFixture[str], status: int, exit_status: Exit
) -> None:
    stack.answers["/v1/schools"] = (status, {"detail": "no", "instance": "r-1"})
    assert main(["status", "--json"]) == exit_status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert ("execute-api:Invoke" if status == 403 else "r-1") in shown.err


def test_an_api_that_does_not_answer_is_not_reachable(
    stack: FakeStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise requests.ConnectionError("refused")

    monkeypatch.setattr(requests.Session, "request", fail)
    assert main(["hold", "list"]) == Exit.NOT_REACHABLE
    assert "does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain"],
        ["explain", "12"],
        ["nonsense"],
        ["redrive"],
        ["status", "--nonsense"],
        ["trigger", "nonsense"],
        ["history", "3281102", "--since", "long"],
        ["ask"],
        ["ask", "3281102", "--everyone"],
    ],
)
def test_wrong_use_is_said_in_one_sentence_with_where_to_look(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == Exit.WRONG_USE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert "--help" in shown.err


def test_a_folder_in_which_no_stack_runs_is_not_reachable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACK_DIR", str(tmp_path))
    assert main(["status"]) == Exit.NOT_REACHABLE
    assert "make up" in capsys.readouterr().err


def test_no_region_is_wrong_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("STACK_DIR", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    assert main(["status"]) == Exit.WRONG_USE
    assert "--region" in capsys.readouterr().err


def test_ctrl_c_and_our_own_faults_leave_no_traceback(
    stack: FakeStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for error, status in ((KeyboardInterrupt(), Exit.INTERRUPTED), (KeyError("x"), Exit.FOUND)):

        def fail(*_: Any, error: BaseException = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(api.Api, "schools", fail)
        assert main(["status"]) == status
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


COMMAND = [sys.executable, "-m", "tools.operator", "completion", "bash"]


def test_a_full_disk_is_one_sentence_with_what_to_do() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            COMMAND, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
        )
    assert done.returncode == Exit.FOUND
    assert done.stderr.splitlines()[0].startswith("error: no space left on device: free some disk")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (FileNotFoundError(2, "No such file or directory", "a/b.csv"), "a/b.csv: no such file"),
        (PermissionError(13, "Permission denied", "/b.csv"), "write where you may"),
        (OSError(30, "Read-only file system", "/b.csv"), "read-only file system: write elsewhere"),
        (ConnectionRefusedError(111, "Connection refused"), "open an issue"),
    ],
)
def test_what_a_file_refuses_is_said_with_what_to_do(
    stack: FakeStack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    says: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(requests.Session, "request", fail)
    assert main(["status"]) == Exit.FOUND
    shown = capsys.readouterr().err
    assert says in shown
    assert len(shown.splitlines()) == 1


def test_a_reader_that_has_enough_is_no_error() -> None:
    with subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (Exit.DONE, "")


def test_what_changes_something_asks_and_is_not_done_where_nobody_can_answer(
    stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.answers["/v1/schools/3281102"] = (200, SCHOOL)
    assert main(["erase", "school", "3281102"]) == Exit.WRONG_USE
    assert "--yes" in capsys.readouterr().err


def test_colours_are_left_out_where_they_are_not_wanted(
    stack: FakeStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert main(["status"]) == Exit.DONE
    assert "\x1b[3" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "message", "kind", "says"),
    [
        (
            "AccessDenied",
            "User: x is not authorized to perform: sqs:SendMessage on resource: arn:q because",
            NotAllowedError,
            "sqs:SendMessage on arn:q",
        ),
        ("AccessDeniedException", "no", NotAllowedError, "SendMessage"),
        ("ExpiredToken", "old", NotAllowedError, "log in again"),
        ("Throttling", "slow", NotReachableError, "try again"),
        ("ValidationException", "bad.", OperatorError, "bad"),
    ],
)
def test_what_aws_refuses_names_the_right_or_the_reason(
    code: str, message: str, kind: type[OperatorError], says: str
) -> None:
    response: Any = {"Error": {"Code": code, "Message": message}}
    with pytest.raises(kind) as caught, explained():
        raise ClientError(response, "SendMessage")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_aws_that_does_not_answer_is_not_reachable() -> None:
    with pytest.raises(NotReachableError, match=r"127\.0\.0\.1:9"), explained():
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:9")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_documents_itself_within_80_columns(name: str) -> None:
    shown = CliRunner().invoke(cli, [name, "--help"], terminal_width=80)
    assert shown.exit_code == 0
    assert "--json" in shown.output
    assert max(map(len, shown.output.splitlines())) <= 100
    assert command_line.__doc__


def test_readme_shows_the_help_as_it_looks() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"(?ms)^\$ xporter-bridge --help\n(.*?)^```", readme)
    # Of a terminal of 80 columns, click leaves two free.
    shell = {"prog_name": "xporter-bridge", "terminal_width": 78}
    told = CliRunner().invoke(cli, ["--help"], **shell).output
    at = 0
    for part in re.split(r"(?m)^  …\n", shown):
        assert part.strip() in told[at:], part
        at = told.index(part.strip())
    assert set(re.findall(r"(?m)^  ([a-z]+)  ", shown)) >= set(COMMANDS)


def test_the_help_names_every_exit_status() -> None:
    text = CliRunner().invoke(cli, ["--help"]).output
    assert all(f"  {int(status)}  " in text for status in Exit)


# -- the fleet and its past

HISTORY = {
    "estab": "3281102",
    "states": [{"at": "2026-11-24T01:00:00.000Z", "state": "live", "cause": "x", "says": "why"}],
    "callbacks": [
        {
            "database": "XodSchoolData",
            "received_at": "2026-11-24T02:00:00.000Z",
            "datasets": ["groups", "students"],
        },
        {
            "database": "XodSchoolData",
            "received_at": "2026-11-23T02:00:00.000Z",
            "datasets": ["groups", "staff"],
        },
    ],
    "attempts": [
        {
            "dataset": "students", "outcome": "failed", "says": "The pull failed: Xporter is down.",
            "ended_at": "2026-11-24T03:00:00.000Z", "count": 9,
        },
        {
            "dataset": "groups", "outcome": "committed", "says": "New data was published.",
            "ended_at": "2026-11-24T02:30:00.000Z", "count": 1,
        },
    ],
}  # fmt: skip


def test_schools_are_filtered_by_the_api_and_the_worst_stay_first(
    stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    page = {"schools": [{**SCHOOL, "estab": "3289999"}, SCHOOL], "cursor": None}
    stack.answers["/v1/schools"] = (200, page)
    command = ["schools", "--trouble", "--state", "live", "--search", "oak", "--json"]
    assert main(command) == Exit.DONE
    assert [each["estab"] for each in json.loads(capsys.readouterr().out)] == ["3289999", "3281102"]
    (asked,) = [query for path, query in stack.asked if path == "/v1/schools"]
    assert asked == {"limit": 100, "troubled": "true", "state": "live", "q": "oak"}


def test_the_past_of_a_school_is_told_in_order_without_a_search_of_logs(
    stack: FakeStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.answers["/v1/schools/3281102/history"] = (200, HISTORY)
    assert main(["history", "3281102", "--since", "9999d", "--json"]) == Exit.DONE
    told = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in told] == ["callback", "state", "callback", "pull", "pull"]
    assert main(["history", "3281102", "--since", "9999d", "--errors"]) == Exit.DONE
    (line,) = capsys.readouterr().out.splitlines()
    assert line == (
        "2026-11-24 03:00:00  pull students  The pull failed: Xporter is down. (9 times)"
    )


def test_the_latest_callback_of_each_dataset_is_known() -> None:
    heard = {dataset: at.isoformat() for dataset, at in heard_at(HISTORY).items()}
    assert heard == {
        "groups": "2026-11-24T02:00:00+00:00",
        "students": "2026-11-24T02:00:00+00:00",
        "staff": "2026-11-23T02:00:00+00:00",
    }


def test_an_explanation_ends_with_what_happened_lately(
    stack: FakeStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.operator.commands.explain.breaker_opened_at", lambda _: None)
    stack.answers["/v1/schools/3281102"] = (200, SCHOOL)
    stack.answers["/v1/schools/3281102/history"] = (200, HISTORY)
    assert main(["explain", "3281102"]) == Exit.DONE
    shown = capsys.readouterr().out
    assert "pull students" in shown.partition("Lately")[2].splitlines()[2]
    del stack.answers["/v1/schools/3281102/history"]  # an earlier version of the API
    assert main(["explain", "3281102", "--json"]) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["lately"] == []


GROUPS = [
    name for name in COMMANDS if isinstance(cli.get_command(click.Context(cli), name), click.Group)
]


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_the_list_of_commands_ends_every_sentence_within_80_columns(group: str) -> None:
    shown = CliRunner().invoke(cli, [*group.split(), "--help"], terminal_width=78).output
    commands = shown.partition("Commands:")[2].splitlines()
    assert commands[1:]
    assert not [line for line in commands if line.endswith("...") or len(line) > 80]
