"""Writes the notice into a build, and the bill of materials beside it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tools.set_up import ROOT
from tools.supply_chain.bill_of_materials import bill_of_materials, write_bill
from tools.supply_chain.contents import digest_of, make_modes_alike
from tools.supply_chain.installed import installed_in
from tools.supply_chain.locks import read_lock
from tools.supply_chain.notice import NOTICE, third_party_notice

BILL = "sbom.cdx.json"
LOCK = ROOT / "layers" / "dependencies" / "requirements.txt"


def describe_build(build: Path) -> None:
    """Write the notice into the layer of dependencies, and ``sbom.cdx.json`` beside the folders.

    Last of all steps of a build, as the bill states the digest of every folder. Repeated, the same
    build gets the same two files. Needs no network.

    Args:
        build: The folder that sam built, with a folder for each function and layer.

    Raises:
        ValueError: The layer does not hold what the lock names, or a licence is missing.
    """
    layer = build / "DependenciesLayer"
    packages = {package.name: package for package in installed_in(layer / "python")}
    (layer / NOTICE).write_text(third_party_notice(packages.values()), encoding="utf-8")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folders = {path.name: _finished(path) for path in build.iterdir() if path.is_dir()}
    lock = LOCK.read_text(encoding="utf-8")
    bill = bill_of_materials(lock, read_lock(lock), packages, version["version"], folders)
    write_bill(build / BILL, bill)


def _finished(folder: Path) -> str:
    make_modes_alike(folder)
    return digest_of(folder)
