"""check_version: every function's examples tried on a new version, and nothing written anywhere."""

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest

from tests.support import template
from tests.support.builders import stored_school
from tests.support.moto_cloud import Cloud, recorded_calls, refusing
from tests.support.template import ROOT
from xporter_bridge import dry_run
from xporter_bridge.aws.clients import client
from xporter_bridge.errors import ConfigurationError

FUNCTIONS = sorted(set(template.functions()) - {"check_version"})
EVENT = json.loads(
    (ROOT / "events/check_version/hook__before_allow_traffic.json").read_text(encoding="utf-8")
)
WRITTEN = ("SchoolsTable", "DatasetsTable", "OperationsTable")


@dataclass
class CodeDeploy:
    """Lambda and CodeDeploy, up to the wire: their own models check what is asked of them."""

    cloud: Cloud
    group: str
    live: str = "16"
    break_function: Callable[[str, dict[str, Any]], Any] | None = None
    called: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    raised: str = ""

    def invoke(self, model: Any, params: Mapping[str, Any], **_: Any) -> tuple[Any, Any]:
        path = unquote(params["url_path"])
        function = path.split("/")[-2].removeprefix("xporter-bridge_")
        assert params["query_string"] == {"Qualifier": "17"}
        event = json.loads(params["body"])
        self.called.append(function)
        answer: dict[str, Any] = {"StatusCode": 200}
        try:
            run = self.break_function or self._run
            payload = run(function, event)
        except Exception as error:  # noqa: BLE001 - as Lambda reports whatever is raised
            answer["FunctionError"] = "Unhandled"
            payload = {"errorType": type(error).__name__, "errorMessage": "…"}
        answer["Payload"] = io.BytesIO(json.dumps(payload, default=str).encode())
        return _OK, answer

    def _run(self, function: str, event: dict[str, Any]) -> Any:
        return self.cloud.invoke(function, event, qualifier="17")

    def deployment(self, **_: Any) -> tuple[Any, Any]:
        return _OK, {"deploymentInfo": {"deploymentGroupName": self.group}}

    def alias(self, params: Mapping[str, Any], **_: Any) -> tuple[Any, Any]:
        assert params["url_path"].endswith("/aliases/live")
        return _OK, {"FunctionVersion": self.live}

    def versions(self, params: Mapping[str, Any], **_: Any) -> tuple[Any, Any]:
        if "Marker" in params["query_string"]:
            return _OK, {"Versions": [_version("17", "b", KEEP_DAYS="30", NEW="3")]}
        listed = [{"Version": "$LATEST"}, _version("16", "a", KEEP_DAYS="21", OLD="2")]
        return _OK, {"Versions": listed, "NextMarker": "m"}

    def status(self, params: Mapping[str, Any], **_: Any) -> tuple[Any, Any]:
        self.statuses.append(json.loads(params["body"])["status"])
        return _OK, {}


def _version(number: str, code: str, **variables: str) -> dict[str, Any]:
    same = {"BUCKET": "a-bucket", "MODE": "same"}
    environment = {"Variables": {**same, **variables}}
    return {"Version": number, "CodeSha256": code, "Timeout": 20, "Environment": environment}


class _Ok:
    status_code = 200


_OK = _Ok()


@contextmanager
def deploying(cloud: Cloud, group: str = "", **settings: Any) -> Iterator[CodeDeploy]:
    for function in FUNCTIONS:
        cloud.environment(function)  # a resource is made when something first refers to it
    aws = CodeDeploy(cloud, group, **settings)
    hooks = [
        ("lambda", "Invoke", aws.invoke),
        ("lambda", "GetAlias", aws.alias),
        ("lambda", "ListVersionsByFunction", aws.versions),
        ("codedeploy", "GetDeployment", aws.deployment),
        ("codedeploy", "PutLifecycleEventHookExecutionStatus", aws.status),
    ]
    for service, operation, hook in hooks:
        client(service).meta.events.register(f"before-call.{service}.{operation}", hook)
    try:
        yield aws
    finally:
        for service, operation, hook in hooks:
            client(service).meta.events.unregister(f"before-call.{service}.{operation}", hook)


def everything(cloud: Cloud) -> list[Any]:
    """Return all that a function could have written."""
    return [
        *(cloud.items(table) for table in WRITTEN),
        *(cloud.objects(bucket) for bucket in ("DataBucket", "StagingBucket")),
        *(cloud.depth(queue) for queue in template.resources("AWS::SQS::Queue")),
        cloud.events(),
    ]


