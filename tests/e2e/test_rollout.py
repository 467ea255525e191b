"""A new version on the local stack, tried as CodeDeploy's hook tries it: by its number, and dry."""

import json
from typing import Any
from unittest.mock import Mock

import pytest

from functions.check_version.handler import examples
from tools.demo.context import Journey
from xporter_bridge.callbacks.secrets import SecretVersions
from xporter_bridge.deployments.check_version import CheckDesk, failed
from xporter_bridge.deployments.versions import Versions
from xporter_bridge.dry_run import MARK

pytestmark = pytest.mark.xdist_group("stack")


def targets(journey: Journey) -> dict[str, str]:
    """Return the versions that CloudFormation has told the check of."""
    name = journey.stack.physical_ids["CheckVersionFunction"]
    configuration = journey.stack.aws("lambda").get_function_configuration(FunctionName=name)
    words = configuration["Environment"]["Variables"]["VERSIONS"].split()
    return dict(zip(words[::2], words[1::2], strict=True))


def desk(journey: Journey) -> CheckDesk:
    secrets, outputs = journey.stack.aws("secretsmanager"), journey.stack.outputs
    token = SecretVersions(secrets, outputs["AuthenticationTokenSecretArn"]).keys()[0]
    return CheckDesk(
        hooks=Mock(spec=[]),  # the emulator has no CodeDeploy
        versions=Versions(journey.stack.aws("lambda")),
        callback_keys=SecretVersions(secrets, outputs["CallbackKeySecretArn"]).keys(),
        authentication_token=token.secret.decode(),
    )


def test_every_version_passes_its_check_and_asks_xporter_nothing(journey: Journey) -> None:
    asked = len(journey.simulator.requests())
    versions = targets(journey)
    assert len(versions) == 18
    assert failed(desk(journey), versions, examples()) == []
    assert len(journey.simulator.requests()) == asked


def test_the_alias_that_everything_calls_refuses_a_dry_run(journey: Journey) -> None:
    event: dict[str, Any] = {MARK: True, "Records": []}
    name = f"{journey.stack.physical_ids['PlanPullsFunction']}:live"
    answer = journey.stack.aws("lambda").invoke(
        FunctionName=name, Payload=json.dumps(event).encode()
    )
    assert "FunctionError" in answer
    assert b"called by its number" in answer["Payload"].read()
