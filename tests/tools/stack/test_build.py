"""That what is deployed is what was built: samconfig.toml, and the template that a build leaves."""

import tomllib
from typing import Any

import pytest
import yaml

from tests.support import template
from tests.support.template import ROOT
from tools.stack.build import pinned
from tools.stack.errors import StackError

STAGES: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
DEPLOYABLE = sorted(set(STAGES) - {"version", "default", "local"})
BUILT = """\
Parameters:
  Stage:
    Type: String
  Architecture:
    Type: String
    Default: arm64
    AllowedValues:
    - arm64
    - x86_64
  XporterUrl:
    Type: String
Resources: {}
"""


def test_every_stage_but_the_local_one_is_in_samconfig() -> None:
    stages = template.load()["Parameters"]["Stage"]["AllowedValues"]
    assert {*DEPLOYABLE, "local"} == set(stages)


@pytest.mark.parametrize("stage", DEPLOYABLE)
def test_build_and_deploy_are_told_the_same_parameters(stage: str) -> None:
    sections = STAGES[stage]
    told = sections["global"]["parameters"]["parameter_overrides"]
    assert f"Stage={stage}" in told.split()
    for command in sections.keys() - {"global"}:
        assert "parameter_overrides" not in sections[command]["parameters"], command


@pytest.mark.parametrize("stage", DEPLOYABLE)
def test_a_stage_deploys_what_was_built_for_it(stage: str) -> None:
    build, deploy = (STAGES[stage][command]["parameters"] for command in ("build", "deploy"))
    deployed = deploy.get("template_file", ".aws-sam/build/template.yaml")
    assert deployed == build.get("build_dir", ".aws-sam/build") + "/template.yaml"
    others = [STAGES[other]["deploy"]["parameters"] for other in DEPLOYABLE if other != stage]
    assert all(deploy["stack_name"] != other["stack_name"] for other in others)
    assert all(deploy.get("template_file") != other.get("template_file") for other in others)


def test_a_built_template_can_be_deployed_for_nothing_but_what_it_was_built_for() -> None:
    parameters = yaml.safe_load(pinned(BUILT, {"Architecture": "x86_64"}))["Parameters"]
    assert parameters["Architecture"]["Default"] == "x86_64"
    assert parameters["Architecture"]["AllowedValues"] == ["x86_64"]
    assert list(parameters) == ["Stage", "Architecture", "XporterUrl"]


def test_a_parameter_that_cannot_be_pinned_fails_the_build() -> None:
    with pytest.raises(StackError, match="PythonRuntime 0 times"):
        pinned(BUILT, {"PythonRuntime": "python3.13"})
