"""Whoever calls others ends later than their longest silence, and so can say what happened."""

import pytest

from functions.pull_dataset.handler import RESERVE_SECONDS
from functions.request_availability.handler import DATA_SECONDS
from functions.submit_writeback.handler import PART_SECONDS
from functions.watch_deadlines.handler import RESERVE_SECONDS as WATCH_RESERVE_SECONDS
from tests.support import template
from xporter_bridge.aws import clients
from xporter_bridge.datasets.config import configured
from xporter_bridge.erasure.messages import LATE_LOOKS
from xporter_bridge.schools.erased_people import LAST_LOOK_AFTER
from xporter_bridge.xporter.client import longest_seconds

SERVICES = {"dynamodb", "sqs", "kms", "events", "secretsmanager", "s3"}
AWS = clients.longest_seconds("s3")
# A request with a token: a new one first, and after a refusal a newer one and the request again;
# of each new token the details.
ASKING = longest_seconds(quick=4, data=2, data_seconds=DATA_SECONDS)
PAGE = longest_seconds(quick=4, data=2)
# Besides, the refused token is proved to be good or not.
PART = longest_seconds(quick=6, writes=2)
DATABASES = len({dataset.database for dataset in configured().values()})


def services_of(function: str) -> set[str]:
    allowed = {
        action.partition(":")[0]
        for statement in template.statements(function)
        for action in statement["Action"]
    }
    return allowed & SERVICES


@pytest.mark.parametrize("function", template.functions())
def test_a_function_outlives_a_call_to_an_aws_that_hangs(function: str) -> None:
    longest = max(clients.longest_seconds(service) for service in services_of(function))
    assert longest < template.timeout_seconds(function)


@pytest.mark.parametrize(
    ("function", "seconds"),
    [
        # Two secrets are tried at the most, each with a token and its details.
        ("onboard_school", longest_seconds(quick=4)),
        ("register_webhooks", longest_seconds(quick=2 + DATABASES)),
        ("request_availability", ASKING),
        ("pull_dataset", PAGE),
        ("submit_writeback", PART),
    ],
)
def test_a_function_outlives_an_xporter_that_hangs(function: str, seconds: float) -> None:
    assert seconds + AWS <= template.timeout_seconds(function)
    (source,) = [each for name, each in template.consumers().values() if name == function]
    assert source["BatchSize"] == 1


def test_an_erasure_looks_for_dead_letters_until_no_writeback_of_before_can_become_one() -> None:
    queue = template.load()["Resources"]["WritebackQueue"]["Properties"]
    longest = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
    looks = LAST_LOOK_AFTER.total_seconds() * LATE_LOOKS
    assert looks >= longest + LAST_LOOK_AFTER.total_seconds()


def test_what_is_begun_in_an_invocation_can_be_ended_in_it() -> None:
    assert PAGE + AWS <= RESERVE_SECONDS
    assert PART + AWS <= PART_SECONDS < template.timeout_seconds("submit_writeback")
    assert clients.longest_seconds("dynamodb") < WATCH_RESERVE_SECONDS
    # Half an invocation goes into pages at the least.
    assert template.timeout_seconds("pull_dataset") > 2 * RESERVE_SECONDS
