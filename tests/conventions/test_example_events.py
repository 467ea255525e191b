"""``events/<function>/<event>__<variant>.json``: what ``sam local invoke`` is given, run here."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import template
from tests.support.builders import BASE_URL, ESTAB, callback, stored_school
from tests.support.moto_cloud import Cloud
from tests.support.template import ROOT
from xporter_bridge.availability.messages import AvailabilityReceived, read_request
from xporter_bridge.erasure.messages import read_erasure
from xporter_bridge.messages import Message
from xporter_bridge.onboarding.messages import read_onboarding
from xporter_bridge.pulls.messages import DatabaseChanged, PullDataset
from xporter_bridge.registrations.messages import RegisterWebhooks
from xporter_bridge.writebacks.messages import OutcomeReceived, read_writeback

EXAMPLES = sorted((ROOT / "events").glob("*/*.json"))
# Those of the API are tested beside its other calls: each needs what it names. What CodeDeploy asks
# is in tests/integration/test_check_version.py.
MESSAGES = [path for path in EXAMPLES if path.stem.startswith("message__")]
# What reads the messages of each function that a queue calls.
CONSUMERS: dict[str, Callable[[Mapping[str, Any]], Message]] = {
    "erase_data": read_erasure,
    "onboard_school": read_onboarding,
    "plan_pulls": DatabaseChanged.read,
    "pull_dataset": PullDataset.read,
    "register_webhooks": RegisterWebhooks.read,
    "request_availability": read_request,
    "settle_availability": AvailabilityReceived.read,
    "settle_writeback": OutcomeReceived.read,
    "submit_writeback": read_writeback,
}
OURS = [path for path in EXAMPLES if path.parent.name not in {"serve_api", "check_version"}]


def example(name: str) -> Any:
    return json.loads((ROOT / "events" / name).read_text(encoding="utf-8"))


def test_every_function_has_an_example() -> None:
    assert {path.parent.name for path in EXAMPLES} == set(template.functions())


@pytest.mark.parametrize("path", OURS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_example_is_understood(cloud: Cloud, path: Path) -> None:
    stored_school(cloud)
    reply = cloud.invoke(path.parent.name, json.loads(path.read_text(encoding="utf-8")))
    if path.parent.name.startswith("receive_"):
        # Examples are signed by nobody, so nothing is to be learnt from the answer.
        assert (reply["statusCode"], reply["body"]) == (404, '{"message":"Not Found"}')


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_example_is_a_message_as_its_class_writes_it(path: Path) -> None:
    for record in json.loads(path.read_text(encoding="utf-8"))["Records"]:
        body = json.loads(record["body"])
        written = CONSUMERS[path.parent.name](body).body()
        assert json.loads(json.dumps(written)) == body


def test_every_kind_of_message_is_among_the_examples() -> None:
    shown = {
        type(CONSUMERS[path.parent.name](json.loads(record["body"])))
        for path in MESSAGES
        for record in json.loads(path.read_text(encoding="utf-8"))["Records"]
    }
    assert shown == set(Message.__subclasses__())


def test_the_documented_authentication_callback_is_taken_under_the_right_token(
    cloud: Cloud,
) -> None:
    secret_id = cloud.ref("AuthenticationTokenSecret")
    answer = cloud.client("secretsmanager").get_secret_value(SecretId=secret_id)
    event = example("receive_authentication/callback__documented.json")
    event["pathParameters"]["token"] = answer["SecretString"]
    assert cloud.invoke("receive_authentication", event)["statusCode"] == 202
    assert cloud.take("AuthenticationQueue")[0]["estab"] == "3286198"


def test_the_examples_look_like_what_the_tests_are_made_of() -> None:
    built = callback(f"{BASE_URL}/callbacks/database?estab={ESTAB}")
    shown = example("receive_database/callback__by_get.json")
    assert set(shown) == set(built)
    assert set(shown["requestContext"]["http"]) == set(built["requestContext"]["http"])
