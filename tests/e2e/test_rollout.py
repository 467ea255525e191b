"""A new version on the local stack, tried as CodeDeploy's hook tries it: by its number, and dry."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from functions.check_version.handler import examples
from tools.demo.context import Journey
from tools.stack.deployment import STACK_NAME
from xporter_bridge.audit.trail import AuditTrail
from xporter_bridge.callbacks.signing_keys import SigningKeys
from xporter_bridge.deployments.check_version import CheckDependencies, failed
from xporter_bridge.deployments.versions import Versions
from xporter_bridge.dry_run import MARK

pytestmark = pytest.mark.xdist_group("stack")


class Published(Versions):
    """Versions of which none had traffic yet: a new stack gives it to the first at once."""

    def candidate(self, function: str) -> str | None:
        assert super().candidate(function) is None
        return "1"


def dependencies(journey: Journey) -> CheckDependencies:
    secrets, outputs = journey.stack.aws("secretsmanager"), journey.stack.outputs
    return CheckDependencies(
        hooks=Mock(spec=[]),  # the emulator has no CodeDeploy
        versions=Published(journey.stack.aws("lambda"), STACK_NAME),
        callback_keys=SigningKeys(secrets, outputs["CallbackKeySecretArn"]),
        authentication_tokens=SigningKeys(secrets, outputs["AuthenticationTokenSecretArn"]),
        audit=trail_of(journey),
        now=lambda: datetime.now(UTC),
    )


def trail_of(journey: Journey) -> AuditTrail:
    table = journey.stack.physical_ids["AuditTable"]
    return AuditTrail(journey.stack.aws("dynamodb"), table, timedelta(days=1))


def test_every_version_passes_its_check_and_asks_xporter_nothing(journey: Journey) -> None:
    assert len(examples()) == 19
    # Pulls that an earlier test has caused may ask meanwhile; the checks would ask each time.
    for _ in range(6):
        asked = len(journey.simulator.requests())
        assert failed(dependencies(journey), examples()) == []
        if len(journey.simulator.requests()) == asked:
            return
    pytest.fail("every repetition of the checks has asked Xporter")


def test_the_alias_that_everything_calls_refuses_a_dry_run(journey: Journey) -> None:
    event: dict[str, Any] = {MARK: True, "Records": []}
    name = f"{journey.stack.physical_ids['PlanPullsFunction']}:live"
    answer = journey.stack.aws("lambda").invoke(
        FunctionName=name, Payload=json.dumps(event).encode()
    )
    assert "FunctionError" in answer
    assert b"called by its number" in answer["Payload"].read()
