"""`make trial` on an emulator: beside another stack, to its report, and nothing left of it."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tools.demo.context import Journey
from tools.demo.schools import SCHOOLS
from tools.demo.steps.follow_changes import follow_changes
from tools.demo.steps.onboard_schools import onboard_schools
from tools.set_up import ROOT
from tools.stack.clock import Clock
from tools.stack.local_stack import LocalStack, client
from tools.stack.settings import StackSettings
from tools.stack.start import local_stack
from tools.trial import run
from tools.trial.account import Account
from tools.trial.plan import CHECKS, STEPS
from tools.trial.report import Report
from tools.trial.trial import Trial

pytestmark = pytest.mark.xdist_group("stack")


def inventory(endpoint_url: str) -> dict[str, set[str]]:
    """Return the names of all that costs money or holds data, and is not about to be deleted."""

    def listed(service: str, call: str, key: str, name: str | None) -> set[str]:
        found = getattr(client(service, endpoint_url), call)().get(key) or ()
        return {str(each[name] if name else each) for each in found}

    keys = listed("kms", "list_keys", "Keys", "KeyId")
    kms = client("kms", endpoint_url)
    states = {key: kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in keys}
    return {
        "keys": {key for key, state in states.items() if state != "PendingDeletion"},
        "buckets": listed("s3", "list_buckets", "Buckets", "Name"),
        "tables": listed("dynamodb", "list_tables", "TableNames", None),
        "secrets": listed("secretsmanager", "list_secrets", "SecretList", "Name"),
        "queues": listed("sqs", "list_queues", "QueueUrls", None),
        "topics": listed("sns", "list_topics", "Topics", "TopicArn"),
        "functions": listed("lambda", "list_functions", "Functions", "FunctionName"),
        "sources": listed("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
        "layers": listed("lambda", "list_layers", "Layers", "LayerArn"),
        "apis": listed("apigatewayv2", "get_apis", "Items", "ApiId"),
        "buses": listed("events", "list_event_buses", "EventBuses", "Name"),
        "schedules": listed("scheduler", "list_schedules", "Schedules", "Name"),
        "roles": listed("iam", "list_roles", "Roles", "RoleName"),
        "alarms": listed("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "dashboards": listed("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    }


@contextmanager
def make_trial(endpoint_url: str, report: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": endpoint_url,
        "TRIAL_REPORT": str(report),
        "YES": "1",
    }
    with subprocess.Popen(
        ["make", "trial"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def names(*steps: Callable[..., str]) -> list[str]:
    return [step.__name__.replace("_", " ") for step in steps]


@pytest.fixture(scope="module")
def neighbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Another stack, of the usual name, on the emulator that trials use."""
    with local_stack(StackSettings(directory=tmp_path_factory.mktemp("neighbour"))) as stack:
        yield stack


def test_two_stacks_of_one_account_work_side_by_side_and_one_leaves_without_a_trace(
    neighbour: LocalStack, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    before = inventory(neighbour.aws_endpoint_url)
    with closing(Journey.on(neighbour)) as journey:
        with make_trial(neighbour.aws_endpoint_url, report) as trial:
            assert onboard_schools(journey).startswith(f"{len(SCHOOLS)} schools live")
            _, progress = trial.communicate(timeout=400)
        assert trial.returncode == 0, progress
        assert follow_changes(journey)
    shown = json.loads(report.read_text())
    assert shown["succeeded"] is True
    assert (shown["left"], shown["error"], shown["on"]) == ([], None, "an emulator")
    steps = [step for group in STEPS for step in group]
    assert [each["name"] for each in shown["steps"]] == names(*steps)
    assert {each["mark"] for each in shown["steps"]} == {"✓"}
    assert len(shown["checks"]) == len(CHECKS)
    assert sorted(shown["not_shown"]) == sorted(names(*(c.on_aws for c in CHECKS if c.because)))
    assert inventory(neighbour.aws_endpoint_url) == before


@pytest.mark.parametrize("moment", ["building and deploying", "onboard schools"])
def test_a_trial_that_is_stopped_deletes_all_that_it_has_made(
    moment: str, neighbour: LocalStack, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    before = inventory(neighbour.aws_endpoint_url)
    with make_trial(neighbour.aws_endpoint_url, report) as trial:
        assert trial.stderr
        for line in trial.stderr:
            if moment in line:
                break
        trial.send_signal(signal.SIGTERM)
        trial.communicate(timeout=120)
    assert trial.returncode != 0
    shown = json.loads(report.read_text())
    assert (shown["succeeded"], shown["error"]) == (False, "stopped by a signal")
    assert shown["left"] == []
    assert inventory(neighbour.aws_endpoint_url) == before


def test_a_deployment_that_is_refused_ends_the_trial_and_leaves_nothing(
    neighbour: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "start_simulator", lambda trial, held: "ftp://no-such-protocol")
    before = inventory(neighbour.aws_endpoint_url)
    account = Account.of({"AWS_ENDPOINT_URL": neighbour.aws_endpoint_url})
    report = Report("xporter-trial-refused", account, datetime.now(UTC))
    with (tmp_path / "log").open("ab", buffering=0) as log:
        trial = Trial("xporter-trial-refused", account, tmp_path, log, lambda line: None)
        trial.scratch.mkdir()
        run.try_out(trial, report, Clock())
    assert report.error
    assert report.error.startswith("StackError: sam deploy failed")
    assert report.cleanup
    assert (report.cleanup.left, report.is_success) == ([], False)
    assert inventory(neighbour.aws_endpoint_url) == before
