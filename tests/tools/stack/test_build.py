"""That what is deployed is what was built: samconfig.toml, and the template that a build leaves."""

import io
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import template
from tests.support.template import ROOT
from tools.stack import build
from tools.stack.build import build_for_deployment, pinned, put_company_datasets
from tools.stack.errors import StackError
from xporter_bridge.datasets.config import COMPANY_FILE

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


# -- a company's own folder

DATASETS = "SharedLayer/python/xporter_bridge/datasets"


def test_the_folder_that_a_build_puts_a_companys_datasets_in_is_that_of_the_package() -> None:
    package = Path(DATASETS.replace("SharedLayer/python", "layers/shared"))
    assert Path(DATASETS) == build._DATASETS
    assert (ROOT / package / "datasets.toml").is_file()


def test_a_build_without_a_companys_folder_leaves_nothing_of_the_one_before(
    tmp_path: Path,
) -> None:
    artifact, company = tmp_path / DATASETS, tmp_path / "company"
    artifact.mkdir(parents=True)
    company.mkdir()
    (company / "datasets.toml").write_text("[datasets.staff]\nenabled = false\n")
    put_company_datasets(tmp_path, company)
    assert (artifact / COMPANY_FILE).read_text() == "[datasets.staff]\nenabled = false\n"
    put_company_datasets(tmp_path, None)
    assert list(artifact.iterdir()) == []
    (company / "datasets.toml").unlink()
    put_company_datasets(tmp_path, company)
    assert list(artifact.iterdir()) == []


def test_a_companys_samconfig_decides_what_is_built_and_a_stage_that_it_lacks_is_refused(
    tmp_path: Path,
) -> None:
    (tmp_path / "samconfig.toml").write_text('[test.global.parameters]\nx = "y"\n')
    with pytest.raises(StackError, match="no stage 'prod'"):
        build_for_deployment(io.BytesIO(), "prod", tmp_path)
    assert build._build_directory("test", build._settings_file(tmp_path)) == (
        ROOT / ".aws-sam/build"
    )
    (tmp_path / "samconfig.toml").unlink()
    assert build._settings_file(tmp_path) == ROOT / "samconfig.toml"
