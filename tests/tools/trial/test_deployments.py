"""That what a trial deploys into a real account is what the templates take."""

import re
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from tools.set_up import ROOT
from tools.trial import bridge, simulators
from tools.trial.account import Account
from tools.trial.leftovers import BY_TYPE
from tools.trial.trial import Trial

SIMULATOR_URL = "https://api.execute-api.eu-west-2.amazonaws.com"
OUTPUTS = {
    "SimulatorUrl": SIMULATOR_URL,
    "CallbacksUrl": "https://callbacks",
    "ApiUrl": "https://api",
}


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path, dict[str, str]]]:
    """What was deployed: stack, template, parameters."""
    found: list[tuple[str, Path, dict[str, str]]] = []
    monkeypatch.setattr(Trial, "deploy", lambda self, *arguments: found.append(arguments))
    for module in (bridge, simulators):
        monkeypatch.setattr(module, "outputs", lambda cloudformation, stack: OUTPUTS)
    monkeypatch.setattr(bridge, "build_for_deployment", lambda log, stage: Path(stage))
    return found


@pytest.fixture
def trial(tmp_path: Path) -> Any:
    limits = {"AccountLimit": {"ConcurrentExecutions": 1000}}
    client = SimpleNamespace(
        get_account_settings=lambda: limits, upload_file=lambda *arguments: None
    )
    session = SimpleNamespace(client=lambda service, endpoint_url: client)
    account = Account("123456789012", "arn", "eu-west-2", None, session)
    with (tmp_path / "log").open("wb") as log:
        yield Trial("xporter-trial-1", account, tmp_path, log, lambda line: None)


def template(path: str) -> dict[str, Any]:
    document: dict[str, Any] = cfn_yaml.load(str(ROOT / path))
    return document


def test_the_product_is_deployed_with_parameters_that_its_template_and_rules_allow(
    trial: Trial, deployed: list[tuple[str, Path, dict[str, str]]]
) -> None:
    urls = bridge._deploy_to_account(trial, {"XporterUrl": SIMULATOR_URL, "RelyingParty": "a.b"})
    assert urls == (OUTPUTS["CallbacksUrl"], OUTPUTS["ApiUrl"])
    [(stack, built, parameters)] = deployed
    assert (stack, built) == ("xporter-trial-1", Path("test"))
    declared = template("template.yaml")["Parameters"]
    for name, value in parameters.items():
        allowed = [str(each) for each in declared[name].get("AllowedValues", [value])]
        assert value in allowed, name
        assert re.fullmatch(declared[name].get("AllowedPattern", ".*"), value), name
    rule = template("template.yaml")["Rules"]["AvailabilityWaitsForXporter"]
    [[values, _]] = [each["Assert"]["Fn::Contains"] for each in rule["Assertions"]]
    assert parameters["AvailabilityDeadlineSeconds"] in values
    assert parameters["Stage"] != "local"


def test_the_simulator_is_deployed_with_the_parameters_that_its_template_needs(
    trial: Trial, deployed: list[tuple[str, Path, dict[str, str]]]
) -> None:
    trial.scratch.mkdir()
    with ExitStack() as held:
        assert simulators.start_simulator(trial, held) == SIMULATOR_URL
    [(stack, path, parameters)] = deployed
    assert stack == "xporter-trial-1-simulator"
    declared = template(str(path.relative_to(ROOT)))["Parameters"]
    needed = {name for name, parameter in declared.items() if "Default" not in parameter}
    assert needed == set(parameters)
    assert parameters["ArchiveBucket"] == trial.artifacts


def test_sam_gets_the_users_own_credentials_on_aws_and_nothing_of_them_on_an_emulator() -> None:
    theirs = {"AWS_PROFILE": "sandbox", "PATH": "/bin"}
    real = Account("1", "arn", "eu-west-1", None, None).environment(Path("/tmp"), theirs)
    assert (real["AWS_PROFILE"], real["AWS_REGION"]) == ("sandbox", "eu-west-1")
    url = "http://127.0.0.1:4566"
    emulated = Account("1", "arn", "eu-west-2", url, None).environment(Path("/tmp"), theirs)
    assert emulated["AWS_ENDPOINT_URL"] == url
    assert "AWS_PROFILE" not in emulated


def test_whatever_the_template_retains_a_trial_can_delete() -> None:
    resources = template("template.yaml")["Resources"].values()
    retained = {each["Type"] for each in resources if "DeletionPolicy" in each}
    assert retained
    assert retained <= set(BY_TYPE)