@pytest.mark.parametrize("is_known", [True, False], ids=["known school", "unknown school"])
def test_a_good_version_of_everything_is_let_through_and_nothing_is_written(
    connected: Cloud, capsys: pytest.CaptureFixture[str], *, is_known: bool
) -> None:
    if is_known:
        stored_school(connected)
    before = everything(connected)
    capsys.readouterr()
    with deploying(connected) as aws, recorded_calls() as calls:
        connected.invoke("check_version", EVENT)
    printed = capsys.readouterr().out
    assert aws.statuses == ["Succeeded"], re.findall(".*version_failed.*", printed)
    assert set(aws.called) == set(FUNCTIONS)
    assert everything(connected) == before
    assert '"_aws"' not in printed
    made = {call.partition(":")[2] for call in calls}
    written = [name for name in made if name.startswith(("Send", "Put", "Update", "Delete"))]
    # The audit trail has one entry for each new version, by the check itself.
    assert written == ["PutItem"]
    entries = connected.items("AuditTable")
    assert sum(call.endswith(":PutItem") for call in calls) == len(entries) == len(FUNCTIONS)
    assert {each["action"]["S"] for each in entries} == {"deployVersion"}
    assert {"GetSecretValue", "Encrypt", "GetItem", "Query"} <= made


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_deployment_of_one_function_tries_that_one(cloud: Cloud, function: str) -> None:
    group = f"xporter-bridge-{template.logical_id(function)}DeploymentGroup-1A2B3C4D5E6F"
    with deploying(cloud, group) as aws:
        cloud.invoke("check_version", EVENT)
    assert set(aws.called) == {function}
    examples = (ROOT / "events" / function).glob("*.json")
    assert len(aws.called) == len(list(examples))


def test_a_version_that_had_traffic_before_gets_it_back_unchecked(cloud: Cloud) -> None:
    with deploying(cloud, live="17") as aws:
        cloud.invoke("check_version", EVENT)
    assert (aws.called, aws.statuses) == ([], ["Succeeded"])


def without_dry_run(_: str, event: dict[str, Any]) -> Any:
    return {"statusCode": 202}


def raising(_: str, event: dict[str, Any]) -> Any:
    raise KeyError("Alice")


@pytest.mark.parametrize(
    ("fault", "reason"), [(without_dry_run, "made no dry run"), (raising, "raised KeyError")]
)
def test_a_bad_version_is_not_let_through(
    cloud: Cloud,
    fault: Callable[..., Any],
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with deploying(cloud, break_function=fault) as aws:
        cloud.invoke("check_version", EVENT)
    assert aws.statuses == ["Failed"]
    printed = capsys.readouterr().out
    assert reason in printed
    assert "Alice" not in printed


@pytest.mark.parametrize(
    ("function", "broken"),
    [
        ("receive_database", "xporter_bridge.aws.sqs.Queue.send"),
        ("plan_pulls", "functions.plan_pulls.handler.plan"),
        ("serve_api", "xporter_bridge.api.queries.Queries.school"),
        ("watch_deadlines", "functions.watch_deadlines.handler.enqueue_overdue"),
        ("render_widget", "functions.render_widget.handler.render"),
    ],
)
def test_a_fault_deep_in_a_version_is_found(
    cloud: Cloud, function: str, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise NameError("typo")

    monkeypatch.setattr(broken, fail)
    with deploying(cloud) as aws:
        cloud.invoke("check_version", EVENT)
    assert aws.statuses == ["Failed"]
    assert not dry_run.is_on()


def test_a_secret_that_is_missing_fails_the_deployment(cloud: Cloud) -> None:
    for function in FUNCTIONS:
        cloud.environment(function)
    with (
        deploying(cloud) as aws,
        refusing("secretsmanager", "GetSecretValue", "AccessDeniedException"),
        pytest.raises(ConfigurationError),
    ):
        cloud.invoke("check_version", EVENT)
    assert aws.statuses == ["Failed"]


def test_what_breaks_the_check_itself_fails_the_deployment(cloud: Cloud) -> None:
    def lost(**_: Any) -> Any:
        raise ConnectionError("lost")

    with deploying(cloud) as aws:
        client("codedeploy").meta.events.register_first(
            "before-call.codedeploy.GetDeployment", lost
        )
        try:
            with pytest.raises(ConnectionError):
                cloud.invoke("check_version", EVENT)
        finally:
            client("codedeploy").meta.events.unregister(
                "before-call.codedeploy.GetDeployment", lost
            )
    assert aws.statuses == ["Failed"]


def test_a_new_version_is_noted_with_the_names_of_what_differs_and_no_value(cloud: Cloud) -> None:
    with deploying(cloud, "x-ServeApiFunctionDeploymentGroup-1"):
        assert cloud.invoke("check_version", EVENT)
    (entry,) = cloud.items("AuditTable")
    about = {name: value["S"] for name, value in entry["about"]["M"].items()}
    assert (entry["subject"]["S"], entry["action"]["S"]) == ("stack", "deployVersion")
    assert entry["outcome"]["S"] == "checked"
    assert about == {
        "function": "serve_api",
        "version": "17",
        "before": "16",
        "changed": "KEEP_DAYS, NEW, OLD, code",
    }


def test_a_deployment_goes_on_while_the_trail_cannot_be_written(cloud: Cloud) -> None:
    with (
        deploying(cloud, "x-ServeApiFunctionDeploymentGroup-1") as aws,
        refusing("dynamodb", "PutItem"),
    ):
        assert cloud.invoke("check_version", EVENT)
    assert aws.statuses == ["Succeeded"]
