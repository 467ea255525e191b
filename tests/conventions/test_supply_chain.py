"""What ships of others: its licences, its notice, and its list; offline, from what is installed."""

import importlib.metadata
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.template import ROOT
from tools.supply_chain.bill_of_materials import bill_of_materials
from tools.supply_chain.describe_build import LOCK
from tools.supply_chain.installed import Installed, installed_in
from tools.supply_chain.licences import is_allowed
from tools.supply_chain.locks import normalised, read_lock
from tools.supply_chain.notice import third_party_notice
from tools.supply_chain.parts import licences_of_parts

# The development environment holds everything that ships, in the versions of the locks.
SITE = Path(str(importlib.metadata.distribution("pydantic").locate_file("")))
INSTALLED = {package.name: package for package in installed_in(SITE)}
LOCKED = read_lock(LOCK.read_text(encoding="utf-8"))
LAYER = {package.name: INSTALLED[package.name] for package in LOCKED}


def brought_by_the_wheel() -> Iterator[str]:
    """The operator's wheel contains nobody's code, but installing it brings these."""
    project = tomllib.loads((ROOT / "tools/operator/pyproject.toml").read_text())["project"]
    waiting, seen = [normalised(each.split(">")[0]) for each in project["dependencies"]], set()
    while waiting:
        name = waiting.pop()
        if name not in seen and name in INSTALLED:
            seen.add(name)
            yield name
            waiting += INSTALLED[name].requires


SHIPPED = sorted({*LAYER, *brought_by_the_wheel()})


def test_there_is_something_to_look_at() -> None:
    assert {"cryptography", "pydantic-core", "boto3", "botocore", "mdurl"} <= set(SHIPPED)


def test_the_licences_are_those_of_the_versions_that_ship() -> None:
    assert {name: each.version for name, each in LAYER.items()} == {
        each.name: each.version for each in LOCKED
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_has_a_licence_that_may_ship(name: str) -> None:
    package = INSTALLED[name]
    assert is_allowed(package.licence), f"{name} is under {package.licence!r}"


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_compiled_into_a_package_has_a_licence_that_may_ship(name: str) -> None:
    parts = licences_of_parts(INSTALLED[name])
    assert [each for each in parts if not is_allowed(each[1])] == []


def test_the_parts_of_machine_code_are_known() -> None:
    compiled = {name for name, package in LAYER.items() if licences_of_parts(package)}
    assert {"cryptography", "orjson", "pydantic-core"} <= compiled


def test_the_notice_has_every_package_of_the_layer_with_the_text_of_its_licence() -> None:
    notice = third_party_notice(LAYER.values())
    for package in LAYER.values():
        assert f"\n{package.name} {package.version}: {package.licence}\n" in notice
        assert all(text.strip() in notice for text in package.licence_texts().values())


def test_a_package_without_the_text_of_its_licence_fails_the_build(tmp_path: Path) -> None:
    bare = Installed(tmp_path, LAYER["idna"].metadata)
    with pytest.raises(ValueError, match="idna states no licence"):
        third_party_notice([bare])


def test_the_bill_names_every_package_of_the_lock_and_what_needs_it() -> None:
    bill = bill_of_materials(LOCK.read_text(), LOCKED, LAYER, "1.2.3", {"Layer": "ab"})
    named = {each["purl"]: each for each in bill["components"]}
    assert set(named) == {f"pkg:pypi/{each.name}@{each.version}" for each in LOCKED}
    assert all(each["licenses"][0]["expression"] for each in named.values())
    needs = {each["ref"]: each["dependsOn"] for each in bill["dependencies"]}
    direct = {line.split("@")[0].split("/")[1] for line in needs["xporter-bridge@1.2.3"]}
    wanted = (ROOT / "layers/dependencies/requirements.in").read_text().splitlines()
    assert direct == {line.split()[0] for line in wanted if not line.startswith("#")}
    assert any(
        "pydantic-core" in each for each in needs[f"pkg:pypi/pydantic@{version('pydantic')}"]
    )
    assert {component for on in needs.values() for component in on} == set(named)


def test_a_layer_with_another_version_than_the_lock_has_no_bill() -> None:
    without = {name: package for name, package in LAYER.items() if name != "idna"}
    with pytest.raises(ValueError, match=r"does not hold what the lock names: \['idna'\]"):
        bill_of_materials("", LOCKED, without, "1", {})


def version(name: str) -> str:
    return next(each.version for each in LOCKED if each.name == name)
