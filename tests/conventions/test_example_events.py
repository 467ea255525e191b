"""``events/<function>/<event>__<variant>.json``: what ``sam local invoke`` is given, run here."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import template
from tests.support.builders import BASE_URL, ESTAB, callback, stored_school
from tests.support.moto_cloud import Cloud
from tests.support.template import ROOT

EXAMPLES = sorted((ROOT / "events").glob("*/*.json"))
# Those of the API are tested beside its other calls: each needs what it names. What CodeDeploy asks
# is in tests/integration/test_check_version.py.
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
